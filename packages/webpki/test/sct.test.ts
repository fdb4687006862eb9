/** Signed certificate timestamps: which count, and how many are enough. */
import { nodeProvider } from '@tyls/crypto-node';
import { type CertificateErrorDetail, isTlsError, type SignatureVerification } from '@tyls/tls-core';
import { contextTag, derEncode, DerTag } from '@tyls/tls-core/der';
import { createCa, type TestCa, type TestIdentity } from '@tyls/testing';
import { Budget, digestsOf, parseCertificate, parseLogList, type SctOptions, verifyScts } from '@tyls/webpki';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { certificateError } from '../src/error.ts';
import { precertificateTbs } from '../src/sct/precertificate.ts';
import { atOnce, crafted, elementsOf, field, refusal, sequenceOf } from './craft.ts';
import { day, extension, hour, now, octetString } from './revocation_craft.ts';
import {
  precertEntry,
  type SctFields,
  TestLog,
  timestampList,
  withListExtension,
  withTimestamps,
  x509Entry,
} from './sct_craft.ts';

const provider = nodeProvider();
const { signatureVerification } = provider;
const digests = digestsOf(provider);

const alpha = new TestLog('Alpha', 'alpha 1');
const alpha2 = new TestLog('Alpha', 'alpha 2');
const beta = new TestLog('Beta', 'beta', 'rsa');
const gamma = new TestLog('Gamma', 'gamma');
const stranger = new TestLog('Stranger', 'stranger');

const listOf = (...logs: [TestLog, object?][]) =>
  parseLogList({ operators: logs.map(([log, more]) => ({ name: log.operator, logs: [log.listed(more)] })) });
const logList = listOf([alpha], [alpha2], [beta], [gamma]);

let ca: TestCa;
/** Valid for less than 180 days, and for a year and a day. */
let short: TestIdentity;
let long: TestIdentity;
beforeAll(async () => {
  ca = await createCa({ name: 'ca' });
  const notBefore = new Date(now - day);
  short = await ca.issue({ names: ['a.test'], notBefore, notAfter: new Date(now + 90 * day) });
  long = await ca.issue({ names: ['a.test'] });
});

function verified(certificate: Uint8Array, more: Partial<SctOptions> = {}) {
  const { subjectPublicKeyInfo: issuerKey } = parseCertificate(ca.certificate);
  const parsed = parseCertificate(certificate);
  const options: SctOptions = { certificate: parsed, issuerKey, logList, signatureVerification, digests, now, ...more };
  return atOnce(verifyScts(options));
}
const embedded = (of: TestIdentity, ...logs: (TestLog | [TestLog, SctFields])[]): Promise<Uint8Array> => {
  const entry = precertEntry(of.certificate, ca);
  const scts = logs.map((one) => (Array.isArray(one) ? one[0].sct(entry, one[1]) : one.sct(entry)));
  return withTimestamps(of, ca, timestampList(...scts));
};
const times = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);
const descriptions = (certificate: Uint8Array, more?: Partial<SctOptions>): string[] =>
  verified(certificate, more).map(({ log }) => log.description);
function insufficient(certificate: Uint8Array, more?: Partial<SctOptions>) {
  const detail: CertificateErrorDetail = refusal(() => verified(certificate, more));
  if (detail.reason !== 'InsufficientScts') throw new Error(detail.reason);
  return detail;
}

describe('enough', () => {
  test('two for a short life, three for a long one, of two operators', async () => {
    expect(descriptions(await embedded(short, alpha, beta))).toEqual(['alpha 1', 'beta']);
    expect(descriptions(await embedded(long, alpha, beta, gamma))).toEqual(['alpha 1', 'beta', 'gamma']);
    expect(descriptions(await embedded(long, alpha, alpha2, beta))).toHaveLength(3);
    expect(insufficient(await embedded(short, alpha))).toMatchObject({ valid: 1, requiredValid: 2, operators: 1 });
    expect(insufficient(await embedded(long, alpha, beta))).toMatchObject({ valid: 2, requiredValid: 3, operators: 2 });
    expect(insufficient(await embedded(short, alpha, alpha2))).toMatchObject({
      valid: 2,
      operators: 1,
      requiredOperators: 2,
      why: [],
    });
    expect(insufficient(short.certificate)).toMatchObject({ valid: 0, operators: 0, why: [] });
  });

  test.each([
    [180, 2],
    [180 + 1 / 86_400, 3],
  ])('a life of %d days asks for %i', async (life, requiredValid) => {
    const of = await ca.issue({ notBefore: new Date(now - day), notAfter: new Date(now - day + life * day) });
    expect(insufficient(of.certificate)).toMatchObject({ requiredValid });
  });

  test('as the policy has it', async () => {
    const policy = { minimumScts: 1, minimumOperators: 1 };
    expect(descriptions(await embedded(long, alpha), { policy })).toEqual(['alpha 1']);
    expect(insufficient(await embedded(long, alpha), { policy: { minimumScts: 1 } })).toMatchObject({
      requiredOperators: 2,
    });
    expect(insufficient(short.certificate, { policy })).toMatchObject({ requiredValid: 1, requiredOperators: 1 });
    expect(verified(short.certificate, { policy: { minimumScts: 0, minimumOperators: 0 } })).toEqual([]);
  });

  test('a log counts once', () => {
    const entry = x509Entry(short.certificate);
    const tlsExtension = timestampList(alpha.sct(entry), alpha.sct(entry, { timestamp: now - day }));
    expect(insufficient(short.certificate, { tlsExtension })).toMatchObject({ valid: 1, why: [] });
  });

  test('the error says what is missing, and why the rest does not count', async () => {
    const certificate = await embedded(short, alpha, stranger);
    const error = certificateError(insufficient(certificate));
    expect(error.alert).toBe(42);
    expect(error.message).toBe(
      'invalid peer certificate: of its signed certificate timestamps 1 count (required: 2), from 1 log operators ' +
        '(required: 2): certificate: it is of a log that is not in the list',
    );
    const many = await embedded(short, ...times(30, stranger));
    expect(insufficient(many).why).toHaveLength(10);
  });
});

describe('where they come from', () => {
  test('the TLS extension and the OCSP response, of the certificate as it is', async () => {
    const entry = x509Entry(short.certificate);
    const more = { tlsExtension: timestampList(alpha.sct(entry)), ocspExtension: timestampList(beta.sct(entry)) };
    expect(verified(short.certificate, more).map(({ source }) => source)).toEqual(['TLS extension', 'OCSP response']);
    const both = await embedded(short, gamma);
    const { timestamp } = verified(both, { tlsExtension: timestampList(alpha.sct(x509Entry(both))) })[0]!;
    expect(timestamp).toBeLessThanOrEqual(now);
  });

  test('an entry of the other kind is wrong', async () => {
    const tlsExtension = timestampList(alpha.sct(precertEntry(short.certificate, ca)));
    expect(insufficient(short.certificate, { tlsExtension }).why).toEqual([
      'TLS extension: alpha 1: its signature is wrong',
    ]);
    const inside = await withTimestamps(short, ca, timestampList(alpha.sct(x509Entry(short.certificate))));
    expect(insufficient(inside).why).toEqual(['certificate: alpha 1: its signature is wrong']);
  });

  test('what the log saw is the certificate without its timestamps', async () => {
    const certificate = parseCertificate(await embedded(short, alpha));
    expect(precertificateTbs(certificate)).toEqual(elementsOf(short.certificate)[0]);
    const alone = await crafted(short.certificate, ca, (fields) => {
      const list = extension('1.3.6.1.4.1.11129.2.4.2', octetString(Uint8Array.of(0)));
      fields[field.extensions] = derEncode(contextTag(3, true), sequenceOf(list));
    });
    const fields = elementsOf(elementsOf(short.certificate)[0]!).slice(0, field.extensions);
    expect(precertificateTbs(parseCertificate(alone))).toEqual(sequenceOf(...fields));
  });

  test('the issuer is part of what is signed', async () => {
    const other = parseCertificate((await createCa({ name: 'ca' })).certificate);
    const certificate = await embedded(short, alpha, beta);
    const { why } = insufficient(certificate, { issuerKey: other.subjectPublicKeyInfo });
    expect(why).toEqual(['certificate: alpha 1: its signature is wrong', 'certificate: beta: its signature is wrong']);
  });
});

describe('what does not count', () => {
  const objection = async (fields: SctFields): Promise<readonly string[]> =>
    insufficient(await embedded(short, beta, [alpha, fields])).why;

  test('one from the future', async () => {
    expect(await objection({ timestamp: now + 1 })).toEqual(['certificate: alpha 1: it is from the future']);
    expect(descriptions(await embedded(short, beta, [alpha, { timestamp: now }]))).toHaveLength(2);
    expect(await objection({ timestamp: 2 ** 53 * 2 })).toEqual(['certificate: alpha 1: it is from the future']);
  });

  test('one with a wrong signature', async () => {
    expect(await objection({ signature: Uint8Array.of(1) })).toEqual(['certificate: alpha 1: its signature is wrong']);
    const certificate = await embedded(short, beta, [alpha, { extensions: Uint8Array.of(1, 2) }]);
    expect(descriptions(certificate)).toEqual(['beta', 'alpha 1']);
  });

  test('one by an algorithm that logs do not have, or not with this key', async () => {
    for (const scheme of [0x0203, 0x0503, 0x0804, 0x0401]) {
      expect(await objection({ scheme })).toEqual(['certificate: alpha 1: its signature is wrong']);
    }
    const without: SignatureVerification = { ...signatureVerification, schemes: [] };
    const { why } = insufficient(await embedded(short, alpha), { signatureVerification: without });
    expect(why).toEqual(['certificate: alpha 1: its signature is wrong']);
  });

  test('one of an unknown version', async () => {
    expect(await objection({ version: 1 })).toEqual(['certificate: it is of an unknown version']);
  });

  test('one that cannot be read, and none of a list that cannot', async () => {
    const entry = x509Entry(short.certificate);
    const good = alpha.sct(entry);
    const of = (...scts: Uint8Array[]) => insufficient(short.certificate, { tlsExtension: timestampList(...scts) });
    for (const broken of [
      good.subarray(0, -1),
      good.subarray(0, 40),
      good.subarray(0, 42),
      Buffer.concat([good, good]),
    ]) {
      expect(of(beta.sct(entry), broken)).toMatchObject({
        valid: 1,
        why: [expect.stringMatching(/^TLS extension: SignedCertificateTimestampList: (truncated|trailing bytes)$/)],
      });
    }
    for (const [tlsExtension, why] of [
      [new Uint8Array(), 'truncated'],
      [Uint8Array.of(0), 'truncated'],
      [Uint8Array.of(0, 0), 'no timestamps'],
      [Uint8Array.of(0, 2, 0, 0), 'an empty timestamp'],
      [Uint8Array.of(0, 1, 0), 'truncated'],
      [Uint8Array.of(...timestampList(good), 0), 'trailing bytes'],
    ] as const) {
      expect(insufficient(short.certificate, { tlsExtension })).toMatchObject({
        valid: 0,
        why: [`TLS extension: SignedCertificateTimestampList: ${why}`],
      });
    }
    for (const value of [derEncode(DerTag.null), octetString(), Uint8Array.of(4, 0, 0)]) {
      const certificate = await withListExtension(short.certificate, ca, value);
      expect(insufficient(certificate)).toMatchObject({
        valid: 0,
        why: [expect.stringMatching(/^certificate: SignedCertificateTimestampList: /)],
      });
    }
  });

  test('one of a log that is not in use', async () => {
    const states = [{}, { state: {} }, { state: { pending: {} } }, { state: { rejected: {} } }];
    for (const state of states) {
      const list = listOf([alpha, state], [beta]);
      expect(insufficient(await embedded(short, alpha, beta), { logList: list }).why).toEqual([
        'certificate: alpha 1: the log is not in use',
      ]);
    }
    for (const state of ['usable', 'qualified', 'readonly']) {
      const list = listOf([alpha, { state: { [state]: { timestamp: '2020-01-01T00:00:00Z' } } }], [beta]);
      expect(descriptions(await embedded(short, alpha, beta), { logList: list })).toHaveLength(2);
    }
  });

  test('one of a retired log, but for what it signed before and with one of a log in use', async () => {
    const retired = (at: number) => ({ state: { retired: { timestamp: new Date(at).toISOString() } } });
    const before = { timestamp: now - hour - 1 };
    const certificate = await embedded(short, [alpha, before], [beta, before]);
    expect(descriptions(certificate, { logList: listOf([alpha, retired(now - hour)], [beta]) })).toHaveLength(2);
    expect(insufficient(certificate, { logList: listOf([alpha, retired(now - hour - 1)], [beta]) }).why).toEqual([
      'certificate: alpha 1: the log was retired before',
    ]);
    const both = listOf([alpha, retired(now)], [beta, retired(now)]);
    expect(insufficient(certificate, { logList: both })).toMatchObject({ valid: 2, why: ['all are of retired logs'] });
    const tlsExtension = timestampList(alpha.sct(x509Entry(short.certificate), before));
    const one = { tlsExtension, logList: listOf([alpha, retired(now)], [beta]) };
    expect(insufficient(short.certificate, one).why).toEqual(['TLS extension: alpha 1: the log was retired']);
  });

  test('one of a log for certificates that end at another time', async () => {
    const { notAfter } = parseCertificate(short.certificate);
    const interval = (start: number, end: number) => ({
      state: { usable: {} },
      temporal_interval: {
        start_inclusive: new Date(start).toISOString(),
        end_exclusive: new Date(end).toISOString(),
      },
    });
    const certificate = await embedded(short, alpha, beta);
    const inInterval = (start: number, end: number): Partial<SctOptions> => ({
      logList: listOf([alpha, interval(start, end)], [beta]),
    });
    expect(descriptions(certificate, inInterval(notAfter, notAfter + 1000))).toHaveLength(2);
    for (const [start, end] of [
      [notAfter - 1000, notAfter],
      [notAfter + 1000, notAfter + 2000],
    ] as const) {
      expect(insufficient(certificate, inInterval(start, end)).why).toEqual([
        'certificate: alpha 1: the log is not for certificates that end then',
      ]);
    }
  });
});

test('signatures are taken from the budget', async () => {
  const wrong: [TestLog, SctFields] = [alpha, { signature: Uint8Array.of(1) }];
  const certificate = await embedded(short, ...times(101, wrong));
  expect(refusal(() => verified(certificate))).toMatchObject({ reason: 'BudgetExceeded', what: 'signatures' });
  const budget = new Budget();
  verified(await embedded(short, alpha, beta), { budget });
  const more = await embedded(short, ...times(98, wrong));
  expect(insufficient(more, { budget }).valid).toBe(0);
  expect(refusal(() => verified(more, { budget })).reason).toBe('BudgetExceeded');
});

test('signatures may be verified later', async () => {
  const asynchronous: SignatureVerification = {
    ...signatureVerification,
    schemes: signatureVerification.schemes.map(({ scheme, algorithms }) => ({
      scheme,
      algorithms: algorithms.map((one) => ({
        ...one,
        verify: (...values: Parameters<typeof one.verify>) => Promise.resolve(one.verify(...values)),
      })),
    })),
  };
  const certificate = parseCertificate(await embedded(short, alpha, beta));
  const { subjectPublicKeyInfo: issuerKey } = parseCertificate(ca.certificate);
  const options = { certificate, issuerKey, logList, signatureVerification: asynchronous, digests, now };
  await expect(verifyScts(options)).resolves.toHaveLength(2);
});

test('without SHA-256 nothing in a certificate can be verified', async () => {
  const certificate = await embedded(short, alpha);
  const without = { digests: { sha256: undefined, sha384: undefined } };
  expect(() => verified(certificate, without)).toThrow(RangeError);
});

test('bytes that were changed anywhere make no timestamp count', () => {
  const entry = x509Entry(short.certificate);
  const list = timestampList(alpha.sct(entry, { extensions: Uint8Array.of(1) }));
  const policy = { minimumScts: 1, minimumOperators: 1 };
  const survives = (tlsExtension: Uint8Array): boolean => {
    try {
      verified(short.certificate, { tlsExtension, policy });
      return true;
    } catch (error) {
      if (isTlsError(error) && error.code === 'InvalidCertificate.InsufficientScts') return false;
      throw error;
    }
  };
  expect(survives(list)).toBe(true);
  for (let at = 0; at < list.length; at++) {
    const changed = list.slice();
    changed[at]! ^= 1 << (at % 8);
    expect(survives(changed)).toBe(false);
    expect(survives(list.subarray(0, at))).toBe(false);
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (random) => !survives(random)));
});

test('the time is a number', async () => {
  const certificate = await embedded(short, alpha, beta);
  expect(() => verified(certificate, { now: NaN })).toThrow(RangeError);
});
