/** The generator: what it reads, in the formats of its sources, and what it writes. */
import { createHash } from 'node:crypto';
import { createCa, type TestCa } from '@tyls/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { rootsFromCcadb } from '../scripts/ccadb.mjs';
import { rootsFromCertdata } from '../scripts/certdata.mjs';
import { generate, type Root, withOverlay } from '../scripts/generate.mjs';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let a: TestCa;
let b: TestCa;
let constrained: TestCa;
beforeAll(async () => {
  const constraints = { oid: '2.5.29.30', critical: true, value: Uint8Array.of(0x30, 2, 5, 0) };
  a = await createCa({ name: 'a */ \n escaped' });
  b = await createCa({ name: 'b', notAfter: new Date('2051-06-07T00:00:00Z') });
  constrained = await createCa({ name: 'a', extensions: [constraints] });
});

const rootOf = ({ certificate }: TestCa): Root => ({ certificate });

describe('what is written', () => {
  test('is the same for the same roots in any order', async () => {
    const roots = [a, b, constrained, await createCa({ name: 'a' })].map(rootOf);
    const once = generate(roots, 'a test', '2026-01-02');
    expect(generate(roots.toReversed(), 'a test', '2026-01-02')).toEqual(once);
    expect(generate([...roots, ...roots], 'a test', '2026-01-02')).toEqual(once);
    expect(once.hashes.trim().split('\n')).toHaveLength(4);
  });

  test('says what the roots are and where they are from', () => {
    const { code, hashes } = generate([rootOf(a), rootOf(b)], 'a test', '2026-01-02');
    expect(code).toContain('2 root certificates, from a test, read on 2026-01-02.');
    expect(code).toContain(`  // CN=b, until 2051-06-07\n  // ${sha256(b.certificate)}\n`);
    expect(code).toContain('  // CN=a */ \\0a escaped, until ');
    expect(hashes).toContain(`${sha256(b.certificate)} `);
  });

  test('keeps name constraints and dates', () => {
    const distrustAfter = Date.UTC(2026, 3, 15);
    const fields = (root: Root) =>
      generate([root], 'a test', '2026-01-02')
        .code.match(/^ {4}.*,$/gm)!
        .slice(2);
    expect(fields(rootOf(a))).toEqual([]);
    expect(fields(rootOf(constrained))).toEqual([`    '${Buffer.from([5, 0]).toString('base64').replace('=', '')}',`]);
    expect(fields({ ...rootOf(a), distrustAfter })).toEqual(["    '',", `    ${distrustAfter},`]);
    const permittedDnsNames = ['.tr', 'a.test'];
    const [text] = fields({ ...rootOf(a), permittedDnsNames });
    const der = Buffer.from(text!.slice(5, -2), 'base64').toString('latin1');
    expect(der).toBe('\xa0\x11\x30\x05\x82\x03.tr\x30\x08\x82\x06a.test');
    expect(() => fields({ ...rootOf(constrained), permittedDnsNames })).toThrow(/name constraints/);
  });
});

describe('an overlay', () => {
  const day = '2026-04-15T23:59:59Z';

  test('adds dates and constraints, by the hash of the certificate', () => {
    const overlay = {
      [sha256(a.certificate)]: { distrustAfter: day },
      [sha256(b.certificate)]: { permittedDnsNames: ['.tr'] },
      ['0'.repeat(64)]: { distrustAfter: day },
    };
    expect(withOverlay([a, b, constrained].map(rootOf), overlay)).toEqual([
      { ...rootOf(a), distrustAfter: Date.parse(day) },
      { ...rootOf(b), permittedDnsNames: ['.tr'] },
      rootOf(constrained),
    ]);
  });

  test('makes nothing later, and its dates must be dates', () => {
    const earlier = { ...rootOf(a), distrustAfter: 1 };
    const hash = sha256(a.certificate);
    expect(withOverlay([earlier], { [hash]: { distrustAfter: day } })).toEqual([earlier]);
    expect(() => withOverlay([rootOf(a)], { [hash]: { distrustAfter: 'soon' } })).toThrow(/not a time: soon/);
  });
});

describe('certdata.txt', () => {
  const octal = (bytes: Uint8Array): string => {
    const digits = Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, '0')}`);
    return Array.from({ length: Math.ceil(digits.length / 16) }, (_, i) =>
      digits.slice(16 * i, 16 * i + 16).join(''),
    ).join('\n');
  };
  const multiline = (name: string, bytes: Uint8Array): string => `${name} MULTILINE_OCTAL\n${octal(bytes)}\nEND`;
  const distrust = (text: string): string => multiline('CKA_NSS_SERVER_DISTRUST_AFTER', Buffer.from(text));
  const never = 'CKA_NSS_SERVER_DISTRUST_AFTER CK_BBOOL CK_FALSE';
  const head = ['# Comments come first.', 'CVS_ID "@(#) $RCSfile$"', 'BEGINDATA'];
  const list = ['CKA_CLASS CK_OBJECT_CLASS CKO_NSS_BUILTIN_ROOT_LIST', 'CKA_LABEL UTF8 "Mozilla Builtin Roots"', ''];

  interface Fields {
    readonly inCertificate?: string;
    readonly inTrust?: string;
    readonly trust?: string;
    readonly trustClass?: string;
    readonly hashOf?: TestCa;
  }

  /** A certificate and its trust, as they stand there; issuer and serial number make a pair of them. */
  const entry = (ca: TestCa, number: number, fields: Fields = {}): string[] => {
    const {
      inCertificate = never,
      inTrust,
      trust = 'CKA_TRUST_SERVER_AUTH CK_TRUST CKT_NSS_TRUSTED_DELEGATOR',
    } = fields;
    const pair = [
      multiline('CKA_ISSUER', Uint8Array.of(0x30, 0)),
      multiline('CKA_SERIAL_NUMBER', Uint8Array.of(2, 1, number)),
    ];
    return [
      '#',
      '# Certificate "Some Root"',
      'CKA_CLASS CK_OBJECT_CLASS CKO_CERTIFICATE',
      'CKA_TOKEN CK_BBOOL CK_TRUE',
      'CKA_LABEL UTF8 "Some Root"',
      'CKA_ID UTF8 "0"',
      ...pair,
      multiline('CKA_VALUE', ca.certificate),
      'CKA_NSS_MOZILLA_CA_POLICY CK_BBOOL CK_TRUE',
      inCertificate,
      '',
      '# Trust for "Some Root"',
      `CKA_CLASS CK_OBJECT_CLASS ${fields.trustClass ?? 'CKO_NSS_TRUST'}`,
      'CKA_LABEL UTF8 "Some Root"',
      multiline(
        'CKA_CERT_SHA1_HASH',
        createHash('sha1')
          .update((fields.hashOf ?? ca).certificate)
          .digest(),
      ),
      ...pair,
      ...(inTrust === undefined ? [] : ['# For Server Distrust After: some day', inTrust]),
      trust,
      'CKA_TRUST_EMAIL_PROTECTION CK_TRUST CKT_NSS_MUST_VERIFY_TRUST',
      '',
    ];
  };
  const read = (...entries: string[][]): Root[] => rootsFromCertdata([...head, ...list, ...entries.flat()].join('\n'));

  test('gives the certificates that are trusted for servers', () => {
    const email = { trust: 'CKA_TRUST_SERVER_AUTH CK_TRUST CKT_NSS_MUST_VERIFY_TRUST' };
    const distrusted = { trust: 'CKA_TRUST_SERVER_AUTH CK_TRUST CKT_NSS_NOT_TRUSTED' };
    const standard = { trustClass: 'CKO_TRUST', trust: 'CKA_PKCS_TRUST_SERVER_AUTH CK_TRUST CKT_TRUST_ANCHOR' };
    const found = read(entry(a, 1), entry(b, 2, email), entry(b, 3, distrusted), entry(constrained, 4, standard));
    expect(found.map(({ certificate }) => new Uint8Array(certificate))).toEqual([
      a.certificate,
      constrained.certificate,
    ]);
    expect(found.every((root) => root.distrustAfter === undefined)).toBe(true);
  });

  test('has dates in the certificate or in its trust, and the earlier one counts', () => {
    const dates = read(
      entry(a, 1, { inCertificate: distrust('241130235959Z') }),
      entry(b, 2, { inTrust: distrust('260415235959Z') }),
      entry(constrained, 3, { inCertificate: distrust('260415235959Z'), inTrust: distrust('250415235959Z') }),
    ).map(({ distrustAfter }) => distrustAfter);
    expect(dates).toEqual([
      Date.UTC(2024, 10, 30, 23, 59, 59),
      Date.UTC(2026, 3, 15, 23, 59, 59),
      Date.UTC(2025, 3, 15, 23, 59, 59),
    ]);
  });

  test('is refused where it is not understood', () => {
    expect(() => rootsFromCertdata('')).toThrow(/BEGINDATA/);
    expect(() => read(['something else'])).toThrow(/line 7: neither/);
    expect(() => read(entry(a, 1).slice(0, 12))).toThrow(/nothing says whether "Some Root" is trusted/);
    expect(() => read(entry(a, 1, { hashOf: b }))).toThrow(/in another certificate/);
    expect(() => read(entry(a, 1, { inTrust: distrust('soon') }))).toThrow(/not a time/);
    expect(() =>
      read(['CKA_CLASS CK_OBJECT_CLASS CKO_CERTIFICATE', 'CKA_VALUE MULTILINE_OCTAL', '\\999', 'END']),
    ).toThrow(/no octal/);
    expect(() => read(['CKA_CLASS CK_OBJECT_CLASS CKO_CERTIFICATE', 'CKA_ID UTF8 "0"', 'CKA_ID UTF8 "0"'])).toThrow(
      /out of place/,
    );
  });
});

describe("the CCADB's report", () => {
  const columns = [
    'CA Owner',
    'Common Name or Certificate Name',
    'SHA-256 Fingerprint',
    'Trust Bits',
    'Distrust for TLS After Date',
    'Mozilla Applied Constraints',
    'PEM Info',
  ];
  const quoted = (fields: readonly string[]): string =>
    fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(',');
  const row = (ca: TestCa, bits: string, date = '', constraints = ''): string =>
    quoted(['Some, "Owner"', 'Some Root', sha256(ca.certificate), bits, date, constraints, `'${ca.certificatePem}'`]);

  test('gives the certificates that are trusted for websites, with dates and constraints', () => {
    const report = [
      quoted(columns),
      row(a, 'Email;Websites', '2024.11.30'),
      row(b, 'Email'),
      row(constrained, 'Websites', '', '*.tr, *.gov.test'),
      '',
    ];
    for (const end of ['\n', '\r\n']) {
      expect(rootsFromCcadb(report.join(end))).toEqual([
        { ...rootOf(a), distrustAfter: Date.UTC(2024, 10, 30, 23, 59, 59) },
        { ...rootOf(constrained), permittedDnsNames: ['.tr', '.gov.test'] },
      ]);
    }
  });

  test('is refused where it is not understood', () => {
    const read = (...lines: string[]) => rootsFromCcadb([quoted(columns), ...lines].join('\n'));
    expect(() => rootsFromCcadb('"Trust Bits"\n')).toThrow(/no column PEM Info/);
    expect(() => read('"a","b"')).toThrow(/a row of 2 fields/);
    expect(() => read('"a')).toThrow(/no CSV/);
    expect(() => read(row(a, 'Websites', 'soon'))).toThrow(/not a date: soon/);
    expect(() => read(row(a, 'Websites').replace('BEGIN CERTIFICATE', 'BEGIN'))).toThrow(TypeError);
  });
});
