import { NamedGroup, SignatureScheme, signingAlgorithms } from '@tyls/tls-core/provider';
import { verify } from 'node:crypto';
import { expect, test } from 'vitest';
import { signingKeyFromCryptoKey, webcryptoProvider } from '../src/index.ts';

const { subtle } = crypto;
const message = Uint8Array.of(1, 2, 3);
const rsa = { modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) };

test.each([
  [{ name: 'ECDSA', namedCurve: 'P-256' }, SignatureScheme.ecdsa_secp256r1_sha256],
  [{ name: 'ECDSA', namedCurve: 'P-521' }, SignatureScheme.ecdsa_secp521r1_sha512],
  [{ name: 'Ed25519' }, SignatureScheme.ed25519],
  [{ name: 'RSA-PSS', hash: 'SHA-384', ...rsa }, SignatureScheme.rsa_pss_rsae_sha384],
  [{ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', ...rsa }, SignatureScheme.rsa_pkcs1_sha256],
])('a non-extractable key of %j makes its scheme, and no other', async (algorithm, scheme) => {
  const pair = (await subtle.generateKey(algorithm, false, ['sign', 'verify'])) as CryptoKeyPair;
  const publicKey = new Uint8Array(await subtle.exportKey('spki', pair.publicKey));
  const key = signingKeyFromCryptoKey(crypto, pair.privateKey, publicKey);
  expect(key.publicKey).toBe(publicKey);
  const all = Object.values(signingAlgorithms).flatMap((algorithms) => algorithms.map((each) => each.scheme));
  expect(key.chooseScheme(all)?.scheme).toBe(scheme);
  expect(key.chooseScheme(all.filter((other) => other !== scheme))).toBeUndefined();
  expect((await key.chooseScheme([scheme])!.sign(message)).length).toBeGreaterThanOrEqual(64);
});

test('its ECDSA signatures are DER', async () => {
  const pair = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, false, ['sign', 'verify']);
  const key = Buffer.from(await subtle.exportKey('spki', pair.publicKey));
  const signer = signingKeyFromCryptoKey(crypto, pair.privateKey).chooseScheme([
    SignatureScheme.ecdsa_secp384r1_sha384,
  ])!;
  const signature = await signer.sign(message);
  expect(verify('sha384', message, { key, format: 'der', type: 'spki', dsaEncoding: 'der' }, signature)).toBe(true);
});

test('a key that cannot sign for TLS is refused', async () => {
  const ecdsa = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
  const ecdh = await subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits']);
  const sha1 = await subtle.generateKey({ name: 'RSA-PSS', hash: 'SHA-1', ...rsa }, false, ['sign', 'verify']);
  const small = { name: 'RSA-PSS', hash: 'SHA-256', ...rsa, modulusLength: 1024 };
  const rsa1024 = await subtle.generateKey(small, false, ['sign', 'verify']);
  const usage = /not a private key with the usage 'sign'/;
  expect(() => signingKeyFromCryptoKey(crypto, ecdsa.publicKey)).toThrow(usage);
  expect(() => signingKeyFromCryptoKey(crypto, ecdh.privateKey)).toThrow(usage);
  expect(() => signingKeyFromCryptoKey(crypto, sha1.privateKey)).toThrow(/no signature scheme/);
  expect(() => signingKeyFromCryptoKey(crypto, rsa1024.privateKey)).toThrow(/no signature scheme/);
});

test('what the platform is without is not offered', () => {
  const all = webcryptoProvider();
  const less = webcryptoProvider(crypto, { without: ['X25519', 'Ed25519', 'P-521', 'ML-KEM-768'] });
  const { secp256r1, secp384r1 } = NamedGroup;
  expect(less.keyExchangeGroups.map(({ name }) => name)).toEqual([secp256r1, secp384r1]);
  const { ed25519, ecdsa_secp521r1_sha512 } = SignatureScheme;
  const schemes = all.signatureVerification.schemes.map(({ scheme }) => scheme);
  expect(less.signatureVerification.schemes.map(({ scheme }) => scheme)).toEqual(
    schemes.filter((scheme) => scheme !== ed25519 && scheme !== ecdsa_secp521r1_sha512),
  );
});

test('without crypto.subtle it says why that may be', () => {
  const insecure = { getRandomValues: crypto.getRandomValues.bind(crypto) } as unknown as Crypto;
  expect(() => webcryptoProvider(insecure)).toThrow(/HTTPS/);
});
