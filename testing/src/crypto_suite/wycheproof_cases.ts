/** What each kind of Wycheproof case asks of a provider. */
import {
  type Awaitable,
  CipherSuite,
  ecFieldLength,
  type EcKeyKind,
  type KeyKind,
  NamedGroup,
  publicKeyAlgorithm,
  SignatureScheme,
  type SignatureVerificationAlgorithm,
} from '@tyls/tls-core/provider';
import { type Subject } from './subject.ts';
import {
  type AeadGroup,
  type AeadVector,
  type EcdsaGroup,
  type HkdfVector,
  type KeyAgreementGroup,
  type KeyAgreementVector,
  type MacVector,
  type MlDsaGroup,
  type MlDsaVector,
  type MlKemVector,
  type RsaPssGroup,
  type SignatureVector,
  type VectorFile,
  type VectorGroup,
  type VectorId,
} from './wycheproof_vectors.ts';

/** Whether the provider did as the vector says, or why that cannot be asked of it. */
type Outcome = boolean | { readonly skipped: string };

export interface Case {
  readonly id: string;
  readonly outcome: () => Awaitable<Outcome>;
}

const notOffered = { skipped: 'algorithm not offered' } as const;

export function casesOf(subject: Subject, file: VectorFile, group: VectorGroup): readonly Case[] {
  const each = <V extends VectorId>(vectors: readonly V[], outcome: (vector: V) => Awaitable<Outcome>): Case[] =>
    vectors.map((vector) => ({ id: `${vector.tcId} (${vector.comment})`, outcome: () => outcome(vector) }));
  switch (group.type) {
    case 'AeadTest':
      return each(group.tests, (vector) => aead(subject, file.algorithm, group, vector));
    case 'EcdhEcpointTest':
    case 'XdhComp':
      return each(group.tests, (vector) => keyAgreement(subject, group, vector));
    case 'EcdsaVerify':
      return each(group.tests, (vector) => ecdsa(subject, group, vector, bytes(vector.sig)));
    case 'EcdsaP1363Verify':
      return each(group.tests, (vector) => ecdsaP1363(subject, group, vector));
    case 'EddsaVerify': {
      const publicKey = bytes(group.publicKey.pk);
      return each(group.tests, (vector) => signature(subject, 'ed25519', 'ed25519', publicKey, vector));
    }
    case 'RsassaPkcs1Verify': {
      const publicKey = bytes(group.publicKeyAsn);
      return each(group.tests, (vector) =>
        signature(subject, 'rsa', `rsa_pkcs1_${digestName(group.sha)}`, publicKey, vector),
      );
    }
    case 'RsassaPssVerify':
      return each(group.tests, (vector) => rsaPss(subject, group, vector));
    case 'HkdfTest':
      return each(group.tests, (vector) => hkdf(subject, file.algorithm, vector));
    case 'MacTest':
      return each(group.tests, (vector) => hmac(subject, file.algorithm, vector));
    case 'MLKEMKeyGen':
      return each(group.tests, (vector) => mlKemKeyPair(subject, vector));
    case 'MLKEMEncapsTest':
      return each(group.tests, (vector) => mlKemEncapsulation(subject, vector));
    case 'MLKEMTest':
      return each(group.tests, (vector) => mlKemDecapsulation(subject, vector));
    case 'MlDsaVerify':
      return each(group.tests, (vector) => mlDsa(subject, file.algorithm, group, vector));
  }
}

/** One with the AEAD, by its name and the size of its key in bits. */
const suiteOf: Readonly<Record<string, CipherSuite>> = {
  'AES-GCM 128': CipherSuite.TLS_AES_128_GCM_SHA256,
  'AES-GCM 256': CipherSuite.TLS_AES_256_GCM_SHA384,
  'CHACHA20-POLY1305 256': CipherSuite.TLS_CHACHA20_POLY1305_SHA256,
};

async function aead({ provider }: Subject, algorithm: string, group: AeadGroup, vector: AeadVector): Promise<Outcome> {
  const id = suiteOf[`${algorithm} ${group.keySize}`];
  if (id === undefined) return { skipped: 'keys not of a size that TLS has' };
  if (group.ivSize !== 96) return { skipped: 'nonces not of 12 bytes' };
  if (group.tagSize !== 128) return { skipped: 'tags not of 16 bytes' };
  const suite = provider.cipherSuites.find((offered) => offered.id === id);
  if (suite === undefined) return notOffered;
  const [key, nonce, additionalData] = [bytes(vector.key), bytes(vector.iv), bytes(vector.aad)];
  const [plaintext, ciphertext] = [bytes(vector.msg), bytes(vector.ct + vector.tag)];
  const opened = await suite.aead.opener(key).open(nonce, additionalData, [ciphertext]);
  if (vector.result !== 'valid') return opened === undefined;
  const sealed = await suite.aead.sealer(key).seal(nonce, additionalData, [plaintext]);
  return opened !== undefined && equal(joined(opened), plaintext) && equal(joined(sealed), ciphertext);
}

const groupOf: Readonly<Record<string, NamedGroup>> = {
  curve25519: NamedGroup.X25519,
  secp256r1: NamedGroup.secp256r1,
  secp384r1: NamedGroup.secp384r1,
};

async function keyAgreement(
  { provider, agree }: Subject,
  group: KeyAgreementGroup,
  vector: KeyAgreementVector,
): Promise<Outcome> {
  const name = groupOf[group.curve];
  if (name === undefined || !provider.keyExchangeGroups.some((offered) => offered.name === name)) return notOffered;
  const privateKey = leftPadded(bytes(vector.private), name === NamedGroup.secp384r1 ? 48 : 32);
  const secret = await agree(name, privateKey, bytes(vector.public));
  return mustWork(vector) ? secret !== undefined && equal(secret, bytes(vector.shared)) : secret === undefined;
}

/** FIPS 203 table 3; a hybrid group has found the lengths right before it asks its KEM. */
const mlKem768Length = { encapsulationKey: 1184, ciphertext: 1088 };
const ofAnotherLength = { skipped: 'lengths that a group refuses by itself' } as const;

async function mlKemKeyPair({ mlKem768 }: Subject, vector: MlKemVector): Promise<Outcome> {
  if (mlKem768 === undefined) return notOffered;
  const { encapsulationKey } = await mlKem768.keyPairOf(bytes(vector.seed!));
  return mustWork(vector) && equal(encapsulationKey, bytes(vector.ek!));
}

async function mlKemEncapsulation({ mlKem768 }: Subject, vector: MlKemVector): Promise<Outcome> {
  if (mlKem768 === undefined) return notOffered;
  const encapsulationKey = bytes(vector.ek!);
  if (encapsulationKey.length !== mlKem768Length.encapsulationKey) return ofAnotherLength;
  const encapsulation = await mlKem768.encapsulate(encapsulationKey, bytes(vector.m!));
  if (encapsulation === undefined || !mustWork(vector)) return (encapsulation !== undefined) === mustWork(vector);
  if (mlKem768.drawsMessage) return { skipped: 'known answers: draws its own message' };
  const { ciphertext, sharedSecret } = encapsulation;
  return equal(ciphertext, bytes(vector.c!)) && equal(sharedSecret, bytes(vector.K!));
}

async function mlKemDecapsulation({ mlKem768 }: Subject, vector: MlKemVector): Promise<Outcome> {
  if (mlKem768 === undefined) return notOffered;
  const ciphertext = bytes(vector.c!);
  if (ciphertext.length !== mlKem768Length.ciphertext) return ofAnotherLength;
  if (vector.seed!.length !== 128) return { skipped: 'seeds that nobody would draw' };
  const { encapsulationKey, decapsulate } = await mlKem768.keyPairOf(bytes(vector.seed!));
  const sharedSecret = await decapsulate(ciphertext);
  if (vector.ek !== undefined && !equal(encapsulationKey, bytes(vector.ek))) return false;
  return mustWork(vector)
    ? sharedSecret !== undefined && equal(sharedSecret, bytes(vector.K!))
    : sharedSecret === undefined;
}

async function ecdsaP1363(subject: Subject, group: EcdsaGroup, vector: SignatureVector): Promise<Outcome> {
  if (subject.p1363 === undefined) return { skipped: 'has no conversion: it speaks DER itself' };
  const [given, length] = [bytes(vector.sig), ecFieldLength[ecKind(group.publicKey.curve)]];
  const der = subject.p1363.toDer(given, length);
  if (der === undefined) return vector.result === 'invalid';
  const back = subject.p1363.fromDer(der, length);
  if (back === undefined || !equal(back, given)) return false;
  return ecdsa(subject, group, vector, der);
}

function ecdsa(subject: Subject, group: EcdsaGroup, vector: SignatureVector, der: Uint8Array): Awaitable<Outcome> {
  const curveOfScheme = { sha256: 'secp256r1', sha384: 'secp384r1', sha512: 'secp521r1' }[digestName(group.sha)];
  const kind = ecKind(group.publicKey.curve);
  const publicKey = bytes(group.publicKey.uncompressed);
  return signature(subject, kind, `ecdsa_${curveOfScheme}_${digestName(group.sha)}`, publicKey, vector, der);
}

/** As long as the digest (RFC 8446 section 4.2.3), of the hashes that TLS has. */
const pssSaltLength: Readonly<Record<string, number>> = { 'SHA-256': 32, 'SHA-384': 48, 'SHA-512': 64 };

function rsaPss(subject: Subject, group: RsaPssGroup, vector: SignatureVector): Awaitable<Outcome> {
  const saltLength = pssSaltLength[group.sha];
  if (group.mgf !== 'MGF1' || group.mgfSha !== group.sha || group.sLen !== saltLength) {
    return { skipped: 'hash, MGF and salt length not as in TLS' };
  }
  return signature(subject, 'rsa', `rsa_pss_rsae_${digestName(group.sha)}`, bytes(group.publicKeyAsn), vector);
}

async function signature(
  { provider }: Subject,
  kind: KeyKind,
  schemeName: string,
  publicKey: Uint8Array,
  vector: SignatureVector,
  encoded: Uint8Array = bytes(vector.sig),
): Promise<Outcome> {
  const scheme = (SignatureScheme as Readonly<Record<string, SignatureScheme>>)[schemeName];
  const algorithm: SignatureVerificationAlgorithm | undefined = provider.signatureVerification.schemes
    .find((offered) => offered.scheme === scheme)
    ?.algorithms.find((candidate) => equal(candidate.publicKeyAlgorithm, publicKeyAlgorithm[kind]));
  if (algorithm === undefined) return notOffered;
  return (await algorithm.verify(publicKey, bytes(vector.msg), encoded)) === mustWork(vector);
}

function mlDsa(subject: Subject, algorithm: string, group: MlDsaGroup, vector: MlDsaVector): Awaitable<Outcome> {
  // In TLS and certificates the context is empty (RFC 9881 section 3).
  if ((vector.ctx ?? '') !== '') return { skipped: 'with a context' };
  const parameterSet = algorithm.slice(-2) as '44' | '65' | '87';
  return signature(subject, `mlDsa${parameterSet}`, `mldsa${parameterSet}`, bytes(group.publicKey), vector);
}

function hkdf({ provider }: Subject, algorithm: string, vector: HkdfVector): Outcome {
  const suite = provider.cipherSuites.find(({ hash }) => 8 * hash.outputLength === Number(algorithm.slice(-3)));
  if (suite === undefined) return notOffered;
  const pseudorandomKey = suite.hkdf.extract(bytes(vector.salt), bytes(vector.ikm));
  try {
    const output = suite.hkdf.expand(pseudorandomKey, bytes(vector.info), vector.size);
    return mustWork(vector) && equal(output, bytes(vector.okm));
  } catch (error) {
    return !mustWork(vector) && error instanceof RangeError;
  }
}

function hmac({ provider }: Subject, algorithm: string, vector: MacVector): Outcome {
  const suite = provider.cipherSuites.find(({ hash }) => 8 * hash.outputLength === Number(algorithm.slice(-3)));
  if (suite === undefined) return notOffered;
  const tag = bytes(vector.tag);
  // Some vectors have a tag that was cut short.
  const computed = suite.hkdf.hmac(bytes(vector.key), bytes(vector.msg)).subarray(0, tag.length);
  return equal(computed, tag) === mustWork(vector);
}

/** What the vectors leave to us, by their flags: each of these TLS forbids, and all the rest it allows. */
const refusedFlags = [
  'CompressedPoint', // RFC 8446 section 4.2.8.2
  'ZeroSharedSecret', // RFC 8446 section 7.4.2
  'MissingNull', // RFC 8017 section 9.2: DigestInfo's parameters are NULL
];
const allowedFlags = ['Twist', 'NonCanonicalPublic']; // RFC 7748 sections 5 and 6: computed like any other

function mustWork({ result, flags = [], tcId }: VectorId): boolean {
  if (result !== 'acceptable') return result === 'valid';
  if (flags.some((flag) => refusedFlags.includes(flag))) return false;
  if (flags.some((flag) => allowedFlags.includes(flag))) return true;
  throw new Error(`nobody has decided what to make of ${flags.join(', ')} (case ${tcId})`);
}

function ecKind(curve: string): EcKeyKind {
  const kinds: Readonly<Record<string, EcKeyKind>> = { secp256r1: 'ecP256', secp384r1: 'ecP384', secp521r1: 'ecP521' };
  const kind = kinds[curve];
  if (kind === undefined) throw new Error(`no such curve: ${curve}`);
  return kind;
}

function digestName(sha: string): 'sha256' | 'sha384' | 'sha512' {
  return sha.replace('SHA-', 'sha') as 'sha256' | 'sha384' | 'sha512';
}

function bytes(hexadecimal: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hexadecimal, 'hex'));
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(pieces));
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Vectors have private numbers without leading zeros, or with one more. */
function leftPadded(number: Uint8Array, length: number): Uint8Array {
  const padded = new Uint8Array(length);
  const digits = number.subarray(Math.max(0, number.length - length));
  padded.set(digits, length - digits.length);
  return padded;
}
