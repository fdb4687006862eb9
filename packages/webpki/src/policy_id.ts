/** What the decisions of a verifier depend on, as bytes: a session is resumed only with a verifier that decides alike. */
import { type CryptoProvider, type ServerCertVerifier, type SignatureVerificationAlgorithm } from '@tyls/tls-core';
import { asciiBytes, concat, derEncode, DerTag } from '@tyls/tls-core/der';
import { digestsOf } from './digests.ts';
import { type KeyUsageBit } from './extensions.ts';
import { defaultPolicy, type Policy } from './policy.ts';
import { type SpkiPin } from './spki_pin.ts';
import { type RootStore, type TrustAnchor } from './trust_anchor.ts';

type SessionPolicy = Pick<ServerCertVerifier, 'policyId'>;

type Provider = Pick<CryptoProvider, 'signatureVerification' | 'cipherSuites'>;

interface Options {
  readonly provider: Provider;
  readonly policy?: Policy | undefined;
  readonly maxDepth?: number | undefined;
  readonly keyUsage?: readonly KeyUsageBit[] | undefined;
  readonly revocation?: object | undefined;
  readonly pins?: readonly SpkiPin[] | undefined;
}

/**
 * Has a verifier say what its decisions depend on. What is made of it by spreading decides otherwise, and must not say the
 * same: the property is one that spreading leaves behind.
 */
export function withPolicyId<V extends SessionPolicy>(verifier: V, policyId: () => Uint8Array | undefined): V {
  return Object.defineProperty(verifier, 'policyId', { get: policyId, enumerable: false });
}

/**
 * @param kind of verifier, and what it has been told beyond the options
 * @returns `undefined` where the options have code in them, or lists that may be long: such a verifier is known by itself
 *   alone
 */
export function policyIdOf(
  kind: readonly (string | number | boolean | undefined)[],
  { provider, policy = defaultPolicy, maxDepth, keyUsage, revocation, pins }: Options,
  roots: RootStore,
): Uint8Array | undefined {
  if (policy !== defaultPolicy || revocation !== undefined) return undefined;
  return concat([
    textId([...kind, maxDepth, keyUsage, pinsId(pins)]),
    algorithmsId(provider),
    rootsId(roots, provider),
  ]);
}

/** @param pins of a verifier that has no roots, and asks for nothing else */
export function pinnedPolicyId(kind: string, pins: readonly SpkiPin[], provider: Provider): Uint8Array {
  return concat([textId([kind, pinsId(pins)]), algorithmsId(provider)]);
}

/** Values of an array that is ASCII in JSON, and a bracket that ends it. */
function textId(values: readonly unknown[]): Uint8Array {
  return asciiBytes(JSON.stringify(values));
}

function pinsId(pins: readonly SpkiPin[] | undefined): readonly unknown[] | undefined {
  return pins?.map((pin) => (typeof pin === 'string' ? pin : [...pin]));
}

/** Of what is made once: lists of algorithms, and stores with a hundred and more roots in them. */
const known = /* @__PURE__ */ new WeakMap<object, Uint8Array>();

function remembered(of: object, encode: () => Uint8Array): Uint8Array {
  let id = known.get(of);
  if (id === undefined) {
    id = encode();
    known.set(of, id);
  }
  return id;
}

/** The algorithms that signatures may have, on certificates and by scheme; in one order, whatever a provider's is. */
function algorithmsId(provider: Provider): Uint8Array {
  const { algorithms, schemes } = provider.signatureVerification;
  return remembered(provider.signatureVerification, () => {
    const byScheme = schemes.map(({ scheme, algorithms: those }) => [scheme, ...those.map(algorithmText)].join());
    return shortened(textId([algorithms.map(algorithmText).toSorted(), byScheme.toSorted()]), provider);
  });
}

/** The numbers of its bytes. */
function algorithmText({ publicKeyAlgorithm, signatureAlgorithm }: SignatureVerificationAlgorithm): string {
  return concat([
    derEncode(DerTag.sequence, publicKeyAlgorithm),
    derEncode(DerTag.sequence, signatureAlgorithm),
  ]).join();
}

function rootsId(roots: RootStore, provider: Provider): Uint8Array {
  return remembered(roots, () => shortened(concat(roots.anchors.map(encodeAnchor)), provider));
}

function shortened(encoded: Uint8Array, provider: Provider): Uint8Array {
  return digestsOf(provider).sha256?.(encoded) ?? encoded;
}

function encodeAnchor(anchor: TrustAnchor): Uint8Array {
  const { subject, subjectPublicKeyInfo, nameConstraints, distrustAfter } = anchor;
  const parts = [
    derEncode(DerTag.sequence, subject),
    derEncode(DerTag.sequence, subjectPublicKeyInfo),
    nameConstraints === undefined
      ? derEncode(DerTag.null, new Uint8Array(0))
      : derEncode(DerTag.sequence, nameConstraints),
    derEncode(DerTag.octetString, asciiBytes(String(distrustAfter))),
  ];
  return derEncode(DerTag.sequence, concat(parts));
}
