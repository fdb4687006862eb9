/**
 * Private keys for providers: the formats that they come in, and the schemes that they sign with.
 *
 * Formats: PKCS#8 (RFC 5958, RFC 8410 for Ed25519, RFC 9881 for ML-DSA), PKCS#1 (RFC 8017 appendix A.1) and SEC 1 (RFC 5915). Not
 * encrypted keys, not PEM, and no arithmetic: whether numbers belong together is for the provider to say.
 */
import { concat, equalBytes } from '../codec/bytes.ts';
import { contextTag, derEncode, DerReader, DerTag } from '../codec/der.ts';
import { SignatureScheme } from '../registry.ts';
import { publicKeyAlgorithm } from './algorithm_identifier.ts';
import { type PrivateKeyDer, type Signer, type SigningKey } from './provider.ts';
import { enterSequence, rsaLimitBroken, type RsaPublicKey } from './rsa_public_key.ts';

/** The kinds of keys that TLS authentication knows here. */
export type KeyKind = keyof typeof publicKeyAlgorithm;

/** The kinds of ECDSA keys, by their curve. */
export type EcKeyKind = 'ecP256' | 'ecP384' | 'ecP521';

/** The kinds of ML-DSA keys, by their parameter set (FIPS 204 section 4). */
export type MlDsaKeyKind = 'mlDsa44' | 'mlDsa65' | 'mlDsa87';

/** Length of a scalar and of a coordinate in bytes; an uncompressed point is twice that and one (SEC 1 section 2.3). */
export const ecFieldLength: Readonly<Record<EcKeyKind, number>> = { ecP256: 32, ecP384: 48, ecP521: 66 };

/** Lengths in bytes, FIPS 204 table 2. */
export const mlDsaLength: Readonly<Record<MlDsaKeyKind, { readonly publicKey: number; readonly expandedKey: number }>> =
  {
    mlDsa44: { publicKey: 1312, expandedKey: 2560 },
    mlDsa65: { publicKey: 1952, expandedKey: 4032 },
    mlDsa87: { publicKey: 2592, expandedKey: 4896 },
  };

/** A parsed private key. The bytes borrow the encoding that it was parsed from. */
export type PrivateKey = RsaPrivateKey | EcPrivateKey | Ed25519PrivateKey | MlDsaPrivateKey;

/** RSA, within the limits of {@link parseRsaPublicKey}. */
export interface RsaPrivateKey extends RsaPublicKey {
  readonly kind: 'rsa';
  /** The whole RSAPrivateKey in DER. */
  readonly pkcs1: Uint8Array;
}

/** ECDSA on one of the curves of {@link EcKeyKind}. */
export interface EcPrivateKey {
  readonly kind: EcKeyKind;
  /** {@link ecFieldLength} bytes, big-endian: at least 1, and less than the order of the curve. */
  readonly scalar: Uint8Array;
  /** Uncompressed point, if the encoding has it. Neither the curve equation nor the private key was consulted. */
  readonly publicKey: Uint8Array | undefined;
}

/** RFC 8032. */
export interface Ed25519PrivateKey {
  readonly kind: 'ed25519';
  /** The private key of RFC 8032 section 5.1.5: 32 bytes. */
  readonly seed: Uint8Array;
  /** 32 bytes, if the encoding has it, not checked. */
  readonly publicKey: Uint8Array | undefined;
}

/** ML-DSA in one of the three forms of RFC 9881 section 6: seed, expanded key, or both. */
export interface MlDsaPrivateKey {
  readonly kind: MlDsaKeyKind;
  /** 32 bytes. */
  readonly seed: Uint8Array | undefined;
  /**
   * {@link mlDsaLength} bytes. Where the seed is there too, whoever loads the key has to refuse one that is not the
   * seed's.
   */
  readonly expandedKey: Uint8Array | undefined;
  /** {@link mlDsaLength} bytes, if the encoding has it, not checked. */
  readonly publicKey: Uint8Array | undefined;
}

/**
 * Reads a private key in any of its formats.
 *
 * Throws an `Error` that says what is wrong with it, without a byte of it: malformed, encrypted, of another algorithm,
 * or RSA outside the limits of {@link parseRsaPublicKey}.
 *
 * @param key borrowed by the result
 */
export function parsePrivateKey(key: PrivateKeyDer): PrivateKey {
  switch (key.format) {
    case 'pkcs8':
      return parsePkcs8(key.der);
    case 'pkcs1':
      return parsePkcs1(key.der);
    case 'sec1':
      return parseSec1(key.der);
    default:
      throw new TypeError("PrivateKeyDer.format must be 'pkcs8', 'pkcs1' or 'sec1'");
  }
}

/**
 * PKCS#8 version 1 of a key: what every crypto library imports, whatever format and version it was in. An EC key keeps
 * its public key if that was known; RSA has it anyway; Ed25519 and ML-DSA would need version 2, and are without.
 *
 * @returns a new array, for the caller to wipe
 */
export function encodePkcs8(key: PrivateKey): Uint8Array {
  return derEncode(
    DerTag.sequence,
    derEncode(DerTag.integer, Uint8Array.of(0)),
    derEncode(DerTag.sequence, publicKeyAlgorithm[key.kind]),
    derEncode(DerTag.octetString, encodePrivateKeyField(key)),
  );
}

function encodePrivateKeyField(key: PrivateKey): Uint8Array {
  switch (key.kind) {
    case 'rsa':
      return key.pkcs1;
    case 'ed25519':
      return derEncode(DerTag.octetString, key.seed);
    case 'mlDsa44':
    case 'mlDsa65':
    case 'mlDsa87':
      return encodeMlDsa(key);
    default:
      // Without parameters, which the AlgorithmIdentifier has already.
      return derEncode(
        DerTag.sequence,
        derEncode(DerTag.integer, Uint8Array.of(1)),
        derEncode(DerTag.octetString, key.scalar),
        ...(key.publicKey === undefined ? [] : [derEncode(contextTag(1, true), encodeBitString(key.publicKey))]),
      );
  }
}

/** ML-DSA-PrivateKey (RFC 9881 section 6), in the form that the key came in. */
function encodeMlDsa({ seed, expandedKey }: MlDsaPrivateKey): Uint8Array {
  const expanded = expandedKey === undefined ? undefined : derEncode(DerTag.octetString, expandedKey);
  if (seed === undefined) return expanded!;
  if (expanded === undefined) return derEncode(contextTag(0, false), seed);
  return derEncode(DerTag.sequence, derEncode(DerTag.octetString, seed), expanded);
}

/** SubjectPublicKeyInfo (RFC 5280 section 4.1) of the content of subjectPublicKey. */
export function subjectPublicKeyInfo(kind: KeyKind, publicKey: Uint8Array): Uint8Array {
  return derEncode(DerTag.sequence, derEncode(DerTag.sequence, publicKeyAlgorithm[kind]), encodeBitString(publicKey));
}

/** Throws if the encoding of a private key came with another public key than `spki`, which was computed from it. */
export function checkOwnPublicKey(key: PrivateKey, spki: Uint8Array): void {
  if (key.kind === 'rsa' || key.publicKey === undefined) return;
  if (!equalBytes(subjectPublicKeyInfo(key.kind, key.publicKey), spki)) {
    throw new Error('the private key comes with a public key that is not its own');
  }
}

/** What a scheme does. */
export interface SigningAlgorithm {
  readonly scheme: SignatureScheme;
  /** Absent for Ed25519 and ML-DSA, which have their own. */
  readonly digest?: 'SHA256' | 'SHA384' | 'SHA512';
  /** For RSA. */
  readonly padding?: 'PSS' | 'PKCS1';
}

/**
 * The schemes that each kind of key can make, in order of preference. An ECDSA key makes the one that names its curve
 * (RFC 8446 section 4.2.3). PKCS#1 v1.5 is for TLS 1.2; who offers it to {@link SigningKey.chooseScheme} has checked.
 */
export const signingAlgorithms: Readonly<Record<KeyKind, readonly SigningAlgorithm[]>> = {
  rsa: [
    { scheme: SignatureScheme.rsa_pss_rsae_sha512, digest: 'SHA512', padding: 'PSS' },
    { scheme: SignatureScheme.rsa_pss_rsae_sha384, digest: 'SHA384', padding: 'PSS' },
    { scheme: SignatureScheme.rsa_pss_rsae_sha256, digest: 'SHA256', padding: 'PSS' },
    { scheme: SignatureScheme.rsa_pkcs1_sha512, digest: 'SHA512', padding: 'PKCS1' },
    { scheme: SignatureScheme.rsa_pkcs1_sha384, digest: 'SHA384', padding: 'PKCS1' },
    { scheme: SignatureScheme.rsa_pkcs1_sha256, digest: 'SHA256', padding: 'PKCS1' },
  ],
  ecP256: [{ scheme: SignatureScheme.ecdsa_secp256r1_sha256, digest: 'SHA256' }],
  ecP384: [{ scheme: SignatureScheme.ecdsa_secp384r1_sha384, digest: 'SHA384' }],
  ecP521: [{ scheme: SignatureScheme.ecdsa_secp521r1_sha512, digest: 'SHA512' }],
  ed25519: [{ scheme: SignatureScheme.ed25519 }],
  mlDsa44: [{ scheme: SignatureScheme.mldsa44 }],
  mlDsa65: [{ scheme: SignatureScheme.mldsa65 }],
  mlDsa87: [{ scheme: SignatureScheme.mldsa87 }],
};

/**
 * A signing key of its signers: the first of them whose scheme is offered is chosen, whatever the order of the offer.
 *
 * @param signers in order of preference
 * @param publicKey SubjectPublicKeyInfo in DER, kept
 */
export function signingKey(signers: readonly Signer[], publicKey?: Uint8Array): SigningKey {
  return {
    ...(publicKey === undefined ? {} : { publicKey }),
    chooseScheme: (offered) => signers.find(({ scheme }) => offered.includes(scheme)),
  };
}

/** OneAsymmetricKey (RFC 5958 section 2). */
function parsePkcs8(der: Uint8Array): PrivateKey {
  const key = enterSequence(der, malformed('PKCS#8'));
  // EncryptedPrivateKeyInfo begins with an AlgorithmIdentifier where PrivateKeyInfo has its version.
  if (key.nextTag === DerTag.sequence) throw new Error('the private key is encrypted: decrypt it first');
  const version = key.smallInteger();
  if (version > 1) throw malformed('PKCS#8')(`version ${version + 1}`);
  const kind = kindOf(key.read(DerTag.sequence));
  const content = key.read(DerTag.octetString);
  key.optional(contextTag(0, true)); // attributes
  const publicKey = version === 1 ? key.optional(contextTag(1, false)) : undefined;
  key.finish();
  switch (kind) {
    case undefined:
      throw new Error('the private key is not RSA, ECDSA on P-256, P-384 or P-521, Ed25519 or ML-DSA');
    case 'rsa':
      return parsePkcs1(content);
    case 'ed25519':
      return parseEd25519(content, publicKey);
    case 'mlDsa44':
    case 'mlDsa65':
    case 'mlDsa87':
      return parseMlDsa(kind, content, publicKey);
    default:
      return parseSec1(content, kind);
  }
}

/** CurvePrivateKey (RFC 8410 section 7), and the BIT STRING of a public key beside it. */
function parseEd25519(curvePrivateKey: Uint8Array, publicKeyBits: Uint8Array | undefined): Ed25519PrivateKey {
  const fail = malformed('Ed25519');
  const reader = new DerReader(curvePrivateKey, fail);
  const seed = reader.read(DerTag.octetString);
  reader.finish();
  if (seed.length !== 32) throw fail('not 32 bytes');
  return { kind: 'ed25519', seed, publicKey: publicKeyBeside(publicKeyBits, 32, fail) };
}

/** ML-DSA-PrivateKey (RFC 9881 section 6), and the BIT STRING of a public key beside it. */
function parseMlDsa(
  kind: MlDsaKeyKind,
  privateKey: Uint8Array,
  publicKeyBits: Uint8Array | undefined,
): MlDsaPrivateKey {
  const fail = malformed('ML-DSA');
  const reader = new DerReader(privateKey, fail);
  const both = reader.enterOptional(DerTag.sequence);
  const seed = both === undefined ? reader.optional(contextTag(0, false)) : both.read(DerTag.octetString);
  const expandedKey = seed === undefined ? reader.read(DerTag.octetString) : both?.read(DerTag.octetString);
  both?.finish();
  reader.finish();
  const length = mlDsaLength[kind];
  if (seed !== undefined && seed.length !== 32) throw fail('a seed that is not 32 bytes');
  if (expandedKey !== undefined && expandedKey.length !== length.expandedKey) {
    throw fail(`an expanded key that is not ${length.expandedKey} bytes`);
  }
  return { kind, seed, expandedKey, publicKey: publicKeyBeside(publicKeyBits, length.publicKey, fail) };
}

/** Content of the BIT STRING that version 2 has (RFC 5958 section 2). */
function publicKeyBeside(
  bits: Uint8Array | undefined,
  length: number,
  fail: (what: string) => Error,
): Uint8Array | undefined {
  if (bits !== undefined && (bits.length !== 1 + length || bits[0] !== 0)) {
    throw fail(`a public key that is not ${length} bytes`);
  }
  return bits?.subarray(1);
}

/** RSAPrivateKey with two primes (RFC 8017 appendix A.1.2). */
function parsePkcs1(der: Uint8Array): RsaPrivateKey {
  const fail = malformed('RSA');
  const key = enterSequence(der, fail);
  if (key.smallInteger() !== 0) throw fail('more than two primes');
  const publicKey = { modulus: key.unsignedInteger(), publicExponent: key.unsignedInteger() };
  for (let i = 0; i < 6; i++) key.unsignedInteger(); // privateExponent, prime1, prime2, exponent1, exponent2, coefficient
  key.finish();
  const broken = rsaLimitBroken(publicKey);
  if (broken !== undefined) throw new Error(`the RSA private key is not supported: ${broken}`);
  return { kind: 'rsa', ...publicKey, pkcs1: der };
}

/**
 * ECPrivateKey (RFC 5915 section 3).
 *
 * @param expected the curve, where what the key came in says it
 */
function parseSec1(der: Uint8Array, expected?: EcKeyKind): EcPrivateKey {
  const fail = malformed('EC');
  const key = enterSequence(der, fail);
  if (key.smallInteger() !== 1) throw fail('not version 1');
  const scalar = key.read(DerTag.octetString);
  const parameters = key.optional(contextTag(0, true));
  const publicKeyField = key.enterOptional(contextTag(1, true));
  const publicKey = publicKeyField?.bitStringBytes();
  publicKeyField?.finish();
  key.finish();

  const named = parameters === undefined ? expected : kindOf(concat([idEcPublicKey, parameters]));
  if (named === undefined || !isEcKind(named)) {
    throw new Error('the EC private key does not name P-256, P-384 or P-521 as its curve');
  }
  if (expected !== undefined && named !== expected) throw fail('two different curves');
  const length = ecFieldLength[named];
  if (scalar.length !== length) throw fail(`not ${length} bytes`);
  if (!isBelow(scalar, ecOrder[named]) || isBelow(scalar, one(length)))
    throw fail('not a number that the curve allows');
  if (publicKey !== undefined && (publicKey.length !== 1 + 2 * length || publicKey[0] !== 4)) {
    throw fail('a public key that is not an uncompressed point');
  }
  return { kind: named, scalar, publicKey };
}

/** Orders of the base points (SP 800-186 section 3.2.1). */
const ecOrder: Readonly<Record<EcKeyKind, Uint8Array>> = {
  ecP256: fromHex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'),
  ecP384: fromHex(`${'f'.repeat(48)}c7634d81f4372ddf581a0db248b0a77aecec196accc52973`),
  ecP521: fromHex(`01${'f'.repeat(65)}a51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`),
};

function fromHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

function one(length: number): Uint8Array {
  return new Uint8Array(length).fill(1, length - 1);
}

/** Of two big-endian numbers of one length; a subtraction to the end, since the first of them is secret. */
function isBelow(a: Uint8Array, b: Uint8Array): boolean {
  let borrow = 0;
  for (let i = a.length - 1; i >= 0; i--) borrow = ((a[i]! - b[i]! - borrow) >> 8) & 1;
  return borrow === 1;
}

/** Whether a key is of ML-DSA. */
export function isMlDsaKey(key: PrivateKey): key is MlDsaPrivateKey {
  return key.kind in mlDsaLength;
}

/** Whether a kind of key is one of those with a curve and ECDSA. */
export function isEcKind(kind: KeyKind): kind is EcKeyKind {
  return kind in ecFieldLength;
}

/** The OBJECT IDENTIFIER that the AlgorithmIdentifiers of all EC keys begin with, before the curve. */
const idEcPublicKey = publicKeyAlgorithm.ecP256.subarray(0, 9);

function kindOf(algorithmIdentifier: Uint8Array): KeyKind | undefined {
  const kinds = Object.keys(publicKeyAlgorithm) as KeyKind[];
  return kinds.find((kind) => equalBytes(publicKeyAlgorithm[kind], algorithmIdentifier));
}

function malformed(format: string): (what: string) => Error {
  return (what) => new Error(`the ${format} private key is malformed: ${what}`);
}

/** Of whole bytes. */
function encodeBitString(bytes: Uint8Array): Uint8Array {
  return derEncode(DerTag.bitString, Uint8Array.of(0), bytes);
}
