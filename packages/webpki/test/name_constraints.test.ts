/** Name constraints (RFC 5280 section 4.2.1.10), on intermediates and on anchors. */
import { nodeProvider } from '@tyls/crypto-node';
import { cpuClock, createCa, type RawExtension, type TestCa } from '@tyls/testing';
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
import { ascii, atOnce, crafted, field, refusal, sequenceOf } from './craft.ts';

const { algorithms } = nodeProvider().signatureVerification;

let root: TestCa;
beforeAll(async () => {
  root = await createCa({ name: 'root' });
});

const dns = (name: string): Uint8Array => derEncode(contextTag(2, false), ascii(name));
const email = (name: string): Uint8Array => derEncode(contextTag(1, false), ascii(name));
const uri = (name: string): Uint8Array => derEncode(contextTag(6, false), ascii(name));
const ip = (...bytes: number[]): Uint8Array => derEncode(contextTag(7, false), Uint8Array.from(bytes));
const other: Uint8Array = derEncode(
  contextTag(0, true),
  derEncode(DerTag.oid, Uint8Array.of(1)),
  derEncode(contextTag(0, true), derEncode(DerTag.null)),
);
const registered: Uint8Array = derEncode(contextTag(8, false), Uint8Array.of(1, 2));
const attribute = (id: number, tag: number, value: Uint8Array): Uint8Array =>
  derEncode(DerTag.set, sequenceOf(derEncode(DerTag.oid, Uint8Array.of(0x55, 4, id)), derEncode(tag, value)));
const organization = (value: string, tag: number = DerTag.utf8String): Uint8Array => attribute(10, tag, ascii(value));
const directory = (...relativeNames: Uint8Array[]): Uint8Array =>
  derEncode(contextTag(4, true), sequenceOf(...relativeNames));

interface Constraints {
  readonly permitted?: readonly Uint8Array[];
  readonly excluded?: readonly Uint8Array[];
}

function nameConstraints({ permitted, excluded }: Constraints, critical = true): RawExtension {
  const subtrees = (number: number, names: readonly Uint8Array[] | undefined): Uint8Array[] =>
    names === undefined ? [] : [derEncode(contextTag(number, true), ...names.map((name) => sequenceOf(name)))];
  return { oid: '2.5.29.30', critical, value: sequenceOf(...subtrees(0, permitted), ...subtrees(1, excluded)) };
}

const subjectAltName = (...names: Uint8Array[]): RawExtension => ({ oid: '2.5.29.17', value: sequenceOf(...names) });

interface Given {
  readonly names: readonly Uint8Array[];
  readonly constraints: RawExtension;
  readonly policy?: Policy;
}

const directoryPolicy: Policy = { ...defaultPolicy, directoryNameConstraints: 'enforced' };

/** Under an intermediate with the constraints, and again under an anchor that has them: both must say the same. */
async function reasonFor({ names, constraints, policy = directoryPolicy }: Given): Promise<string> {
  const extensions = [constraints];
  const ca = await createCa({ name: 'ca', issuer: root, extensions });
  const endEntity = await ca.issue({ commonName: '', extensions: [subjectAltName(...names)] });
  const verify = (intermediates: readonly TestCa[], anchor: TestCa): string => {
    const roots = rootStore([trustAnchorFromCertificate(anchor.certificate)]);
    const options = { roots, algorithms, purpose: 'serverAuth', now: Date.now(), policy } as const;
    const run = () =>
      atOnce(
        verifyPath({
          ...options,
          endEntity: endEntity.certificate,
          intermediates: intermediates.map(({ certificate }) => certificate),
        }),
      );
    try {
      run();
      return 'valid';
    } catch {
      return refusal(run).reason;
    }
  };
  const reason = verify([ca], root);
  expect(verify([], ca)).toBe(reason);
  return reason;
}

const violation = 'NameConstraintViolation';

async function isWithin(subtree: Uint8Array, name: Uint8Array): Promise<readonly [boolean, boolean]> {
  const permitted = await reasonFor({ names: [name], constraints: nameConstraints({ permitted: [subtree] }) });
  const excluded = await reasonFor({ names: [name], constraints: nameConstraints({ excluded: [subtree] }, false) });
  for (const reason of [permitted, excluded]) expect(['valid', violation]).toContain(reason);
  return [permitted === 'valid', excluded === violation];
}

const inside = [true, true];
const outside = [false, false];
/** Neither permitted nor surely not excluded. */
const unclear = [false, true];

describe('dNSName', () => {
  test.each([
    ['example.com', 'example.com', inside],
    ['example.com', 'EXAMPLE.com', inside],
    ['Example.com', 'a.b.example.com', inside],
    ['example.com', 'bexample.com', outside],
    ['example.com', 'com', outside],
    ['.example.com', 'a.example.com', inside],
    ['.example.com', 'example.com', outside],
    ['', 'example.com', inside],
    ['com', 'example.com', inside],
    ['example.com', '*.example.com', inside],
    ['example.com', '*.a.example.com', inside],
    ['.example.com', '*.example.com', inside],
    ['a.example.com', '*.example.com', unclear],
    ['.a.example.com', '*.example.com', outside],
    ['b.a.example.com', '*.example.com', outside],
    ['example.com', 'a..example.com', unclear],
    ['example.com', '*.com', unclear],
    ['example.com', 'a.*.example.com', unclear],
    ['example.com', 'example.com.', unclear],
    ['example.com', 'b\u00fccher.example.com', unclear],
  ])('within %s: %s', async (subtree, name, expected) => {
    expect(await isWithin(dns(subtree), dns(name))).toEqual(expected);
  });
});

describe('iPAddress', () => {
  const v6 = (...groups: number[]): number[] => groups.flatMap((group) => [group >> 8, group & 0xff]);
  const subnet = ip(192, 0, 2, 0, 255, 255, 255, 0);
  const subnet6 = ip(...v6(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), ...v6(0xffff, 0xffff, 0, 0, 0, 0, 0, 0));
  test.each([
    ['an address in it', subnet, ip(192, 0, 2, 77), inside],
    ['one beside it', subnet, ip(192, 0, 3, 77), outside],
    ['every address', ip(0, 0, 0, 0, 0, 0, 0, 0), ip(203, 0, 113, 9), inside],
    ['a single one', ip(192, 0, 2, 1, 255, 255, 255, 255), ip(192, 0, 2, 1), inside],
    ['a mask within a byte', ip(192, 0, 2, 128, 255, 255, 255, 192), ip(192, 0, 2, 192), outside],
    ['IPv6', subnet6, ip(...v6(0x2001, 0xdb8, 5, 6, 7, 8, 9, 1)), inside],
    ['IPv6 beside it', subnet6, ip(...v6(0x2001, 0xdb9, 0, 0, 0, 0, 0, 1)), outside],
    ['IPv4 within IPv6', ip(...Array<number>(32).fill(0)), ip(192, 0, 2, 1), outside],
    ['no address', subnet, ip(192, 0, 2), unclear],
  ])('%s', async (_, subtree, name, expected) => {
    expect(await isWithin(subtree, name)).toEqual(expected);
  });
});

describe('rfc822Name', () => {
  test.each([
    ['a@example.com', 'a@EXAMPLE.com', inside],
    ['a@example.com', 'A@example.com', outside],
    ['a@example.com', 'a@b.example.com', outside],
    ['example.com', 'a@example.com', inside],
    ['example.com', 'a@b.example.com', outside],
    ['.example.com', 'a@b.example.com', inside],
    ['.example.com', 'a@example.com', outside],
    ['*@example.com', 'a@example.com', outside],
    ['example.com', '"a b"@example.com', inside],
    ['example.com', 'a@b@example.com', unclear],
    ['example.com', 'example.com', unclear],
    ['example.com', 'a@[192.0.2.1]', unclear],
    ['', 'a@b.test', inside],
  ])('within %s: %s', async (subtree, name, expected) => {
    expect(await isWithin(email(subtree), email(name))).toEqual(expected);
  });

  test('in the subject, where there is no subjectAltName', async () => {
    const emailAddress = derEncode(DerTag.oid, Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1));
    const subject = sequenceOf(
      derEncode(DerTag.set, sequenceOf(emailAddress, derEncode(DerTag.ia5String, ascii('a@example.com')))),
    );
    const extensions = [nameConstraints({ excluded: [email('example.com')] })];
    const ca = await createCa({ name: 'ca', issuer: root, extensions });
    const roots = rootStore([trustAnchorFromCertificate(root.certificate)]);
    const verify = (endEntity: Uint8Array) =>
      atOnce(
        verifyPath({
          endEntity,
          intermediates: [ca.certificate],
          roots,
          algorithms,
          purpose: 'clientAuth',
          now: Date.now(),
        }),
      );
    const change = (fields: Uint8Array[]) => void (fields[field.subject] = subject);
    const silent = await crafted((await ca.issue({})).certificate, ca, change);
    expect(refusal(() => verify(silent))).toMatchObject({ reason: violation, name: 'a@example.com', subject: 'CN=ca' });
    const named = await crafted((await ca.issue({ names: ['a.test'] })).certificate, ca, change);
    expect(() => verify(named)).not.toThrow();
  });
});

describe('uniformResourceIdentifier', () => {
  test.each([
    ['example.com', 'https://example.com/a', inside],
    ['example.com', 'https://user@EXAMPLE.com:8443', inside],
    ['example.com', 'https://a.example.com/', outside],
    ['.example.com', 'spiffe://a.example.com/x', inside],
    ['.example.com', 'https://example.com/', outside],
    ['example.com', 'https://b.test/@example.com', outside],
    ['b.test', 'https://b.test\\@example.com/', unclear],
    ['example.com', 'urn:example.com', unclear],
    ['example.com', 'https://192.0.2.1/', unclear],
    ['example.com', 'https://[::1]/', unclear],
    ['example.com', '//example.com/', unclear],
    ['', 'https://b.test', inside],
  ])('within %s: %s', async (subtree, name, expected) => {
    expect(await isWithin(uri(subtree), uri(name))).toEqual(expected);
  });
});

describe('directoryName', () => {
  const country = (value: string): Uint8Array => attribute(6, DerTag.printableString, ascii(value));
  const bmp = (value: string): Uint8Array =>
    attribute(10, 0x1e, Uint8Array.from([...ascii(value)].flatMap((c) => [0, c])));
  const utf8 = (value: string): Uint8Array => attribute(10, DerTag.utf8String, Buffer.from(value));
  test.each<readonly [string, Uint8Array, Uint8Array, readonly boolean[]]>([
    ['the same', directory(organization('A')), directory(organization('A')), inside],
    ['below', directory(country('XX')), directory(country('XX'), organization('A')), inside],
    ['above', directory(country('XX'), organization('A')), directory(country('XX')), outside],
    ['another', directory(organization('A')), directory(organization('B')), outside],
    [
      'in another order',
      directory(country('XX'), organization('A')),
      directory(organization('A'), country('XX')),
      outside,
    ],
    ['anything', directory(), directory(organization('A')), inside],
    ['case and spaces', directory(organization('A  b')), directory(organization(' a B ')), inside],
    [
      'another type of string',
      directory(organization('A')),
      directory(organization('a', DerTag.printableString)),
      inside,
    ],
    ['a BMPString', directory(organization('A')), directory(bmp('a')), inside],
    ['not ASCII', directory(utf8('\u00c4')), directory(utf8('a\u0308')), inside],
    [
      'bytes that are no text',
      directory(attribute(10, DerTag.utf8String, Uint8Array.of(0xff))),
      directory(organization('\u00ff', DerTag.teletexString)),
      outside,
    ],
    ['no name', directory(organization('A')), directory(Uint8Array.of(0x31, 1, 0)), unclear],
  ])('%s', async (_, subtree, name, expected) => {
    expect(await isWithin(subtree, name)).toEqual(expected);
  });

  test('of the subject too', async () => {
    const extensions = [nameConstraints({ permitted: [directory(attribute(3, DerTag.utf8String, ascii('leaf')))] })];
    const ca = await createCa({ name: 'ca', issuer: root, extensions });
    const roots = rootStore([trustAnchorFromCertificate(root.certificate)]);
    const verify = async (commonName: string) => {
      const { certificate: endEntity } = await ca.issue({ commonName, names: ['a.test'] });
      const options = { roots, algorithms, purpose: 'serverAuth', now: Date.now(), policy: directoryPolicy } as const;
      return () => atOnce(verifyPath({ endEntity, intermediates: [ca.certificate], ...options }));
    };
    expect(await verify('leaf')).not.toThrow();
    expect(await verify('')).not.toThrow();
    expect(refusal(await verify('other'))).toMatchObject({ reason: violation, name: 'CN=other', subject: 'CN=ca' });
  });

  test('refuses everything where the policy does not enforce it', async () => {
    const names = [dns('a.test')];
    for (const constraints of [
      nameConstraints({ permitted: [directory(organization('A'))] }),
      nameConstraints({ excluded: [directory(organization('A'))] }),
    ]) {
      expect(await reasonFor({ names, constraints, policy: defaultPolicy })).toBe('UnsupportedNameConstraints');
    }
  });
});

test('names of types that cannot be compared are refused where a subtree has their type, and only there', async () => {
  for (const name of [other, registered]) {
    expect(await isWithin(name, name)).toEqual(unclear);
    expect(await reasonFor({ names: [dns('a.test')], constraints: nameConstraints({ permitted: [name] }) })).toBe(
      'valid',
    );
    expect(await reasonFor({ names: [name], constraints: nameConstraints({ permitted: [dns('a.test')] }) })).toBe(
      'valid',
    );
  }
});

test('one of several permitted subtrees is enough; what is excluded is excluded in spite of them', async () => {
  const constraints = nameConstraints({
    permitted: [dns('a.test'), dns('b.test'), ip(192, 0, 2, 0, 255, 255, 255, 0)],
    excluded: [dns('x.b.test')],
  });
  const reason = (...names: Uint8Array[]) => reasonFor({ names, constraints });
  expect(await reason(dns('a.test'), dns('c.b.test'), ip(192, 0, 2, 1), email('a@c.test'))).toBe('valid');
  expect(await reason(dns('a.test'), dns('c.test'))).toBe(violation);
  expect(await reason(dns('a.test'), dns('x.b.test'))).toBe(violation);
  expect(await reason(dns('a.test'), ip(192, 0, 3, 1))).toBe(violation);
});

describe('malformed constraints refuse whatever is below', () => {
  test.each<readonly [string, Uint8Array]>([
    ['a wildcard', dns('*.example.com')],
    ['an absolute name', dns('example.com.')],
    ['only a dot', dns('.')],
    ['a U-label', dns('b\u00fccher.test')],
    ['two at signs', email('a@b@example.com')],
    ['a URI with a scheme', uri('https://example.com')],
    ['an address without mask', ip(192, 0, 2, 1)],
    ['a sparse mask', ip(192, 0, 2, 0, 255, 0, 255, 0)],
    ['no GeneralName', derEncode(DerTag.null)],
  ])('%s', async (_, subtree) => {
    for (const constraints of [nameConstraints({ permitted: [subtree] }), nameConstraints({ excluded: [subtree] })]) {
      expect(await reasonFor({ names: [dns('a.test')], constraints })).toBe('BadEncoding');
    }
  });

  test('a minimum, a maximum, or something after them', async () => {
    const name = dns('a.test');
    for (const value of [
      sequenceOf(derEncode(contextTag(0, true), sequenceOf(name, Uint8Array.of(0x80, 1, 0)))),
      sequenceOf(derEncode(contextTag(0, true), sequenceOf(name, Uint8Array.of(0x81, 1, 0)))),
      sequenceOf(derEncode(contextTag(2, true))),
    ]) {
      const constraints = { oid: '2.5.29.30', value };
      expect(await reasonFor({ names: [name], constraints })).toBe('BadEncoding');
    }
  });
});

describe('where they count', () => {
  const verify = (endEntity: Uint8Array, intermediates: readonly TestCa[], policy: Policy) => () =>
    atOnce(
      verifyPath({
        endEntity,
        intermediates: intermediates.map(({ certificate }) => certificate),
        roots: rootStore([trustAnchorFromCertificate(root.certificate)]),
        algorithms,
        purpose: 'serverAuth',
        now: Date.now(),
        policy,
      }),
    );
  const extensions = [nameConstraints({ permitted: [dns('a.test')] })];

  test('for every certificate below, not for the CA itself, and not those of an end entity', async () => {
    const names = subjectAltName(dns('b.test'));
    const ca = await createCa({ name: 'ca', issuer: root, extensions: [...extensions, names] });
    const fine = await ca.issue({ names: ['a.test'], extensions: [nameConstraints({ excluded: [dns('a.test')] })] });
    expect(verify(fine.certificate, [ca], defaultPolicy)).not.toThrow();
    const below = await createCa({ name: 'below', issuer: ca, extensions: [names] });
    const { certificate } = await below.issue({ names: ['a.test'] });
    expect(refusal(verify(certificate, [ca, below], defaultPolicy))).toMatchObject({
      reason: violation,
      name: 'b.test',
    });
  });

  test('for self-issued intermediates, unless the policy exempts them', async () => {
    const ca = await createCa({ name: 'ca', issuer: root, extensions });
    const selfIssued = await createCa({ name: 'ca', issuer: ca, extensions: [subjectAltName(dns('b.test'))] });
    const { certificate } = await selfIssued.issue({ names: ['a.test'] });
    const exempt: Policy = { ...defaultPolicy, selfIssuedIntermediates: 'exempt' };
    expect(refusal(verify(certificate, [ca, selfIssued], defaultPolicy)).reason).toBe(violation);
    expect(verify(certificate, [ca, selfIssued], exempt)).not.toThrow();
    const wrong = await selfIssued.issue({ names: ['b.test'] });
    expect(refusal(verify(wrong.certificate, [ca, selfIssued], exempt)).reason).toBe(violation);
  });

  test('another way is taken where the first is constrained', async () => {
    const constrained = await createCa({ name: 'ca', issuer: root, extensions });
    const free = await createCa({ name: 'ca', issuer: root, keyOf: constrained });
    const { certificate } = await free.issue({ names: ['b.test'] });
    for (const ways of [
      [constrained, free],
      [free, constrained],
    ]) {
      expect(verify(certificate, ways, strictPolicy)).not.toThrow();
    }
  });

  test('250 000 comparisons are the end, in less than a second', async () => {
    const many = (count: number, name: string) => Array.from({ length: count }, (_, i) => dns(`${name}${i}.test`));
    const ca = await createCa({
      name: 'ca',
      issuer: root,
      extensions: [nameConstraints({ excluded: many(510, 'x') })],
    });
    const extensionsOf = (count: number) => [subjectAltName(...many(count, 'a'))];
    // The subject is a name too.
    const fine = await ca.issue({ extensions: extensionsOf(489) });
    expect(verify(fine.certificate, [ca], defaultPolicy)).not.toThrow();
    const tooMany = await ca.issue({ extensions: extensionsOf(490) });
    const spent = cpuClock();
    expect(refusal(verify(tooMany.certificate, [ca], defaultPolicy))).toMatchObject({
      reason: 'BudgetExceeded',
      what: 'comparisons with name constraints',
    });
    expect(spent()).toBeLessThan(1000);
  });
});
