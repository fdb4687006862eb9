import { nodeProvider } from '@tyls/crypto-node';
import { createHash, createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { emptyBytes, hex } from '../../src/codec/bytes.ts';
import {
  exportKeyingMaterial,
  finishedVerifyData,
  hkdfExpandLabel,
  KeySchedule,
  nextTrafficSecret,
  trafficKeys,
} from '../../src/keys/tls13_key_schedule.ts';
import { CipherSuite, nameOf, ProtocolVersion } from '../../src/registry.ts';

/** RFC 8446 section 7.1 and RFC 5869 once more, for a single block. */
function expandLabel(hash: string, secret: Uint8Array, label: string, context: Uint8Array, length: number): string {
  const full = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([
    Buffer.of(length >> 8, length & 0xff, full.length),
    full,
    Buffer.of(context.length),
    context,
    Buffer.of(1),
  ]);
  return createHmac(hash, secret).update(info).digest().subarray(0, length).toString('hex');
}

const suites = nodeProvider().cipherSuites.filter((suite) => suite.version === ProtocolVersion.TLSv1_3);

describe.each(suites.map((suite) => [nameOf(CipherSuite, suite.id), suite] as const))('%s', (_name, suite) => {
  const length = suite.hash.outputLength;
  const hash = length === 48 ? 'sha384' : 'sha256';
  const secret = new Uint8Array(length).fill(0x11);
  const digest = (data: Uint8Array): Uint8Array => new Uint8Array(createHash(hash).update(data).digest());

  test('HKDF-Expand-Label', () => {
    const context = Uint8Array.of(1, 2, 3);
    expect(hex(hkdfExpandLabel(suite.hkdf, secret, 'some label', context, 20))).toBe(
      expandLabel(hash, secret, 'some label', context, 20),
    );
  });

  test('traffic keys fit the AEAD', () => {
    const { key, iv } = trafficKeys(suite, secret);
    expect(hex(key)).toBe(expandLabel(hash, secret, 'key', emptyBytes, suite.aead.keyLength));
    expect(hex(iv)).toBe(expandLabel(hash, secret, 'iv', emptyBytes, 12));
  });

  test('the next traffic secret; the one before is wiped', () => {
    const old = secret.slice();
    expect(hex(nextTrafficSecret(suite, old))).toBe(expandLabel(hash, secret, 'traffic upd', emptyBytes, length));
    expect(old).toEqual(new Uint8Array(length));
  });

  test('verify_data', () => {
    const key = Buffer.from(expandLabel(hash, secret, 'finished', emptyBytes, length), 'hex');
    const transcriptHash = digest(Uint8Array.of(9));
    expect(hex(finishedVerifyData(suite, secret, transcriptHash))).toBe(
      createHmac(hash, key).update(transcriptHash).digest('hex'),
    );
  });

  test('exported keying material', () => {
    const derived = Buffer.from(expandLabel(hash, secret, 'EXPORTER-x', digest(emptyBytes), length), 'hex');
    const context = Uint8Array.of(5);
    expect(hex(exportKeyingMaterial(suite, secret, 'EXPORTER-x', context, 30))).toBe(
      expandLabel(hash, derived, 'exporter', digest(context), 30),
    );
  });

  test('the chain of secrets, each wiped when the next is there', () => {
    const hmac = (key: Uint8Array, data: Uint8Array): Uint8Array =>
      new Uint8Array(createHmac(hash, key).update(data).digest());
    const next = (current: Uint8Array, input: Uint8Array): Uint8Array =>
      hmac(Buffer.from(expandLabel(hash, current, 'derived', digest(emptyBytes), length), 'hex'), input);
    const zeros = new Uint8Array(length);
    const transcriptHash = digest(Uint8Array.of(7));
    const sharedSecret = new Uint8Array(32).fill(3);

    const schedule = new KeySchedule(suite);
    let expected = hmac(zeros, zeros);
    const check = (label: 'c hs traffic' | 'exp master'): void =>
      expect(hex(schedule.derive(label, transcriptHash))).toBe(
        expandLabel(hash, expected, label, transcriptHash, length),
      );
    check('c hs traffic');
    expected = next(expected, sharedSecret);
    schedule.enterHandshake(sharedSecret);
    expect(sharedSecret).toEqual(new Uint8Array(32));
    check('c hs traffic');
    expected = next(expected, zeros);
    schedule.enterMain();
    check('exp master');
    schedule.wipe();
    expected = zeros;
    check('exp master');
  });
});
