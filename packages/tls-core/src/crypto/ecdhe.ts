/** Which groups TLS 1.2 has. */
import { NamedGroup } from '../registry.ts';

const ecdheGroups: ReadonlySet<NamedGroup> = /* @__PURE__ */ new Set<NamedGroup>([
  NamedGroup.secp256r1,
  NamedGroup.secp384r1,
  NamedGroup.secp521r1,
  NamedGroup.X25519,
  NamedGroup.X448,
]);

/** RFC 8422 section 5.1.1: the curves. A KEM cannot be one, since in TLS 1.2 the server's share goes out first. */
export function isEcdheGroup(name: NamedGroup): boolean {
  return ecdheGroups.has(name);
}
