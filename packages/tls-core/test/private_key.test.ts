import { createECDH, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { contextTag, derEncode, DerTag } from '../src/codec/der.ts';
import { type PrivateKeyDer } from '../src/crypto/provider.ts';
import {
  checkOwnPublicKey,
  ecFieldLength,
  encodePkcs8,
  type KeyKind,
  type MlDsaKeyKind,
  mlDsaLength,
  parsePrivateKey,
  signingAlgorithms,
  signingKey,
  subjectPublicKeyInfo,
} from '../src/crypto/private_key.ts';
import { encodeRsaPublicKey, parseRsaPublicKey } from '../src/crypto/rsa_public_key.ts';
import { publicKeyAlgorithm } from '../src/crypto/algorithm_identifier.ts';
import { SignatureScheme } from '../src/registry.ts';

type ClassicalKeyKind = Exclude<KeyKind, MlDsaKeyKind>;

const keys: Readonly<Record<ClassicalKeyKind, KeyObject>> = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  ecP256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  ecP384: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  ecP521: generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
  ed25519: generateKeyPairSync('ed25519').privateKey,
};

const formats = (kind: ClassicalKeyKind): readonly PrivateKeyDer['format'][] =>
  kind === 'rsa' ? ['pkcs8', 'pkcs1'] : kind === 'ed25519' ? ['pkcs8'] : ['pkcs8', 'sec1'];

function der(kind: ClassicalKeyKind, format: PrivateKeyDer['format']): Uint8Array {
  return Uint8Array.from(keys[kind].export({ type: format, format: 'der' } as never) as unknown as Uint8Array);
}

const spki = (key: KeyObject): Uint8Array =>
  Uint8Array.from(createPublicKey(key).export({ type: 'spki', format: 'der' }));

const integer = (...bytes: number[]): Uint8Array => derEncode(DerTag.integer, Uint8Array.from(bytes));
const octets = (...contents: Uint8Array[]): Uint8Array => derEncode(DerTag.octetString, ...contents);
const sequence = (...contents: Uint8Array[]): Uint8Array => derEncode(DerTag.sequence, ...contents);

function pkcs8(kind: KeyKind, privateKey: Uint8Array, version = 0, ...rest: Uint8Array[]): PrivateKeyDer {
  const fields = [integer(version), sequence(publicKeyAlgorithm[kind]), octets(privateKey), ...rest];
  return { format: 'pkcs8', der: sequence(...fields) };
}

/** The parameters of an ECPrivateKey. */
const curve = (kind: 'ecP256' | 'ecP384'): Uint8Array =>
  derEncode(contextTag(0, true), publicKeyAlgorithm[kind].subarray(9));

const otherCurve = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey;

const modulus = (bits: number): Uint8Array => {
  const bytes = new Uint8Array(Math.ceil(bits / 8)).fill(0xff);
  bytes[0] = 0xff >> (8 * bytes.length - bits);
  return bytes;
};

const rsa = (bits: number, ...publicExponent: number[]): Uint8Array =>
  encodeRsaPublicKey({ modulus: modulus(bits), publicExponent: Uint8Array.from(publicExponent) });

const cases = (Object.keys(keys) as ClassicalKeyKind[]).flatMap((kind) =>
  formats(kind).map((format) => [kind, format] as const),
);

describe.each(cases)('%s as %s', (kind, format) => {
  test('is read, and becomes PKCS#8 of the same key', () => {
    const parsed = parsePrivateKey({ format, der: der(kind, format) });
    expect(parsed.kind).toBe(kind);
    const again = createPrivateKey({ key: Buffer.from(encodePkcs8(parsed)), format: 'der', type: 'pkcs8' });
    expect(again.equals(keys[kind])).toBe(true);
    const publicKey =
      parsed.kind === 'rsa' ? encodeRsaPublicKey(parsed) : (parsed.publicKey ?? spki(keys.ed25519).slice(-32));
    expect(subjectPublicKeyInfo(kind, publicKey)).toEqual(spki(keys[kind]));
    expect(() => checkOwnPublicKey(parsed, spki(keys[kind]))).not.toThrow();
  });

  test('is refused with a plain error wherever it is cut off, and with a byte too many', () => {
    const whole = der(kind, format);
    for (let length = 0; length < whole.length; length++) {
      expect(() => parsePrivateKey({ format, der: whole.subarray(0, length) })).toThrow(/malformed/);
    }
    expect(() => parsePrivateKey({ format, der: Uint8Array.of(...whole, 0) })).toThrow(/trailing bytes/);
  });
});

describe('PKCS#8', () => {
  const seed = Uint8Array.from({ length: 32 }, (_, i) => i);
  const publicKey = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);
  const publicKeyField = derEncode(contextTag(1, false), Uint8Array.of(0), publicKey);
  const attributes = derEncode(contextTag(0, true));

  test('version 2 brings the public key along', () => {
    const parsed = parsePrivateKey(pkcs8('ed25519', octets(seed), 1, attributes, publicKeyField));
    expect(parsed).toEqual({ kind: 'ed25519', seed, publicKey });
    expect(encodePkcs8(parsed)).toEqual(pkcs8('ed25519', octets(seed)).der);
    expect(() => checkOwnPublicKey(parsed, spki(keys.ed25519))).toThrow(/public key that is not its own/);
  });

  test.each<[string, PrivateKeyDer, RegExp]>([
    ['version 1 with a public key', pkcs8('ed25519', octets(seed), 0, publicKeyField), /trailing bytes/],
    ['version 3', pkcs8('ed25519', octets(seed), 2), /version 3/],
    ['a seed of 31 bytes', pkcs8('ed25519', octets(seed.subarray(1))), /not 32 bytes/],
    ['a seed without its own OCTET STRING', pkcs8('ed25519', seed), /malformed/],
    [
      'a public key of 31 bytes',
      pkcs8('ed25519', octets(seed), 1, derEncode(contextTag(1, false), Uint8Array.of(0), publicKey.subarray(1))),
      /public key that is not 32 bytes/,
    ],
  ])('%s is refused', (_, key, error) => {
    expect(() => parsePrivateKey(key)).toThrow(error);
  });

  test('an encrypted key is called that', () => {
    const encrypted = keys.ecP256.export({ type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase: 'x' });
    expect(() => parsePrivateKey({ format: 'pkcs8', der: encrypted })).toThrow(/encrypted/);
  });

  test.each([
    ['another curve', otherCurve],
    ['X25519', generateKeyPairSync('x25519').privateKey],
    ['Ed448', generateKeyPairSync('ed448').privateKey],
  ])('%s is refused', (_, key) => {
    const exported = key.export({ type: 'pkcs8', format: 'der' });
    expect(() => parsePrivateKey({ format: 'pkcs8', der: exported })).toThrow(/not RSA, ECDSA on P-256/);
  });
});

describe('EC keys', () => {
  const scalar = new Uint8Array(32).fill(1);
  const sec1 = (...fields: Uint8Array[]): PrivateKeyDer => ({ format: 'sec1', der: sequence(integer(1), ...fields) });

  test('need no public key', () => {
    const expected = { kind: 'ecP256', scalar, publicKey: undefined };
    expect(parsePrivateKey(sec1(octets(scalar), curve('ecP256')))).toEqual(expected);
    expect(parsePrivateKey(pkcs8('ecP256', sequence(integer(1), octets(scalar))))).toEqual(expected);
  });

  // SP 800-186 section 3.2.1, asked of OpenSSL too, so that a digit cannot be wrong.
  test.each([
    ['ecP256', 'prime256v1', 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n],
    ['ecP384', 'secp384r1', 2n ** 384n - 0x389cb27e0bc8d220a7e5f24db74f58851313e695333ad68dn],
    ['ecP521', 'secp521r1', 2n ** 521n - 0x5ae79787c40d069948033feb708f65a2fc44a36477663b851449048e16ec79bf7n],
  ] as const)('of %s are from 1 to the order of the curve minus 1', (kind, name, order) => {
    const number = (value: bigint): Buffer =>
      Buffer.from(value.toString(16).padStart(2 * ecFieldLength[kind], '0'), 'hex');
    const parse = (value: bigint): unknown => parsePrivateKey(pkcs8(kind, sequence(integer(1), octets(number(value)))));
    const openssl = (value: bigint): void => createECDH(name).setPrivateKey(number(value));
    for (const value of [1n, 256n, order - 256n, order - 1n]) {
      expect(parse(value)).toMatchObject({ kind });
      expect(() => openssl(value)).not.toThrow();
    }
    for (const value of [0n, order, order + 1n, order + 256n]) {
      expect(() => parse(value)).toThrow('not a number that the curve allows');
      expect(() => openssl(value)).toThrow('Private key is not valid');
    }
  });

  test.each<[string, PrivateKeyDer, RegExp]>([
    ['no curve', sec1(octets(scalar)), /does not name/],
    ['another curve', { format: 'sec1', der: otherCurve.export({ type: 'sec1', format: 'der' }) }, /does not name/],
    ['a short scalar', sec1(octets(scalar.subarray(1)), curve('ecP256')), /not 32 bytes/],
    ['a long scalar', sec1(octets(Uint8Array.of(0), scalar), curve('ecP256')), /not 32 bytes/],
    [
      'two curves',
      pkcs8('ecP256', sequence(integer(1), octets(new Uint8Array(48).fill(1)), curve('ecP384'))),
      /two different curves/,
    ],
    [
      'a compressed public key',
      sec1(
        octets(scalar),
        curve('ecP256'),
        derEncode(contextTag(1, true), derEncode(DerTag.bitString, Uint8Array.of(0, 2), new Uint8Array(32))),
      ),
      /uncompressed/,
    ],
    ['version 0', { format: 'sec1', der: sequence(integer(0), octets(scalar), curve('ecP256')) }, /version/],
  ])('%s is refused', (_, key, error) => {
    expect(() => parsePrivateKey(key)).toThrow(error);
  });
});

describe('RSA keys', () => {
  test.each([
    [2048, [3]],
    [2049, [1, 0, 1]],
    [8192, [1, 0xff, 0xff, 0xff, 0xff]],
  ])('%d bits with exponent %j are within the limits', (bits, exponent) => {
    const publicExponent = Uint8Array.from(exponent);
    expect(parseRsaPublicKey(rsa(bits, ...exponent))).toEqual({ modulus: modulus(bits), publicExponent });
  });

  test.each([
    ['2047 bits', rsa(2047, 3)],
    ['8193 bits', rsa(8193, 3)],
    ['exponent 0', rsa(2048, 0)],
    ['exponent 1', rsa(2048, 1)],
    ['an even exponent', rsa(2048, 1, 0, 0)],
    ['an exponent of 34 bits', rsa(2048, 2, 0, 0, 0, 1)],
    ['an even modulus', encodeRsaPublicKey({ modulus: modulus(2048).fill(0xfe), publicExponent: Uint8Array.of(3) })],
    ['a negative modulus', sequence(derEncode(DerTag.integer, modulus(2048)), integer(3))],
    ['three numbers', sequence(derEncode(DerTag.integer, Uint8Array.of(0), modulus(2048)), integer(3), integer(3))],
    ['trailing bytes', Uint8Array.of(...rsa(2048, 3), 0)],
    ['nothing', new Uint8Array(0)],
  ])('%s: no public key', (_, encoded) => {
    expect(parseRsaPublicKey(encoded)).toBeUndefined();
  });

  test('a private key outside of them says which limit it breaks', () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
    const key = small.export({ type: 'pkcs1', format: 'der' });
    expect(() => parsePrivateKey({ format: 'pkcs1', der: key })).toThrow('its modulus has 1024 bits, not 2048 to 8192');
  });
});

describe('signing keys', () => {
  test('choose by their own preference, not by the order of the offer', () => {
    const signers = signingAlgorithms.rsa.map(({ scheme }) => ({ scheme, sign: () => new Uint8Array(0) }));
    const key = signingKey(signers, Uint8Array.of(1));
    expect(key.publicKey).toEqual(Uint8Array.of(1));
    const { rsa_pkcs1_sha256, rsa_pss_rsae_sha256, rsa_pss_rsae_sha384, ed25519 } = SignatureScheme;
    expect(key.chooseScheme([rsa_pkcs1_sha256, rsa_pss_rsae_sha256, rsa_pss_rsae_sha384])).toBe(signers[1]);
    expect(key.chooseScheme([ed25519, rsa_pkcs1_sha256])).toBe(signers[5]);
    expect(key.chooseScheme([ed25519])).toBeUndefined();
    expect(key.chooseScheme([])).toBeUndefined();
    expect('publicKey' in signingKey(signers)).toBe(false);
  });
});

describe.each(Object.keys(mlDsaLength) as MlDsaKeyKind[])('PKCS#8 of %s (RFC 9881 section 6)', (kind) => {
  const length = mlDsaLength[kind];
  const seed = Uint8Array.from({ length: 32 }, (_, i) => i);
  const expandedKey = new Uint8Array(length.expandedKey).fill(7);
  const publicKey = new Uint8Array(length.publicKey).fill(8);
  const seedField = derEncode(contextTag(0, false), seed);
  const publicKeyField = (key: Uint8Array): Uint8Array => derEncode(contextTag(1, false), Uint8Array.of(0), key);
  const nothing = undefined;

  test.each([
    ['seed', seedField, { seed, expandedKey: nothing }],
    ['expanded key', octets(expandedKey), { seed: nothing, expandedKey }],
    ['both', sequence(octets(seed), octets(expandedKey)), { seed, expandedKey }],
  ])('%s: read, and written again', (_, content, expected) => {
    const key = pkcs8(kind, content);
    expect(parsePrivateKey(key)).toEqual({ kind, ...expected, publicKey: nothing });
    expect(encodePkcs8(parsePrivateKey(key))).toEqual(key.der);
    const withPublicKey = pkcs8(kind, content, 1, publicKeyField(publicKey));
    expect(parsePrivateKey(withPublicKey)).toEqual({ kind, ...expected, publicKey });
    for (let cut = 0; cut < key.der.length; cut += 1 + (cut >> 4)) {
      expect(() => parsePrivateKey({ ...key, der: key.der.subarray(0, cut) })).toThrow(/malformed/);
    }
  });

  test('a public key that is not its own is told', () => {
    const parsed = parsePrivateKey(pkcs8(kind, seedField, 1, publicKeyField(publicKey)));
    expect(() => checkOwnPublicKey(parsed, subjectPublicKeyInfo(kind, publicKey))).not.toThrow();
    const other = subjectPublicKeyInfo(kind, publicKey.with(5, 0));
    expect(() => checkOwnPublicKey(parsed, other)).toThrow(/public key that is not its own/);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['nothing', Uint8Array.of(), /malformed/],
    ['a seed of 31 bytes', derEncode(contextTag(0, false), seed.subarray(1)), /a seed that is not 32 bytes/],
    ['an expanded key a byte short', octets(expandedKey.subarray(1)), /an expanded key that is not \d+ bytes/],
    ['a seed as if it were an expanded key', octets(seed), /an expanded key that is not/],
    ['both with a seed of 33 bytes', sequence(octets(seed, seed.subarray(31)), octets(expandedKey)), /a seed that is/],
    ['both with half an expanded key', sequence(octets(seed), octets(seed)), /an expanded key that is not/],
    ['both without the expanded key', sequence(octets(seed)), /malformed/],
    ['both with a third', sequence(octets(seed), octets(expandedKey), octets(seed)), /trailing bytes/],
    ['a seed, and more', Uint8Array.of(...seedField, 0), /trailing bytes/],
    ['another tag', derEncode(contextTag(1, false), seed), /malformed/],
  ])('%s is refused', (_, content, error) => {
    expect(() => parsePrivateKey(pkcs8(kind, content))).toThrow(error);
  });

  test('a public key of another length is refused', () => {
    const key = pkcs8(kind, seedField, 1, publicKeyField(publicKey.subarray(1)));
    expect(() => parsePrivateKey(key)).toThrow(/a public key that is not \d+ bytes/);
  });
});
