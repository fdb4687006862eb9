/** The strict policy: each rule kept, and each broken alone. */
import { nodeProvider } from '@tyls/crypto-node';
import { createCa, type RawExtension, type TestCa } from '@tyls/testing';
import { contextTag, derEncode, DerTag } from '@tyls/tls-core/der';
import {
  defaultPolicy,
  type Policy,
  rootStore,
  strictPolicy,
  trustAnchorFromCertificate,
  verifyPath,
} from '@tyls/webpki';
import { beforeAll, describe, expect, test } from 'vitest';
import { ascii, atOnce, bitString, crafted, field, refusal, sequenceOf } from './craft.ts';
import { integer, oid } from './revocation_craft.ts';

const { algorithms } = nodeProvider().signatureVerification;

let root: TestCa;
let ca: TestCa;
let leaf: Uint8Array;
beforeAll(async () => {
  root = await createCa({ name: 'root' });
  ca = await createCa({ name: 'ca', issuer: root });
  leaf = (await ca.issue({ names: ['a.test'], usage: 'server' })).certificate;
});

interface Path {
  readonly endEntity?: Uint8Array;
  readonly intermediate?: Uint8Array;
  readonly anchor?: Uint8Array;
  readonly policy?: Policy;
}

function verifying({ endEntity = leaf, intermediate = ca.certificate, anchor, policy = strictPolicy }: Path) {
  const options = { algorithms, purpose: 'serverAuth', now: Date.now(), policy } as const;
  const roots = rootStore([trustAnchorFromCertificate(anchor ?? root.certificate)]);
  return () => atOnce(verifyPath({ endEntity, intermediates: [intermediate], roots, ...options }));
}

/** The rule that is broken, which the default policy does not have. */
function brokenRule(path: Path): string {
  expect(verifying({ ...path, policy: defaultPolicy })).not.toThrow();
  const detail = refusal(verifying(path));
  if (detail.reason !== 'PolicyViolation') throw new Error(detail.reason);
  return detail.rule;
}

test('what a test CA issues keeps the rules', () => {
  expect(verifying({})).not.toThrow();
});

test('rules can be left out, and added', () => {
  const rules = strictPolicy.rules.map(({ name }) => name);
  expect(new Set(rules).size).toBe(rules.length);
  const never: Policy = {
    ...defaultPolicy,
    rules: [{ name: 'never', check: (_, { role }) => (role === 'intermediate' ? 'it is one' : undefined) }],
  };
  expect(refusal(verifying({ policy: never }))).toEqual({
    reason: 'PolicyViolation',
    rule: 'never',
    why: 'it is one',
    subject: 'CN=ca',
    code: 'InvalidCertificate',
  });
});

type Change = (fields: Uint8Array[]) => void;
const changedLeaf = (change: Change): Promise<Uint8Array> => crafted(leaf, ca, change);
const changedCa = (change: Change): Promise<Uint8Array> => crafted(ca.certificate, root, change);
const changedRoot = (change: Change): Promise<Uint8Array> => crafted(root.certificate, root, change);
const without = (id: string): RawExtension => ({ oid: id, value: undefined });
const attribute = (value: string): Uint8Array =>
  derEncode(DerTag.set, sequenceOf(oid('2.5.4.3'), derEncode(DerTag.utf8String, ascii(value))));
const dns = (name: string): Uint8Array => derEncode(contextTag(2, false), ascii(name));
const san = (critical: boolean, ...names: Uint8Array[]): RawExtension => ({
  oid: '2.5.29.17',
  critical,
  value: sequenceOf(...names),
});

const asLeaf = async (...extensions: RawExtension[]): Promise<Path> => ({
  endEntity: (await ca.issue({ names: ['a.test'], usage: 'server', extensions })).certificate,
});
const asCa = async (...extensions: RawExtension[]): Promise<Path> => ({
  intermediate: (await createCa({ name: 'ca', issuer: root, keyOf: ca, extensions })).certificate,
});
const asRoot = async (...extensions: RawExtension[]): Promise<Path> => ({
  anchor: (await createCa({ name: 'root', keyOf: root, extensions })).certificate,
});
const named = async (commonName: string, ...names: string[]): Promise<Path> => ({
  endEntity: (await ca.issue({ commonName, names, usage: 'server' })).certificate,
});

const keyId = (...bytes: number[]): Uint8Array => derEncode(contextTag(0, false), Uint8Array.from(bytes));

describe('broken', () => {
  const cases: readonly (readonly [rule: string, what: string, make: () => Promise<Path>])[] = [
    ['serialNumber', 'zero', async () => ({ endEntity: await changedLeaf((f) => void (f[1] = integer(0))) })],
    ['serialNumber', 'negative', async () => ({ endEntity: await changedLeaf((f) => void (f[1] = integer(0x80))) })],
    [
      'serialNumber',
      'long',
      async () => ({ intermediate: await changedCa((f) => void (f[1] = integer(...Array<number>(21).fill(1)))) }),
    ],
    ['authorityKeyIdentifier', 'missing', () => asLeaf(without('2.5.29.35'))],
    ['authorityKeyIdentifier', 'missing of a CA', () => asCa(without('2.5.29.35'))],
    [
      'authorityKeyIdentifier',
      'critical',
      () => asRoot({ oid: '2.5.29.35', critical: true, value: sequenceOf(keyId(1)) }),
    ],
    ['authorityKeyIdentifier', 'empty', () => asLeaf({ oid: '2.5.29.35', value: sequenceOf() })],
    [
      'authorityKeyIdentifier',
      'with a serial number',
      () =>
        asLeaf({ oid: '2.5.29.35', value: sequenceOf(keyId(1), derEncode(contextTag(2, false), Uint8Array.of(1))) }),
    ],
    ['authorityKeyIdentifier', 'another of a root', () => asRoot({ oid: '2.5.29.35', value: sequenceOf(keyId(1)) })],
    ['subjectKeyIdentifier', 'missing of a CA', () => asCa(without('2.5.29.14'))],
    ['subjectKeyIdentifier', 'missing of a root', () => asRoot(without('2.5.29.14'), without('2.5.29.35'))],
    [
      'subjectKeyIdentifier',
      'critical',
      () =>
        asRoot(
          { oid: '2.5.29.14', critical: true, value: derEncode(DerTag.octetString, Uint8Array.of(1)) },
          without('2.5.29.35'),
        ),
    ],
    [
      'basicConstraints',
      'not critical of a CA',
      () => asCa({ oid: '2.5.29.19', value: sequenceOf(Uint8Array.of(1, 1, 0xff)) }),
    ],
    ['basicConstraints', 'missing of a root', () => asRoot(without('2.5.29.19'))],
    [
      'basicConstraints',
      'a path length of an end entity',
      () => asLeaf({ oid: '2.5.29.19', critical: true, value: sequenceOf(integer(1)) }),
    ],
    [
      'keyUsage',
      'of a root, without keyCertSign',
      () => asRoot({ oid: '2.5.29.15', critical: true, value: bitString(Uint8Array.of(0x02), 1) }),
    ],
    ['extendedKeyUsage', 'missing', () => asLeaf(without('2.5.29.37'))],
    [
      'extendedKeyUsage',
      'critical',
      () => asLeaf({ oid: '2.5.29.37', critical: true, value: sequenceOf(oid('1.3.6.1.5.5.7.3.1')) }),
    ],
    [
      'extendedKeyUsage',
      'for anything',
      () => asLeaf({ oid: '2.5.29.37', value: sequenceOf(oid('1.3.6.1.5.5.7.3.1'), oid('2.5.29.37.0')) }),
    ],
    ['extendedKeyUsage', 'of a root', () => asRoot({ oid: '2.5.29.37', value: sequenceOf(oid('1.3.6.1.5.5.7.3.1')) })],
    ['subjectAltName', 'missing', () => asLeaf(without('2.5.29.17'))],
    ['subjectAltName', 'critical', () => asLeaf(san(true, dns('a.test')))],
    [
      'subjectAltName',
      'not critical without a subject',
      async () => ({
        endEntity: (await ca.issue({ commonName: '', usage: 'server', extensions: [san(false, dns('a.test'))] }))
          .certificate,
      }),
    ],
    ['subjectAltName', 'an underscore', () => asLeaf(san(false, dns('a.test'), dns('a_b.test')))],
    ['commonName', 'of another host', () => named('b.test', 'a.test')],
    ['commonName', 'in another case', () => named('A.test', 'a.test')],
    ['commonName', 'of another address', () => named('192.0.2.2', '192.0.2.1')],
    ['commonName', 'an address in another form', () => named('192.000.002.001', '192.0.2.1')],
    ['commonName', 'an address in hexadecimal', () => named('0xC0000201', '192.0.2.1')],
    ['commonName', 'an address of IPv6 in upper case', () => named('2001:DB8::1', '2001:db8::1')],
    [
      'commonName',
      'several',
      async () => ({
        endEntity: await changedLeaf(
          (f) => void (f[field.subject] = sequenceOf(attribute('a.test'), attribute('a.test'))),
        ),
      }),
    ],
    ['nameConstraints', 'of an end entity', () => asLeaf({ oid: '2.5.29.30', critical: true, value: sequenceOf() })],
    ['nameConstraints', 'empty', () => asCa({ oid: '2.5.29.30', critical: true, value: sequenceOf() })],
    [
      'nameConstraints',
      'with a leading dot',
      () =>
        asCa({
          oid: '2.5.29.30',
          critical: true,
          value: sequenceOf(derEncode(contextTag(1, true), sequenceOf(dns('.b.test')))),
        }),
    ],
    ['policyConstraints', 'not critical', () => asCa({ oid: '2.5.29.36', value: sequenceOf() })],
    ['authorityInfoAccess', 'empty', () => asLeaf({ oid: '1.3.6.1.5.5.7.1.1', value: sequenceOf() })],
    [
      'anchorValidity',
      'expired',
      async () => ({
        anchor: (await createCa({ name: 'root', keyOf: root, notAfter: new Date(Date.now() - 1000) })).certificate,
      }),
    ],
    ['anchorExtensions', 'unknown', () => asRoot({ oid: '1.2.3', critical: true, value: sequenceOf() })],
  ];
  test.each(cases)('%s: %s', async (rule, _, make) => {
    expect(brokenRule(await make())).toBe(rule);
  });

  test('names: a CA without a name', async () => {
    const nameless = await changedRoot(
      (f) => void ((f[field.issuer] = sequenceOf()), (f[field.subject] = sequenceOf())),
    );
    const anchor = trustAnchorFromCertificate(nameless);
    expect(anchor.subject).toHaveLength(0);
    const intermediate = await changedCa((f) => void (f[field.issuer] = sequenceOf()));
    expect(brokenRule({ anchor: nameless, intermediate })).toBe('names');
  });
});

describe('publicKey', () => {
  const withKey = async (algorithm: Uint8Array, key: Uint8Array): Promise<Path> => ({
    endEntity: await changedLeaf((f) => void (f[field.subjectPublicKeyInfo] = sequenceOf(algorithm, bitString(key)))),
  });
  const rsa = sequenceOf(oid('1.2.840.113549.1.1.1'), derEncode(DerTag.null));
  const modulus = (bits: number): Uint8Array => {
    const bytes = new Uint8Array(Math.ceil(bits / 8)).fill(0xff);
    bytes[0] = 0xff >> (8 * bytes.length - bits);
    return bits % 8 === 0 ? integer(0, ...bytes) : integer(...bytes);
  };

  test.each([
    [1024, [1, 0, 1]],
    [2047, [1, 0, 1]],
    [2052, [1, 0, 1]],
    [2048, [1]],
    [2048, [1, 0, 0]],
  ])('not RSA of %d bits and exponent %j', async (bits, exponent) => {
    expect(brokenRule(await withKey(rsa, sequenceOf(modulus(bits), integer(...exponent))))).toBe('publicKey');
  });

  test('RSA of 2048 bits or more', async () => {
    expect(verifying(await withKey(rsa, sequenceOf(modulus(2048), integer(1, 0, 1))))).not.toThrow();
    expect(verifying(await withKey(rsa, sequenceOf(modulus(2056), integer(3))))).not.toThrow();
  });

  test('other curves and algorithms', async () => {
    const p192 = sequenceOf(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.1'));
    const explicit = sequenceOf(oid('1.2.840.10045.2.1'), sequenceOf());
    const dsa = sequenceOf(oid('1.2.840.10040.4.1'));
    for (const algorithm of [p192, explicit, dsa]) {
      expect(brokenRule(await withKey(algorithm, Uint8Array.of(4)))).toBe('publicKey');
    }
    expect(verifying(await withKey(sequenceOf(oid('1.3.101.112')), new Uint8Array(32)))).not.toThrow();
  });

  test('what cannot be parsed', async () => {
    expect(refusal(verifying(await withKey(rsa, Uint8Array.of(0x30)))).reason).toBe('BadEncoding');
    const broken = await asLeaf({ oid: '1.3.6.1.5.5.7.1.1', value: sequenceOf(integer(1)) });
    expect(refusal(verifying(broken)).reason).toBe('BadEncoding');
  });
});

describe('kept', () => {
  test.each([
    ['the domain that all names are below', 'test', ['a.test', '*.b.test']],
    ['a name beside addresses', 'b.test', ['192.0.2.1']],
    ['an address of IPv4', '192.0.2.1', ['192.0.2.1', 'a.test']],
    ['an address of IPv6', '2001:db8::1', ['2001:db8::1']],
    ['no commonName', '', ['a.test']],
  ])('commonName: %s', async (_, commonName, names) => {
    expect(verifying(await named(commonName, ...names))).not.toThrow();
  });

  test('by a root that is known without its certificate', async () => {
    const { certificate: _, ...anchor } = trustAnchorFromCertificate((await asRoot(without('2.5.29.19'))).anchor!);
    const options = { algorithms, purpose: 'serverAuth', now: Date.now(), policy: strictPolicy } as const;
    const run = () =>
      atOnce(verifyPath({ endEntity: leaf, intermediates: [ca.certificate], roots: rootStore([anchor]), ...options }));
    expect(run).not.toThrow();
  });

  test('by a root that was cross-signed, without authorityKeyIdentifier', async () => {
    expect(verifying(await asRoot(without('2.5.29.35')))).not.toThrow();
  });
});
