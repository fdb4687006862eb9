/** The PRF and what is derived with it. */
import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { asciiBytes, concat, hex } from '../../src/codec/bytes.ts';
import { ConnectionSecrets, prf } from '../../src/keys/tls12_prf.ts';
import { suites } from './scripted_peer.ts';

const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const sha256Suite = suites.find((suite) => suite.hash.outputLength === 32)!;
const sha384Suite = suites.find((suite) => suite.hash.outputLength === 48)!;

// The test vectors that the TLS working group's list has for RFC 5246's PRF ("test label").
test.each([
  {
    suite: sha256Suite,
    secret: '9b be 43 6b a9 40 f0 17 b1 76 52 84 9a 71 db 35',
    seed: 'a0 ba 9f 93 6c da 31 18 27 a6 f7 96 ff d5 19 8c',
    output: `e3 f2 29 ba 72 7b e1 7b 8d 12 26 20 55 7c d4 53 c2 aa b2 1d 07 c3 d4 95 32 9b 52 d4 e6 1e db 5a
      6b 30 17 91 e9 0d 35 c9 c9 a4 6b 4e 14 ba f9 af 0f a0 22 f7 07 7d ef 17 ab fd 37 97 c0 56 4b ab
      4f bc 91 66 6e 9d ef 9b 97 fc e3 4f 79 67 89 ba a4 80 82 d1 22 ee 42 c5 a7 2e 5a 51 10 ff f7 01
      87 34 7b 66`,
  },
  {
    suite: sha384Suite,
    secret: 'b8 0b 73 3d 6c ee fc dc 71 56 6e a4 8e 55 67 df',
    seed: 'cd 66 5c f6 a8 44 7d d6 ff 8b 27 55 5e db 74 65',
    output: `7b 0c 18 e9 ce d4 10 ed 18 04 f2 cf a3 4a 33 6a 1c 14 df fb 49 00 bb 5f d7 94 21 07 e8 1c 83 cd
      e9 ca 0f aa 60 be 9f e3 4f 82 b1 23 3c 91 46 a0 e5 34 cb 40 0f ed 27 00 88 4f 9d c2 36 f8 0e dd
      8b fa 96 11 44 c9 e8 d7 92 ec a7 22 a7 b3 2f c3 d4 16 d4 73 eb c2 c5 fd 4a bf da d0 5d 91 84 25
      9b 5b f8 cd 4d 90 fa 0d 31 e2 de c4 79 e4 f1 a2 60 66 f2 ee a9 a6 92 36 a3 e5 26 55 c9 e9 ae e6
      91 c8 f3 a2 68 54 30 8d 5e aa 3b e8 5e 09 90 70 3d 73 e5 6f`,
  },
])('known answers, hash of $suite.hash.outputLength bytes', ({ suite, secret, seed, output }) => {
  const expected = fromHex(output);
  for (const length of [expected.length, 1, 12, 33]) {
    const made = prf(suite.hkdf, fromHex(secret), 'test label', [fromHex(seed)], length);
    expect(hex(made)).toBe(hex(expected.subarray(0, length)));
  }
});

/** P_hash as RFC 5246 section 5 writes it, on node:crypto. */
function reference(hash: string, secret: Uint8Array, label: string, seed: Uint8Array, length: number): Uint8Array {
  const hmac = (data: Uint8Array): Uint8Array => createHmac(hash, secret).update(data).digest();
  const labelAndSeed = concat([asciiBytes(label), seed]);
  const parts: Uint8Array[] = [];
  for (let a = hmac(labelAndSeed), made = 0; made < length; a = hmac(a)) {
    const part = hmac(concat([a, labelAndSeed]));
    parts.push(part);
    made += part.length;
  }
  return concat(parts).subarray(0, length);
}

describe.each(suites.map((suite) => ({ name: suite.id.toString(16), suite })))('suite $name', ({ suite }) => {
  const hash = suite.hash.outputLength === 48 ? 'sha384' : 'sha256';
  const randoms = { client: new Uint8Array(32).fill(1), server: new Uint8Array(32).fill(2) };
  const premaster = (): Uint8Array => new Uint8Array(32).fill(3);

  test('the master secret, and the premaster secret is wiped', () => {
    const secret = premaster();
    const { masterSecret } = ConnectionSecrets.fromKeyExchange(suite, randoms, secret, undefined);
    const seed = concat([randoms.client, randoms.server]);
    expect(masterSecret).toEqual(reference(hash, premaster(), 'master secret', seed, 48));
    expect(secret).toEqual(new Uint8Array(32));
  });

  test('the extended master secret (RFC 7627 section 4)', () => {
    const sessionHash = new Uint8Array(suite.hash.outputLength).fill(4);
    const { masterSecret } = ConnectionSecrets.fromKeyExchange(suite, randoms, premaster(), sessionHash);
    expect(masterSecret).toEqual(reference(hash, premaster(), 'extended master secret', sessionHash, 48));
  });

  test('the key block is cut in the order of RFC 5246 section 6.3', () => {
    const secrets = ConnectionSecrets.fromKeyExchange(suite, randoms, premaster(), undefined);
    const { client, server } = secrets.keyBlock();
    const ivLength = suite.nonce === 'explicit' ? 4 : 12;
    const whole = concat([client.key, server.key, client.iv, server.iv]);
    const seed = concat([randoms.server, randoms.client]);
    const length = 2 * (suite.aead.keyLength + ivLength);
    expect(whole).toEqual(reference(hash, secrets.masterSecret, 'key expansion', seed, length));
    expect([client.key.length, server.iv.length]).toEqual([suite.aead.keyLength, ivLength]);
  });

  test('verify_data has 12 bytes and differs by sender', () => {
    const secrets = ConnectionSecrets.fromKeyExchange(suite, randoms, premaster(), undefined);
    const transcript = new Uint8Array(suite.hash.outputLength).fill(5);
    for (const sender of ['client', 'server'] as const) {
      const expected = reference(hash, secrets.masterSecret, `${sender} finished`, transcript, 12);
      expect(secrets.verifyData(sender, transcript)).toEqual(expected);
    }
  });

  test('exporters tell no context from an empty one (RFC 5705 section 4)', () => {
    const secrets = ConnectionSecrets.fromKeyExchange(suite, randoms, premaster(), undefined);
    const seed = concat([randoms.client, randoms.server]);
    const expected = (context: Uint8Array): Uint8Array =>
      reference(hash, secrets.masterSecret, 'EXPORTER-x', concat([seed, context]), 50);
    const exported = (context?: Uint8Array): Uint8Array => secrets.exportKeyingMaterial(50, 'EXPORTER-x', context);
    expect(exported()).toEqual(expected(Uint8Array.of()));
    expect(exported(Uint8Array.of())).toEqual(expected(Uint8Array.of(0, 0)));
    expect(exported(Uint8Array.of(7))).toEqual(expected(Uint8Array.of(0, 1, 7)));
    expect(() => exported(new Uint8Array(65_536))).toThrow(RangeError);
  });

  test.each(['client finished', 'server finished', 'master secret', 'extended master secret', 'key expansion'])(
    'no exporter has the label %s',
    (label) => {
      const secrets = ConnectionSecrets.fromKeyExchange(suite, randoms, premaster(), undefined);
      expect(() => secrets.exportKeyingMaterial(32, label, undefined)).toThrow(RangeError);
    },
  );

  test('a copy survives', () => {
    const secrets = ConnectionSecrets.fromKeyExchange(suite, randoms, premaster(), undefined);
    const before = hex(secrets.masterSecret);
    const copy = secrets.copy();
    secrets.wipe();
    expect(secrets.masterSecret).toEqual(new Uint8Array(48));
    expect(hex(copy.masterSecret)).toBe(before);
  });
});
