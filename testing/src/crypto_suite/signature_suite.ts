/** Signing and verifying: every kind of key in every format, checked by every provider. */
import {
  constants,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateEncrypt,
  publicEncrypt,
  sign,
} from 'node:crypto';
import { contextTag, derEncode, DerTag } from '@tyls/tls-core/der';
import {
  ecFieldLength,
  encodePkcs8,
  parsePrivateKey,
  type PrivateKeyDer,
  publicKeyAlgorithm,
  SignatureScheme,
  type SignatureVerification,
  type SignatureVerificationAlgorithm,
  signingAlgorithms,
  type SigningKey,
} from '@tyls/tls-core/provider';
import { describe, expect, test } from 'vitest';
import { counting, flipped } from './bytes.ts';
import { peers } from './peers.ts';
import { generateRsaKey } from './rsa_key.ts';
import { type ClassicalKeyKind, type Subject } from './subject.ts';

const message = counting(130);

const keys = generateKeys();
const strangers = generateKeys();

const formats: Readonly<Record<ClassicalKeyKind, readonly PrivateKeyDer['format'][]>> = {
  rsa: ['pkcs8', 'pkcs1'],
  ecP256: ['pkcs8', 'sec1'],
  ecP384: ['pkcs8', 'sec1'],
  ecP521: ['pkcs8', 'sec1'],
  ed25519: ['pkcs8'],
};

const kinds = Object.keys(formats) as ClassicalKeyKind[];
const allSchemes = kinds.flatMap((kind) => signingAlgorithms[kind].map(({ scheme }) => scheme));
const { mldsa44, mldsa65, mldsa87 } = SignatureScheme;

export function signatureSuite({ provider, signsWith, computesPublicKeyOf, mlDsaForms }: Subject): void {
  const loading = async (key: PrivateKeyDer): Promise<SigningKey> => {
    const loaded = await provider.loadPrivateKey(key);
    return loaded;
  };
  const cases = signsWith.flatMap((kind) => formats[kind].map((format) => [kind, format] as const));

  describe.each(cases)('a key of %s as %s', (kind, format) => {
    // As files are read: as a Buffer, whose slice() is a view.
    const load = (): PrivateKeyDer => ({ format, der: Buffer.from(exported(keys[kind], format)) });

    test('is loaded with its public key, and borrowed', async () => {
      const key = load();
      const before = Buffer.from(key.der);
      const { publicKey } = await provider.loadPrivateKey(key);
      expect(publicKey).toEqual(spki(keys[kind]));
      expect(publicKey!.constructor).toBe(Uint8Array);
      expect(key.der).toEqual(before);
      key.der.fill(0);
      expect(publicKey).toEqual(spki(keys[kind]));
    });

    test('signs with its schemes, and those only', async () => {
      const key = load();
      const signingKey = await provider.loadPrivateKey(key);
      key.der.fill(0);
      const own = signingAlgorithms[kind].map(({ scheme }) => scheme);
      expect(signingKey.chooseScheme(allSchemes)?.scheme).toBe(own[0]);
      expect(signingKey.chooseScheme(allSchemes.filter((scheme) => !own.includes(scheme)))).toBeUndefined();
      for (const scheme of own) {
        const signer = signingKey.chooseScheme([SignatureScheme.ed448, scheme])!;
        expect(signer.scheme).toBe(scheme);
        const signature = await signer.sign(message);
        expect(signature.constructor).toBe(Uint8Array);
        expect(await verifiedByAll(kind, scheme, signature)).toEqual(peers.map(([name]) => `${name}: valid`));
      }
    });
  });

  test.each(signsWith)('a key of %s need not have its public key beside it', async (kind) => {
    // OpenSSL writes EC keys with it; this is how others may have them.
    const der = withoutPublicKey(kind);
    const { publicKey } = await provider.loadPrivateKey({ format: 'pkcs8', der });
    expect(publicKey).toEqual(computesPublicKeyOf.includes(kind) ? spki(keys[kind]) : undefined);
  });

  test.each(signsWith.filter((kind) => kind !== 'rsa'))(
    'a key of %s with the public key of another is refused',
    async (kind) => {
      await expect(loading({ format: 'pkcs8', der: withStranger(kind) })).rejects.toThrow(
        /a public key that is not its own|the private key is not accepted/,
      );
    },
  );

  test.each(['pkcs8', 'pkcs1', 'sec1'] as const)('what is not %s is refused with an error', async (format) => {
    await expect(loading({ format, der: counting(50) })).rejects.toThrow(/malformed/);
  });

  test('numbers that the curve does not allow are refused with an error', async () => {
    const scalars = [new Uint8Array(32), new Uint8Array(32).fill(0xff)];
    for (const scalar of scalars) {
      await expect(loading({ format: 'pkcs8', der: p256(scalar) })).rejects.toThrow(
        /not a number that the curve allows/,
      );
    }
  });

  test('verifies every scheme that TLS has, and RSA by every identifier', () => {
    const { schemes, algorithms } = provider.signatureVerification;
    const expected = [...allSchemes, ...(mlDsaForms === undefined ? [] : [mldsa44, mldsa65, mldsa87])];
    expect(new Set(schemes.map(({ scheme }) => scheme))).toEqual(new Set(expected));
    expect(schemes).toHaveLength(expected.length);
    expect(algorithms).toHaveLength(mlDsaForms === undefined ? 19 : 22);
  });

  describe.each(kinds)('signatures of %s', (kind) => {
    const publicKey = subjectPublicKey(kind);
    const scheme = signingAlgorithms[kind][0]!.scheme;
    const { verify } = algorithmFor(provider.signatureVerification, kind, scheme);
    const signature = signedByNode(kind);

    test('are valid for their message and key alone', async () => {
      expect(await verify(publicKey, message, signature)).toBe(true);
      expect(await verify(publicKey, flipped(message, 0), signature)).toBe(false);
      expect(await verify(publicKey, message.subarray(1), signature)).toBe(false);
      expect(await verify(subjectPublicKey(kind, strangers[kind]), message, signature)).toBe(false);
    });

    test('malformed ones are not valid, and never an exception', async () => {
      const malformed = [
        ...[0, 1, 2, 3, 4, -1, -2].map((at) => flipped(signature, at)),
        new Uint8Array(0),
        new Uint8Array(1),
        signature.subarray(1),
        signature.subarray(0, -1),
        Uint8Array.of(...signature, 0),
        Uint8Array.of(0, ...signature),
        new Uint8Array(signature.length),
        new Uint8Array(signature.length).fill(0xff),
        new Uint8Array(10_000),
      ];
      const verdicts = await Promise.all(malformed.map(async (bytes) => verify(publicKey, message, bytes)));
      expect(verdicts).toEqual(verdicts.map(() => false));
    });

    test('malformed keys make nothing valid, and no exception', async () => {
      const malformed = [
        new Uint8Array(0),
        Uint8Array.of(0),
        flipped(publicKey, 0),
        publicKey.subarray(1),
        publicKey.subarray(0, -1),
        Uint8Array.of(...publicKey, 0),
        Uint8Array.of(0, ...publicKey),
        new Uint8Array(publicKey.length),
        new Uint8Array(publicKey.length).fill(0xff),
        new Uint8Array(publicKey.length).with(0, publicKey[0]!),
        new Uint8Array(10_000),
        ...otherPointForms(kind, publicKey),
      ];
      const verdicts = await Promise.all(malformed.map(async (bytes) => verify(bytes, message, signature)));
      expect(verdicts).toEqual(verdicts.map(() => false));
    });
  });

  test('RSASSA-PSS where the encoded message is a byte shorter than the modulus', async () => {
    const { publicKey, valid, invalid } = pssWith2049Bits();
    const { verify } = algorithmFor(provider.signatureVerification, 'rsa', SignatureScheme.rsa_pss_rsae_sha256);
    expect(await verify(publicKey, message, valid)).toBe(true);
    expect(await verify(publicKey, message, invalid)).toBe(false);
  });

  test('RSA signatures are not valid without their leading zeros', async () => {
    const publicKey = subjectPublicKey('rsa');
    for (const scheme of [SignatureScheme.rsa_pss_rsae_sha256, SignatureScheme.rsa_pkcs1_sha256]) {
      const { verify } = algorithmFor(provider.signatureVerification, 'rsa', scheme);
      const [signed, signature] = signatureWithLeadingZero(scheme);
      expect(await verify(publicKey, signed, signature)).toBe(true);
      expect(await verify(publicKey, signed, signature.subarray(1))).toBe(false);
    }
  });

  test.each([1024, 2040, 2047])('RSA signatures with a modulus of %d bits are not valid', async (bits) => {
    const privateKey = generateRsaKey(bits);
    const { verify } = algorithmFor(provider.signatureVerification, 'rsa', SignatureScheme.rsa_pkcs1_sha256);
    const publicKey = Uint8Array.from(createPublicKey(privateKey).export({ type: 'pkcs1', format: 'der' }));
    expect(await verify(publicKey, message, sign('sha256', message, privateKey))).toBe(false);
  });
}

function generateKeys(): Readonly<Record<ClassicalKeyKind, KeyObject>> {
  return {
    rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
    ecP256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    ecP384: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
    ecP521: generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
    ed25519: generateKeyPairSync('ed25519').privateKey,
  };
}

function exported(key: KeyObject, format: PrivateKeyDer['format']): Uint8Array {
  // The types allow each format only with its own kind of key.
  return Uint8Array.from(key.export({ type: format as 'pkcs8', format: 'der' }));
}

function spki(key: KeyObject): Uint8Array {
  return Uint8Array.from(createPublicKey(key).export({ type: 'spki', format: 'der' }));
}

/** The content of subjectPublicKey. */
function subjectPublicKey(kind: ClassicalKeyKind, key: KeyObject = keys[kind]): Uint8Array {
  if (kind === 'rsa') return Uint8Array.from(createPublicKey(key).export({ type: 'pkcs1', format: 'der' }));
  return spki(key).slice(kind === 'ed25519' ? -32 : -(1 + 2 * ecFieldLength[kind]));
}

function withoutPublicKey(kind: ClassicalKeyKind): Uint8Array {
  const key = parsePrivateKey({ format: 'pkcs8', der: exported(keys[kind], 'pkcs8') });
  return encodePkcs8(key.kind === 'rsa' ? key : { ...key, publicKey: undefined });
}

/** The private key of one, the public key of the other (RFC 5958 section 2 has a place for it in version 2). */
function withStranger(kind: ClassicalKeyKind): Uint8Array {
  const publicKey = subjectPublicKey(kind, strangers[kind]);
  const key = parsePrivateKey({ format: 'pkcs8', der: exported(keys[kind], 'pkcs8') });
  if (key.kind !== 'ed25519') return encodePkcs8({ ...key, publicKey } as typeof key);
  return derEncode(
    DerTag.sequence,
    derEncode(DerTag.integer, Uint8Array.of(1)),
    derEncode(DerTag.sequence, publicKeyAlgorithm.ed25519),
    derEncode(DerTag.octetString, derEncode(DerTag.octetString, key.seed)),
    derEncode(contextTag(1, false), Uint8Array.of(0), publicKey),
  );
}

function p256(scalar: Uint8Array): Uint8Array {
  return encodePkcs8({ kind: 'ecP256', scalar, publicKey: undefined });
}

/** By node:crypto, with the first scheme of the kind. */
function signedByNode(kind: ClassicalKeyKind): Uint8Array {
  const { digest, padding } = signingAlgorithms[kind][0]!;
  const options = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return Uint8Array.from(sign(digest, message, { key: keys[kind], ...(padding === 'PSS' && options) }));
}

/** A message and its signature by the RSA key; one in 256 begins with a zero. */
function signatureWithLeadingZero(scheme: SignatureScheme): [signed: Uint8Array, signature: Uint8Array] {
  const isPss = scheme === SignatureScheme.rsa_pss_rsae_sha256;
  const padding = isPss ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  for (let i = 0; ; i++) {
    const signed = Buffer.from(`message ${i}`);
    const signature = sign('sha256', signed, { key: keys.rsa, padding, saltLength: 32 });
    if (signature[0] === 0) return [Uint8Array.from(signed), Uint8Array.from(signature)];
  }
}

/** The same point compressed and hybrid (SEC 1 section 2.3.3, X9.62), which RFC 5480 does not make us take. */
function otherPointForms(kind: ClassicalKeyKind, point: Uint8Array): Uint8Array[] {
  if (kind === 'rsa' || kind === 'ed25519') return [];
  const odd = point.at(-1)! & 1;
  return [Uint8Array.of(2 + odd, ...point.subarray(1, 1 + ecFieldLength[kind])), point.with(0, 6 + odd)];
}

/** A signature, and the same with a 1 in the byte that must be zero (RFC 8017 section 8.1.2 step 2c). */
function pssWith2049Bits(): { publicKey: Uint8Array; valid: Uint8Array; invalid: Uint8Array } {
  const privateKey = generateRsaKey(2049);
  const publicKey = Uint8Array.from(createPublicKey(privateKey).export({ type: 'pkcs1', format: 'der' }));
  const modulus = Buffer.from(privateKey.export({ format: 'jwk' }).n!, 'base64url');
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const raw = { key: privateKey, padding: constants.RSA_NO_PADDING };
  for (;;) {
    const valid = sign('sha256', message, { key: privateKey, padding, saltLength: 32 });
    const encoded = publicEncrypt({ ...raw, key: createPublicKey(privateKey) }, valid);
    encoded[0] = 1;
    // Another salt, until the number is still below the modulus.
    if (Buffer.compare(encoded, modulus) < 0) return { publicKey, valid, invalid: privateEncrypt(raw, encoded) };
  }
}

function algorithmFor(
  { schemes }: SignatureVerification,
  kind: ClassicalKeyKind,
  scheme: SignatureScheme,
): SignatureVerificationAlgorithm {
  const { algorithms } = schemes.find((offered) => offered.scheme === scheme)!;
  return algorithms.find((algorithm) => Buffer.compare(algorithm.publicKeyAlgorithm, publicKeyAlgorithm[kind]) === 0)!;
}

async function verifiedByAll(
  kind: ClassicalKeyKind,
  scheme: SignatureScheme,
  signature: Uint8Array,
): Promise<string[]> {
  return Promise.all(
    peers.map(async ([name, { signatureVerification }]) => {
      const { verify } = algorithmFor(signatureVerification, kind, scheme);
      return `${name}: ${(await verify(subjectPublicKey(kind), message, signature)) ? 'valid' : 'not valid'}`;
    }),
  );
}
