/**
 * What of a ClientHello means nothing: GREASE (RFC 8701) and the order of the extensions. Chosen once a connection, since
 * a second ClientHello may change neither (RFC 8446 section 4.1.2).
 */
import { emptyBytes } from '../codec/bytes.ts';
import { type ClientConfig } from '../config.ts';
import { movableExtensions } from '../messages/client_hello.ts';
import { type UnknownExtension } from '../messages/extension.ts';
import {
  type CipherSuite,
  type ExtensionType,
  type NamedGroup,
  type ProtocolVersion,
  type SignatureScheme,
} from '../registry.ts';

/** One reserved value for each list; to be spread into it, empty without GREASE. */
export interface HelloShape {
  readonly cipherSuites: readonly CipherSuite[];
  readonly namedGroups: readonly NamedGroup[];
  readonly versions: readonly ProtocolVersion[];
  readonly signatureSchemes: readonly SignatureScheme[];
  readonly extensions: readonly UnknownExtension[];
  /** Of all extensions that there can be, pre_shared_key left out. */
  readonly order: readonly ExtensionType[];
}

export function chooseHelloShape({ provider, grease, extensionOrder }: ClientConfig): HelloShape {
  const random = new Uint8Array(5 + 2 * movableExtensions.length);
  provider.random(random);
  const order = extensionOrder === 'fixed' ? movableExtensions : shuffled(movableExtensions, random.subarray(5));
  if (!grease) {
    return { cipherSuites: [], namedGroups: [], versions: [], signatureSchemes: [], extensions: [], order };
  }
  const [suite, group, version, scheme, first] = random;
  // Another one, since no extension may stand twice.
  const last = first! + 1;
  return {
    cipherSuites: [greaseValue(suite!)],
    namedGroups: [greaseValue(group!)],
    versions: [greaseValue(version!)],
    signatureSchemes: [greaseValue(scheme!)],
    extensions: [
      { type: greaseValue(first!), data: emptyBytes },
      { type: greaseValue(last), data: new Uint8Array(1) },
    ],
    // There are old servers that do not bear an empty extension at the end: ours there is not empty.
    order: [greaseValue(first!), ...order, greaseValue(last)],
  };
}

/** RFC 8701 section 2: 0x0a0a, 0x1a1a, … 0xfafa; one for each value of the low four bits. */
export function greaseValue(random: number): number {
  return (((random & 0x0f) << 4) | 0x0a) * 0x0101;
}

/**
 * Fisher and Yates; that 2^16 is no multiple of the length does no harm here.
 *
 * @param bytes two random ones for each value
 */
function shuffled<T>(values: readonly T[], bytes: Uint8Array): readonly T[] {
  const result = [...values];
  for (let last = result.length - 1; last > 0; last--) {
    const other = ((bytes[2 * last]! << 8) | bytes[2 * last + 1]!) % (last + 1);
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}
