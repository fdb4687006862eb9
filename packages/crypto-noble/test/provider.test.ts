import { x25519 } from '@noble/curves/ed25519.js';
import { CipherSuite, type Kem } from '@tyls/tls-core/provider';
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { keyExchangeSuite } from '../../../testing/src/crypto_suite/key_exchange_suite.ts';
import { providerSuite } from '../../../testing/src/crypto_suite/provider_suite.ts';
import { wycheproofSuite } from '../../../testing/src/crypto_suite/wycheproof.ts';
import { nobleProvider, nobleTls13ClientProvider } from '../src/index.ts';
import { curves, curvesWith } from '../src/key_exchange.ts';
import { mlKem768, withPostQuantum } from '../src/post_quantum.ts';
import { smallX25519 } from '../src/small_x25519.ts';

/** A KEM whose randomness is what a vector says. */
const mlKem768With = (bytes: Uint8Array): Kem => mlKem768((target) => target.set(bytes));

providerSuite({
  name: 'noble',
  provider: withPostQuantum(nobleProvider()),
  computesPublicKeyOf: ['ecP256', 'ecP384', 'ecP521', 'ed25519'],
  signsWith: ['ecP256', 'ecP384', 'ecP521', 'ed25519'],
  agree: (group, privateKey, share) => curves.get(group)!.agree(privateKey, share),
  mlDsaForms: ['seed', 'expanded', 'both'],
  mlKem768: {
    keyPairOf: (seed) => mlKem768With(seed).generateKeyPair(),
    encapsulate: (encapsulationKey, message) => mlKem768With(message).encapsulate(encapsulationKey),
    drawsMessage: false,
  },
});

test('RSA keys are refused with what to do instead', () => {
  const der = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'der' });
  expect(() => nobleProvider().loadPrivateKey({ format: 'pkcs8', der })).toThrow(
    /does not sign with RSA: use an ECDSA or Ed25519 key/,
  );
});

test('all randomness is drawn from the source that the options give', async () => {
  const drawn: number[] = [];
  const provider = withPostQuantum(
    nobleProvider({
      random(bytes) {
        drawn.push(bytes.length);
        bytes.fill(7);
      },
    }),
  );
  provider.random(new Uint8Array(3));
  for (const group of provider.keyExchangeGroups) {
    // The same randomness gives the same key.
    expect((await group.start()).keyShare).toEqual((await group.start()).keyShare);
    await group.respond((await group.start()).keyShare);
  }
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = privateKey.export({ type: 'pkcs8', format: 'der' });
  const signer = (await provider.loadPrivateKey({ format: 'pkcs8', der })).chooseScheme([0x0403])!;
  expect(await signer.sign(der)).toEqual(await signer.sign(der));
  const [hybrid, p256, p384] = [
    [64, 32, 64, 32, 64, 32, 32, 32],
    [48, 48, 48, 48],
    [72, 72, 72, 72],
  ];
  const hybridP256 = [64, 48, 64, 48, 64, 48, 48, 32];
  expect(drawn).toEqual([3, ...hybrid, ...hybridP256, 32, 32, 32, 32, ...p256, ...p384, 32, 32]);
});

test('ChaCha20-Poly1305 comes first', () => {
  expect(nobleProvider().cipherSuites[0]!.id).toBe(CipherSuite.TLS_CHACHA20_POLY1305_SHA256);
});

const smallCurves = curvesWith(smallX25519);
wycheproofSuite(
  {
    name: 'noble, with the smallest X25519',
    provider: nobleTls13ClientProvider(),
    computesPublicKeyOf: [],
    signsWith: [],
    agree: (group, privateKey, share) => smallCurves.get(group)!.agree(privateKey, share),
  },
  'x25519',
);

describe("a client's provider", () => {
  const provider = nobleTls13ClientProvider();
  keyExchangeSuite({ provider });

  test('makes the key shares that noble has for the same private keys', () => {
    for (const [i, privateKey] of [0x00, 0x7f, 0x80, 0xff].map((byte) => new Uint8Array(32).fill(byte)).entries()) {
      privateKey[i] = 9;
      expect(smallX25519.getPublicKey(privateKey)).toEqual(x25519.getPublicKey(privateKey));
    }
  });
});

test("a client's provider loads no private keys, and says who does", () => {
  const load = (): unknown => nobleTls13ClientProvider().loadPrivateKey({ format: 'pkcs8', der: new Uint8Array(0) });
  expect(load).toThrow('use nobleTls13Provider');
});
