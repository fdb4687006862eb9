/** Parsing revocation lists, and finding serial numbers in them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contextTag, derEncode, DerTag } from '@tyls/tls-core/der';
import { createCa, type TestCa } from '@tyls/testing';
import { isTlsError } from '@tyls/tls-core';
import { parseCertificate, parseCertRevocationList } from '@tyls/webpki';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { RevokedCertificates, serialHash } from '../src/crl/revoked_certificates.ts';
import { ascii, bitString, elementsOf, sequenceOf } from './craft.ts';
import { hasOpenSsl } from './openssl.ts';
import {
  crlBy,
  type CrlFields,
  crlNumber,
  day,
  detailOf,
  entry,
  enumerated,
  extension,
  flag,
  fullName,
  generalizedTime,
  hour,
  integer,
  issuingDistributionPoint,
  none,
  now,
  octetString,
  oid,
  sha256WithRsa,
  uri,
  utcTime,
} from './revocation_craft.ts';

let ca: TestCa;
beforeAll(async () => {
  ca = await createCa();
});

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const parsed = async (fields: CrlFields) => parseCertRevocationList(await crlBy(ca, fields));
const fullPoint = fullName(uri('http://crl.test/1'));

test('the fields of a list are views of it', async () => {
  const der = await crlBy(ca, {
    entries: [
      entry(bytes(5), extension('2.5.29.21', enumerated(1)), extension('2.5.29.24', generalizedTime(now - day))),
      entry(bytes(6)),
    ],
    extensions: [
      crlNumber(0, 0x80),
      extension('2.5.29.35', sequenceOf(derEncode(contextTag(0, false), bytes(1, 2, 3)))),
      issuingDistributionPoint(fullName(uri('http://crl.test/1'), derEncode(contextTag(2, false))), flag(1)),
      extension('1.2.3', none),
    ],
  });
  const crl = parseCertRevocationList(der);
  expect(crl).toMatchObject({
    issuer: parseCertificate(ca.certificate).subject,
    thisUpdate: now - day,
    nextUpdate: now + 7 * day,
    crlNumber: bytes(0x80),
    authorityKeyIdentifier: bytes(1, 2, 3),
    issuingDistributionPoint: {
      uris: [ascii('http://crl.test/1')],
      onlyContainsUserCerts: true,
      onlyContainsCACerts: false,
    },
  });
  expect(crl.signedData.data).toEqual(elementsOf(der)[0]);
  expect(crl.issuer.buffer).toBe(der.buffer);
  expect(crl.revokedCertificates.size).toBe(2);
  expect(crl.revokedCertificates.find(bytes(5))).toEqual({
    revocationDate: now - hour,
    reason: 'keyCompromise',
    invalidityDate: now - day,
  });
  const plain = { revocationDate: now - hour, reason: undefined, invalidityDate: undefined };
  expect(crl.revokedCertificates.find(bytes(6))).toEqual(plain);
  expect(crl.revokedCertificates.find(bytes(7))).toBeUndefined();
});

test.each([
  [0, 'unspecified'],
  [1, 'keyCompromise'],
  [2, 'cACompromise'],
  [3, 'affiliationChanged'],
  [4, 'superseded'],
  [5, 'cessationOfOperation'],
  [6, 'certificateHold'],
  [8, 'removeFromCRL'],
  [9, 'privilegeWithdrawn'],
  [10, 'aACompromise'],
])('reason %i is %s', async (code, reason) => {
  const { revokedCertificates } = await parsed({
    entries: [entry(bytes(1), extension('2.5.29.21', enumerated(code)))],
  });
  expect(revokedCertificates.find(bytes(1))?.reason).toBe(reason);
});

describe('accepted, though not as it should be', () => {
  test.each<[string, CrlFields]>([
    ['an empty list of entries', { entries: [none] }],
    ['an entry with an empty list of extensions', { entries: [sequenceOf(integer(1), utcTime(now), sequenceOf())] }],
    ['an unknown extension', { extensions: [crlNumber(1), extension('1.2.3', none)] }],
    ['an unknown extension of an entry', { entries: [entry(bytes(1), extension('1.2.3', none))] }],
    ['a FALSE that is there', { extensions: [crlNumber(1), issuingDistributionPoint(fullPoint, flag(1, 0))] }],
    ['a cRLNumber of 20 bytes', { extensions: [crlNumber(0, ...Array<number>(20).fill(0xff))] }],
    ['a serial number of 20 bytes', { entries: [entry(bytes(0, ...Array<number>(20).fill(0xff)))] }],
    ['dates as GeneralizedTime', { nextUpdate: generalizedTime(now + day) }],
    ['an AuthorityKeyIdentifier without key', { extensions: [crlNumber(1), extension('2.5.29.35', sequenceOf())] }],
  ])('%s', async (_, fields) => {
    await expect(parsed(fields)).resolves.toBeDefined();
  });
});

describe('refused', () => {
  const entryOf = (...parts: Uint8Array[]): CrlFields => ({ entries: [sequenceOf(...parts)] });
  const entryWith = (...extensions: Uint8Array[]): CrlFields => ({ entries: [entry(bytes(1), ...extensions)] });
  const extended = (...extensions: Uint8Array[]): CrlFields => ({ extensions: [crlNumber(1), ...extensions] });
  const pointed = (...parts: Uint8Array[]): CrlFields => extended(issuingDistributionPoint(...parts));
  const nonsense = derEncode(DerTag.null);
  const time = (text: string): Uint8Array => derEncode(DerTag.utcTime, ascii(text));
  test.each<[string, string, CrlFields]>([
    ['version 1', 'UnsupportedCrlVersion', { version: none }],
    ['version 3', 'UnsupportedCrlVersion', { version: integer(2) }],
    ['another inner algorithm', 'ParseError', { outerAlgorithm: sha256WithRsa }],
    ['no nextUpdate', 'ParseError', { nextUpdate: none }],
    ['a nextUpdate that is no time', 'ParseError', { nextUpdate: time('260230000000Z') }],
    ['no extensions', 'ParseError', { wrapper: none }],
    [
      'two lists of extensions',
      'ParseError',
      { wrapper: derEncode(contextTag(0, true), sequenceOf(crlNumber(1)), sequenceOf()) },
    ],
    ['something behind the extensions', 'ParseError', { more: [nonsense] }],
    ['no cRLNumber', 'InvalidCrlNumber', { extensions: [] }],
    ['a negative cRLNumber', 'InvalidCrlNumber', { extensions: [crlNumber(0x80)] }],
    ['a cRLNumber over 20 bytes', 'InvalidCrlNumber', { extensions: [crlNumber(1, ...Array<number>(20).fill(0))] }],
    ['no INTEGER', 'InvalidCrlNumber', { extensions: [extension('2.5.29.20', nonsense)] }],
    ['two numbers', 'InvalidCrlNumber', { extensions: [extension('2.5.29.20', bytes(2, 1, 1, 2, 1, 1))] }],
    ['an extension twice', 'ParseError', extended(crlNumber(1))],
    ['a delta list', 'UnsupportedDeltaCrl', extended(extension('2.5.29.27', integer(1), true))],
    ['an unknown critical extension', 'UnsupportedCriticalExtension', extended(extension('1.2.3', none, true))],
    ['an AuthorityKeyIdentifier', 'ParseError', extended(extension('2.5.29.35', nonsense))],
    ['one with more', 'ParseError', extended(extension('2.5.29.35', sequenceOf(nonsense)))],
    ['an indirect list', 'UnsupportedIndirectCrl', pointed(fullPoint, flag(4))],
    ['some reasons', 'UnsupportedRevocationReasonsPartitioning', pointed(fullPoint, flag(3))],
    ['attribute certificates only', 'ParseError', pointed(fullPoint, flag(5))],
    ['end entities only and CAs only', 'ParseError', pointed(fullPoint, flag(1), flag(2))],
    ['no distribution point', 'UnsupportedCrlIssuingDistributionPoint', pointed(flag(1))],
    [
      'one relative to the issuer',
      'UnsupportedCrlIssuingDistributionPoint',
      pointed(derEncode(contextTag(0, true), derEncode(contextTag(1, true)))),
    ],
    ['one of a third kind', 'ParseError', pointed(derEncode(contextTag(0, true), derEncode(contextTag(2, true))))],
    ['an empty one', 'ParseError', pointed(derEncode(contextTag(0, true)))],
    ['a flag that is no BOOLEAN', 'ParseError', pointed(fullPoint, flag(1, 1))],
    ['a flag that is unknown', 'ParseError', pointed(fullPoint, flag(6))],
    ['flags in another order', 'ParseError', pointed(fullPoint, flag(2), flag(1))],
    ['an entry that is no SEQUENCE', 'ParseError', { entries: [nonsense] }],
    ['an entry without date', 'ParseError', entryOf(integer(1))],
    ['an entry with more', 'ParseError', entryOf(integer(1), utcTime(now), sequenceOf(), nonsense)],
    ['an entry without serial number', 'ParseError', entryOf(utcTime(now), utcTime(now))],
    ['an empty serial number', 'InvalidRevokedCertSerialNumber', { entries: [entry(none)] }],
    ['one with a redundant zero', 'InvalidRevokedCertSerialNumber', { entries: [entry(bytes(0, 1))] }],
    ['one with a redundant sign', 'InvalidRevokedCertSerialNumber', { entries: [entry(bytes(0xff, 0x80))] }],
    [
      'one over 20 bytes',
      'InvalidRevokedCertSerialNumber',
      { entries: [entry(bytes(1, ...Array<number>(20).fill(0)))] },
    ],
    [
      'one far over',
      'InvalidRevokedCertSerialNumber',
      { entries: [entry(bytes(0, ...Array<number>(300).fill(0xff)))] },
    ],
    ['a date without Z', 'ParseError', entryOf(integer(1), time('2601010000000'))],
    ['a date without seconds', 'ParseError', entryOf(integer(1), time('2601010000Z'))],
    ['a date of letters', 'ParseError', entryOf(integer(1), time('26O101000000Z'))],
    ['a date that is none', 'ParseError', entryOf(integer(1), integer(1))],
    ['reason 7', 'UnsupportedRevocationReason', entryWith(extension('2.5.29.21', enumerated(7)))],
    ['reason 11', 'UnsupportedRevocationReason', entryWith(extension('2.5.29.21', enumerated(11)))],
    ['a reason of two bytes', 'UnsupportedRevocationReason', entryWith(extension('2.5.29.21', enumerated(0, 1)))],
    ['an INTEGER as reason', 'ParseError', entryWith(extension('2.5.29.21', integer(1)))],
    ['more than a reason', 'ParseError', entryWith(extension('2.5.29.21', bytes(0x0a, 1, 1, 0)))],
    [
      'two reasons',
      'ParseError',
      entryWith(extension('2.5.29.21', enumerated(1)), extension('2.5.29.21', enumerated(1))),
    ],
    [
      'two invalidity dates',
      'ParseError',
      entryWith(extension('2.5.29.24', generalizedTime(now)), extension('2.5.29.24', generalizedTime(now))),
    ],
    ['an invalidity date that is none', 'ParseError', entryWith(extension('2.5.29.24', integer(1)))],
    ['an entry of another issuer', 'UnsupportedIndirectCrl', entryWith(extension('2.5.29.29', sequenceOf()))],
    [
      'an unknown critical extension of an entry',
      'UnsupportedCriticalExtension',
      entryWith(extension('2.5.29.99', none, true)),
    ],
    ['an extension without value', 'ParseError', entryWith(sequenceOf(oid('1.2.3')))],
    [
      'an extension with a criticality that is no BOOLEAN',
      'ParseError',
      entryWith(sequenceOf(oid('1.2.3'), derEncode(DerTag.boolean, bytes(1)), octetString())),
    ],
    ['an extension with more', 'ParseError', entryWith(sequenceOf(oid('1.2.3'), octetString(), nonsense))],
  ])('%s: %s', async (_, reason, fields) => {
    const der = await crlBy(ca, fields);
    expect(detailOf(() => parseCertRevocationList(der))).toMatchObject({ code: 'InvalidCertRevocationList', reason });
  });

  test('what is around a list: nothing may be', async () => {
    const der = await crlBy(ca);
    const [tbs, algorithm, signature] = elementsOf(der) as [Uint8Array, Uint8Array, Uint8Array];
    for (const broken of [
      none,
      bytes(...der, 0),
      der.subarray(0, -1),
      sequenceOf(integer(1), algorithm, signature),
      sequenceOf(tbs, algorithm),
      sequenceOf(tbs, algorithm, bitString(bytes(0), 1)),
      sequenceOf(tbs, algorithm, signature, signature),
    ]) {
      const detail = detailOf(() => parseCertRevocationList(broken));
      expect(detail).toMatchObject({ code: 'InvalidCertRevocationList', reason: 'ParseError' });
    }
  });

  test('a certificate is no list', () => {
    const detail = detailOf(() => parseCertRevocationList(ca.certificate));
    expect(detail).toMatchObject({ code: 'InvalidCertRevocationList', reason: 'UnsupportedCrlVersion' });
  });

  test('a date that is not in the calendar, when it is looked at', async () => {
    const { revokedCertificates } = await parsed(entryOf(integer(1), time('260230000000Z')));
    const detail = detailOf(() => revokedCertificates.find(bytes(1)));
    expect(detail).toMatchObject({ code: 'InvalidCertRevocationList', reason: 'ParseError' });
    expect(revokedCertificates.find(bytes(2))).toBeUndefined();
  });
});

test('the error says what to do', async () => {
  const der = await crlBy(ca, { extensions: [crlNumber(1), extension('2.5.29.27', integer(1), true)] });
  expect(() => parseCertRevocationList(der)).toThrow(/it is a delta CRL; give the complete one/);
});

describe('finding serial numbers', () => {
  const minimal = (content: Uint8Array): Uint8Array => {
    const redundant = content.findIndex(
      (byte, i) => i === content.length - 1 || byte !== (content[i + 1]! >= 0x80 ? 0xff : 0),
    );
    return content.subarray(redundant);
  };
  const serial = fc
    .oneof(fc.uint8Array({ minLength: 1, maxLength: 3 }), fc.uint8Array({ minLength: 1, maxLength: 20 }))
    .map(minimal);
  const text = (content: Uint8Array): string => Buffer.from(content).toString('hex');

  test('those that are there, whatever they are, and no others', () => {
    fc.assert(
      fc.property(fc.array(serial, { maxLength: 200 }), fc.array(serial, { maxLength: 50 }), (revoked, others) => {
        const certificates = new RevokedCertificates(Buffer.concat(revoked.map((one) => entry(one))));
        const known = new Set(revoked.map(text));
        expect(certificates.size).toBe(revoked.length);
        for (const one of [...revoked, ...others]) {
          expect(certificates.find(one) !== undefined).toBe(known.has(text(one)));
        }
      }),
    );
  });

  test('of two entries the first', () => {
    const entries = [0, 1, 4].map((code) => entry(bytes(1), extension('2.5.29.21', enumerated(code))));
    const certificates = new RevokedCertificates(Buffer.concat(entries));
    expect(certificates.find(bytes(1))?.reason).toBe('unspecified');
    expect(certificates.size).toBe(3);
  });

  test('in entries of any length', () => {
    const long = (length: number): Uint8Array =>
      entry(bytes(length & 0x7f), extension('1.2.3', new Uint8Array(length)));
    const lengths = [0, 100, 127, 200, 255, 256, 70_000];
    const certificates = new RevokedCertificates(Buffer.concat(lengths.map(long)));
    for (const length of lengths) expect(certificates.find(bytes(length & 0x7f))).toBeDefined();
  });

  test('of a certificate whose encoding is longer than it should be', () => {
    const certificates = new RevokedCertificates(Buffer.concat([entry(bytes(5)), entry(bytes(0x85))]));
    expect(certificates.find(bytes(0, 0, 5))).toBeDefined();
    expect(certificates.find(bytes(0xff, 0xff, 0x85))).toBeDefined();
    expect(certificates.find(bytes(0, 0x85))).toBeUndefined();
  });

  test('not of one with a serial number that is longer than any here', () => {
    const certificates = new RevokedCertificates(entry(bytes(5)));
    const long = new Uint8Array(257).fill(5);
    expect(certificates.find(long)).toBeUndefined();
    expect(certificates.find(none)).toBeUndefined();
  });

  test('of a million in five comparisons or a few more, with 6 MB besides the list', () => {
    const million = 1_000_000;
    const template = entry(
      Uint8Array.from({ length: 16 }, (_, i) => i + 1),
      extension('2.5.29.21', enumerated(1)),
    );
    const list = Buffer.alloc(template.length * million);
    list.fill(template);
    // The counter stands in the middle of the serial number, so that neither end tells entries apart.
    for (let i = 0; i < million; i++) list.writeUInt32BE(i, i * template.length + 8);
    const certificates = new RevokedCertificates(list);
    expect(certificates.size).toBe(million);
    expect(certificates.indexLength).toBeLessThan(6_000_000);
    expect(certificates.maxComparisons).toBeLessThan(8);
    const serialNumber = Buffer.from(template.subarray(4, 20));
    for (let i = 0; i < 1_010_000; i += 1009) {
      serialNumber.writeUInt32BE(i, 4);
      expect(certificates.find(serialNumber) !== undefined).toBe(i < million);
    }
  });

  test('that were chosen to have the same hash, in as many comparisons as its logarithm', () => {
    const chosen: Uint8Array[] = [];
    const candidate = bytes(4, 1, 0, 0, 0);
    for (let i = 0; chosen.length < 1024; i++) {
      candidate.set([i >>> 16, i >>> 8, i], 2);
      // 1024 entries make 256 buckets.
      if ((serialHash(candidate, 1) & 255) === 7) chosen.push(candidate.slice(1));
    }
    const certificates = new RevokedCertificates(Buffer.concat(chosen.map((one) => entry(one))));
    expect(certificates.maxComparisons).toBe(12);
    for (const one of chosen) expect(certificates.find(one)).toBeDefined();
    expect(certificates.find(bytes(1, 0xff, 0xff, 0xff))).toBeUndefined();
  });
});

test('bytes that were changed anywhere are parsed, or refused as a list', async () => {
  const der = await crlBy(ca, {
    entries: [entry(bytes(5), extension('2.5.29.21', enumerated(1)), extension('2.5.29.24', generalizedTime(now)))],
    extensions: [
      crlNumber(3),
      extension('2.5.29.35', sequenceOf(derEncode(contextTag(0, false), bytes(1, 2, 3)))),
      issuingDistributionPoint(fullPoint, flag(1)),
    ],
  });
  const outcomes = { parsed: 0, refused: 0 };
  const survives = (changed: Uint8Array): void => {
    try {
      parseCertRevocationList(changed).revokedCertificates.find(bytes(5));
      outcomes.parsed++;
    } catch (error) {
      if (!isTlsError(error) || error.detail.code !== 'InvalidCertRevocationList') throw error;
      outcomes.refused++;
    }
  };
  for (let at = 0; at < der.length; at++) {
    for (const value of [0, 1, 0x30, 0x7f, 0x80, 0x84, 0xff, der[at]! ^ 0x20]) {
      const changed = der.slice();
      changed[at] = value;
      survives(changed);
    }
    survives(der.subarray(0, at));
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), survives));
  expect(outcomes.parsed).toBeGreaterThan(0);
  expect(outcomes.refused).toBeGreaterThan(outcomes.parsed);
});

test.skipIf(!hasOpenSsl('revocation lists'))('a list that openssl makes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tyls-crl-'));
  try {
    const at = (name: string): string => join(folder, name);
    writeFileSync(at('ca.pem'), ca.certificatePem);
    writeFileSync(at('ca.key'), ca.privateKeyPem);
    writeFileSync(at('crlnumber'), '1234\n');

    const revoked = ['2D', 'FF', '4F7A1B2C3D4E5F60718293A4B5C6D7E8'];
    const lines = revoked.map((serial, i) => {
      const reason = ['', ',keyCompromise', ',CACompromise'][i]!;
      return `R\t300101000000Z\t250101000000Z${reason}\t${serial}\tunknown\t/CN=revoked ${i}\n`;
    });
    writeFileSync(at('index.txt'), lines.join(''));
    const config = `[ca]
default_ca = this
[this]
database = ${at('index.txt')}
crlnumber = ${at('crlnumber')}
certificate = ${at('ca.pem')}
private_key = ${at('ca.key')}
default_md = sha256
default_crl_days = 30
crl_extensions = extensions
[extensions]
authorityKeyIdentifier = keyid:always
issuingDistributionPoint = critical, @point
[point]
fullname = URI:http://crl.test/openssl
onlyuser = TRUE
`;
    writeFileSync(at('config'), config);
    execFileSync('openssl', ['ca', '-config', at('config'), '-gencrl', '-out', at('crl.pem')], { stdio: 'pipe' });
    execFileSync('openssl', ['crl', '-in', at('crl.pem'), '-outform', 'DER', '-out', at('crl.der')], { stdio: 'pipe' });
    const crl = parseCertRevocationList(new Uint8Array(readFileSync(at('crl.der'))));
    expect(crl.crlNumber).toEqual(bytes(0x12, 0x34));
    expect(crl.nextUpdate - crl.thisUpdate).toBe(30 * day);
    expect(crl.authorityKeyIdentifier).toHaveLength(20);
    expect(crl.issuingDistributionPoint).toMatchObject({ uris: [ascii('http://crl.test/openssl')] });
    const found = revoked.map((serial) =>
      crl.revokedCertificates.find(Buffer.from(serial === 'FF' ? '00FF' : serial, 'hex')),
    );
    expect(found.map((one) => one?.reason)).toEqual([undefined, 'keyCompromise', 'cACompromise']);
    expect(found.map((one) => one?.revocationDate)).toEqual(Array(3).fill(Date.UTC(2025, 0, 1)));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
