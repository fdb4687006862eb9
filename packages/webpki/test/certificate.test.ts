import { createCa } from '@tyls/testing';
import { DerTag, contextTag, derEncode } from '@tyls/tls-core/der';
import { TlsError } from '@tyls/tls-core';
import { parseCertificate, trustAnchorFromCertificate, trustAnchorsFromCertificates } from '@tyls/webpki';
import { beforeAll, describe, expect, test } from 'vitest';
import { ascii, bitString, crafted, elementsOf, field, refusal, sequenceOf } from './craft.ts';

let ca: Awaited<ReturnType<typeof createCa>>;
let leaf: Uint8Array;

beforeAll(async () => {
  ca = await createCa({ name: 'root', pathLength: 3 });
  leaf = (await ca.issue({ names: ['a.test'] })).certificate;
});

const integer = (...bytes: number[]): Uint8Array => derEncode(DerTag.integer, Uint8Array.from(bytes));
const oid = (...bytes: number[]): Uint8Array => derEncode(DerTag.oid, Uint8Array.from(bytes));
const utcTime = (text: string): Uint8Array => derEncode(DerTag.utcTime, ascii(text));
const generalizedTime = (text: string): Uint8Array => derEncode(DerTag.generalizedTime, ascii(text));
const extension = (id: Uint8Array, value: Uint8Array, ...critical: Uint8Array[]): Uint8Array =>
  sequenceOf(id, ...critical, derEncode(DerTag.octetString, value));
const extensions = (...list: Uint8Array[]): Uint8Array => derEncode(contextTag(3, true), sequenceOf(...list));
const changed = (at: number, ...values: Uint8Array[]) =>
  crafted(leaf, ca, (fields) => void fields.splice(at, 1, ...values));
const subjectAltName = oid(0x55, 0x1d, 0x11);

test('the fields of a certificate are views of it', () => {
  const { issuer, subject, signedData, extensions: parsed } = parseCertificate(leaf);
  const anchor = trustAnchorFromCertificate(ca.certificate);
  expect(issuer).toEqual(anchor.subject);
  expect(issuer.buffer).toBe(leaf.buffer);
  expect(sequenceOf(subject)).toEqual(elementsOf(elementsOf(leaf)[0]!)[field.subject]);
  expect(signedData.data).toEqual(elementsOf(leaf)[0]);
  expect(parsed.keyUsage).toMatchObject({ digitalSignature: true, keyCertSign: false });
  expect(parsed.basicConstraints).toBeUndefined();
  expect(parsed.extendedKeyUsage).toHaveLength(2);
  expect(parseCertificate(ca.certificate).extensions.basicConstraints).toEqual({ cA: true, pathLenConstraint: 3 });
});

describe('refused', () => {
  const cases: readonly (readonly [what: string, message: RegExp, make: () => Promise<Uint8Array> | Uint8Array])[] = [
    ['version 1 with extensions', /trailing/, () => changed(field.version)],
    ['two versions', /trailing/, () => changed(0, derEncode(contextTag(0, true), integer(2), integer(2)))],
    ['an empty serial number', /serialNumber/, () => changed(field.serialNumber, integer())],
    ['another inner algorithm', /not the same/, () => changed(field.signature, sequenceOf(oid(0x2b, 0x65, 0x70)))],
    ['trailing bytes', /trailing/, () => Uint8Array.of(...leaf, 0)],
    ['a fourth element', /trailing/, () => sequenceOf(...elementsOf(leaf), integer(0))],
    ['no signature', /expected tag 0x3/, () => sequenceOf(...elementsOf(leaf).slice(0, 2))],
    [
      'unused bits in the signature',
      /whole bytes/,
      () => sequenceOf(...elementsOf(leaf).slice(0, 2), bitString(Uint8Array.of(0), 1)),
    ],
    ['something after the extensions', /trailing/, () => changed(field.extensions, extensions(), integer(0))],
    [
      'two lists of extensions',
      /trailing/,
      () => changed(7, derEncode(contextTag(3, true), sequenceOf(), sequenceOf())),
    ],
    [
      'an extension twice',
      /2\.5\.29\.17 twice/,
      () => changed(7, extensions(...Array<Uint8Array>(2).fill(extension(subjectAltName, sequenceOf())))),
    ],
    [
      'an unknown extension twice',
      /twice/,
      () => changed(7, extensions(...Array<Uint8Array>(2).fill(extension(oid(1), sequenceOf())))),
    ],
    [
      'criticality of 1',
      /BOOLEAN/,
      () => changed(7, extensions(extension(subjectAltName, sequenceOf(), Uint8Array.of(1, 1, 1)))),
    ],
    ['too large', /more than 65536/, () => changed(7, extensions(extension(oid(1), new Uint8Array(65_536))))],
  ];
  test.each(cases)('%s', async (_, message, make) => {
    const der = await make();
    const detail = refusal(() => parseCertificate(der));
    expect(detail.reason).toBe('BadEncoding');
    expect('what' in detail && detail.what).toMatch(message);
  });
});

test.each([
  ['1', () => crafted(leaf, ca, (fields) => void (fields.splice(7), fields.splice(0, 1)))],
  ['2', () => changed(field.version, derEncode(contextTag(0, true), integer(1)))],
  ['4', () => changed(field.version, derEncode(contextTag(0, true), integer(3)))],
])('version %s is not supported', async (_, make) => {
  const der = await make();
  expect(refusal(() => parseCertificate(der)).reason).toBe('UnsupportedCertVersion');
});

describe('accepted, as it is in use', () => {
  test.each([
    ['serial number zero', field.serialNumber, [integer(0)]],
    ['a negative serial number', field.serialNumber, [integer(0xff)]],
    ['a long serial number', field.serialNumber, [integer(...Array<number>(30).fill(1))]],
    ['no extensions', field.extensions, []],
    ['an empty list of extensions', field.extensions, [extensions()]],
    ['unique identifiers', field.extensions, [Uint8Array.of(0x81, 1, 0), Uint8Array.of(0x82, 1, 0)]],
    ['a criticality that is false', 7, [extensions(extension(subjectAltName, sequenceOf(), Uint8Array.of(1, 1, 0)))]],
  ])('%s', async (_, at, values) => {
    expect(parseCertificate(await changed(at, ...values)).der.length).toBeGreaterThan(100);
  });
});

describe('validity', () => {
  const parse = async (...times: Uint8Array[]) => parseCertificate(await changed(field.validity, sequenceOf(...times)));
  test.each([
    [utcTime('700101000000Z'), 0],
    [utcTime('491231235959Z'), Date.UTC(2049, 11, 31, 23, 59, 59)],
    [utcTime('000229120000Z'), Date.UTC(2000, 1, 29, 12)],
    [generalizedTime('20000101000000Z'), Date.UTC(2000, 0, 1)],
    [generalizedTime('20500101000000Z'), Date.UTC(2050, 0, 1)],
    [generalizedTime('99991231235959Z'), Date.UTC(9999, 11, 31, 23, 59, 59)],
  ])('%s', async (time, millis) => {
    const { notBefore, notAfter } = await parse(time, time);
    expect([notBefore, notAfter]).toEqual([millis, millis]);
  });

  const now = utcTime('260101000000Z');
  test.each([
    ['before 1970', [utcTime('691231235959Z'), now]],
    ['no seconds', [utcTime('2601010000Z'), now]],
    ['an offset', [utcTime('260101000000+0000'), now]],
    ['local time', [utcTime('260101000000'), now]],
    ['a fraction', [generalizedTime('20260101000000.5Z'), now]],
    ['month 13', [utcTime('261301000000Z'), now]],
    ['30 February', [utcTime('260230000000Z'), now]],
    ['29 February of no leap year', [generalizedTime('21000229000000Z'), generalizedTime('22000101000000Z')]],
    ['hour 24', [utcTime('251231240000Z'), now]],
    ['a leap second', [utcTime('251231235960Z'), now]],
    ['letters', [utcTime('2a0101000000Z'), now]],
    ['a year of four digits in UTCTime', [utcTime('20250101000000Z'), now]],
    ['a year of two digits in GeneralizedTime', [generalizedTime('250101000000Z'), now]],
    ['another type', [derEncode(DerTag.ia5String, ascii('250101000000Z')), now]],
    ['one time', [now]],
    ['three times', [now, now, now]],
  ])('refused: %s', async (_, times) => {
    const der = await changed(field.validity, sequenceOf(...times));
    expect(refusal(() => parseCertificate(der)).reason).toBe('BadEncoding');
  });
});

test('validity that ends before it begins', async () => {
  const times = [utcTime('260101000001Z'), utcTime('260101000000Z')];
  const der = await changed(field.validity, sequenceOf(...times));
  const [notBefore, notAfter] = [Date.UTC(2026, 0, 1, 0, 0, 1), Date.UTC(2026, 0, 1)];
  expect(refusal(() => parseCertificate(der))).toMatchObject({ reason: 'InvalidCertValidity', notBefore, notAfter });
});

describe('extensions that path validation acts on', () => {
  const parse = async (id: number, value: Uint8Array) =>
    parseCertificate(await changed(7, extensions(extension(oid(0x55, 0x1d, id), value)))).extensions;
  const boolean = Uint8Array.of(1, 1, 0xff);

  test('basicConstraints', async () => {
    expect((await parse(19, sequenceOf())).basicConstraints).toEqual({ cA: false, pathLenConstraint: undefined });
    expect((await parse(19, sequenceOf(boolean))).basicConstraints?.cA).toBe(true);
    const both = (await parse(19, sequenceOf(boolean, integer(0, 255)))).basicConstraints;
    expect(both).toEqual({ cA: true, pathLenConstraint: 255 });
  });

  test('keyUsage', async () => {
    const set = async (unused: number, ...bits: number[]) => {
      const { keyUsage } = await parse(15, bitString(Uint8Array.from(bits), unused));
      return Object.entries(keyUsage ?? {}).flatMap(([bit, isSet]) => (isSet ? [bit] : []));
    };
    expect(await set(0)).toEqual([]);
    expect(await set(7, 0x80)).toEqual(['digitalSignature']);
    expect(await set(2, 0x04)).toEqual(['keyCertSign']);
    expect(await set(1, 0x7e)).toEqual([
      'nonRepudiation',
      'keyEncipherment',
      'dataEncipherment',
      'keyAgreement',
      'keyCertSign',
      'cRLSign',
    ]);
    expect(await set(7, 0x81, 0x80)).toEqual(['digitalSignature', 'encipherOnly', 'decipherOnly']);
  });

  test.each([
    ['basicConstraints of another type', 19, boolean],
    ['a negative pathLenConstraint', 19, sequenceOf(boolean, integer(0xff))],
    ['a pathLenConstraint over 255', 19, sequenceOf(boolean, integer(1, 0))],
    ['more in basicConstraints', 19, sequenceOf(boolean, integer(0), integer(0))],
    ['something after basicConstraints', 19, Uint8Array.of(...sequenceOf(boolean), 0)],
    ['an empty BIT STRING of unused bits', 15, bitString(Uint8Array.of(), 1)],
    ['a BIT STRING of nothing', 15, derEncode(DerTag.bitString)],
    ['8 unused bits', 15, bitString(Uint8Array.of(0x80), 8)],
    ['unused bits that are set', 15, bitString(Uint8Array.of(0x81), 7)],
    ['a trailing byte of zero bits', 15, bitString(Uint8Array.of(0x80, 0), 0)],
    ['no purposes', 37, sequenceOf()],
    ['a purpose that is no object identifier', 37, sequenceOf(integer(1))],
    ['subjectAltName of another type', 17, integer(1)],
    ['nameConstraints of another type', 30, integer(1)],
  ])('refused: %s', async (_, id, value) => {
    const der = await changed(7, extensions(extension(oid(0x55, 0x1d, id), value)));
    expect(refusal(() => parseCertificate(der)).reason).toBe('BadEncoding');
  });

  test('an object identifier that is not minimal is not the one it looks like', async () => {
    const id = oid(0x55, 0x1d, 0x80, 0x13);
    const der = await changed(7, extensions(extension(id, sequenceOf(boolean), boolean)));
    const parsed = parseCertificate(der).extensions;
    expect(parsed.basicConstraints).toBeUndefined();
    expect(parsed.unhandledCritical).toBe('0x551d8013');
  });
});

describe('a trust anchor', () => {
  test('that is none is left out of a collection, and said so', () => {
    const rubbish = Uint8Array.of(0x30, 0);
    const { anchors, ignored } = trustAnchorsFromCertificates([ca.certificate, rubbish]);
    expect(anchors).toEqual([trustAnchorFromCertificate(ca.certificate)]);
    expect(ignored).toEqual([{ certificate: rubbish, error: expect.any(TlsError) as TlsError }]);
  });

  test('may be of version 1, expired, and have critical extensions that nobody knows', async () => {
    const v1 = await crafted(leaf, ca, (fields) => void (fields.splice(7), fields.splice(0, 1)));
    expect(trustAnchorFromCertificate(v1).subject).toEqual(parseCertificate(leaf).subject);
    const critical = { oid: '1.2.3', critical: true, value: Uint8Array.of() };
    const old = await createCa({ name: 'old', notAfter: new Date(0), notBefore: new Date(0), extensions: [critical] });
    expect(trustAnchorFromCertificate(old.certificate).nameConstraints).toBeUndefined();
  });

  test('has the name constraints of its certificate, and copies of everything', async () => {
    const constraints = { oid: '2.5.29.30', critical: true, value: sequenceOf(integer(1)) };
    // A Buffer's slice() is a view.
    const certificate = Buffer.from((await createCa({ extensions: [constraints] })).certificate);
    const anchor = trustAnchorFromCertificate(certificate);
    expect(anchor.nameConstraints).toEqual(integer(1));
    const before = structuredClone(anchor);
    certificate.fill(0);
    expect(anchor).toEqual(before);
  });
});
