/** Whatever a peer sends, verification ends soon, and refuses with an error that says it is the certificate's fault. */
import { nodeProvider } from '@tyls/crypto-node';
import { isTlsError, parseServerName } from '@tyls/tls-core';
import { contextTag, derEncode, DerTag } from '@tyls/tls-core/der';
import { cpuClock, createCa, type TestCa } from '@tyls/testing';
import {
  type Certificate,
  parseCertificate,
  parseCertRevocationList,
  parseLogList,
  rootStore,
  serverCertVerifier,
  strictPolicy,
  trustAnchorsFromCertificates,
} from '@tyls/webpki';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { atOnce, bitString, crafted, elementsOf, field, sequenceOf } from './craft.ts';
import { crlBy } from './revocation_craft.ts';
import { TestLog } from './sct_craft.ts';

const provider = nodeProvider();
const serverName = parseServerName('a.test');
let chain: readonly [Uint8Array, ...Uint8Array[]];
let root: TestCa;
let ca: TestCa;
let verifier: ReturnType<typeof serverCertVerifier>;

beforeAll(async () => {
  root = await createCa({ name: 'root' });
  ca = await createCa({ name: 'ca', issuer: root, pathLength: 0 });
  const identity = await ca.issue({ names: ['a.test', '192.0.2.1', '*.b.test'] });
  chain = identity.chain as [Uint8Array, ...Uint8Array[]];
  verifier = serverCertVerifier({ roots: rootStore(root.certificatePem), provider });
});

function verify([endEntity, ...intermediates]: readonly [Uint8Array, ...Uint8Array[]]): 'accepted' | 'refused' {
  try {
    const now = Date.now();
    atOnce(
      verifier.verifyServerCert({
        endEntity,
        intermediates,
        serverName,
        ocspResponse: undefined,
        sctList: undefined,
        now,
      }),
    );
    return 'accepted';
  } catch (error) {
    const isRefusal = isTlsError(error) && error.detail.code === 'InvalidCertificate' && error.message.length < 2000;
    if (isRefusal) return 'refused';
    throw error;
  }
}

test('the chain that the others are made of is accepted', () => {
  expect(verify(chain)).toBe('accepted');
});

const tagged = (content: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc
    .constantFrom(...Object.values(DerTag), 0x80, 0x81, 0x82, 0x86, 0x87, 0xa0, 0xa1, 0xa3, 0xa4)
    .map((tag) => derEncode(tag, content));

describe('refused, by an error of the certificate', () => {
  test('any one byte of the end entity or its issuer changed', () => {
    for (const [i, certificate] of chain.entries()) {
      for (let at = 0; at < certificate.length; at++) {
        const changed = chain.with(i, certificate.with(at, certificate[at]! ^ 0x01)) as [Uint8Array, ...Uint8Array[]];
        expect(verify(changed), `certificate ${i}, byte ${at}`).toBe('refused');
      }
    }
  });

  test('cut off anywhere', () => {
    for (const [i, certificate] of chain.entries()) {
      for (let length = 0; length < certificate.length; length++) {
        const cut = chain.with(i, certificate.subarray(0, length)) as [Uint8Array, ...Uint8Array[]];
        expect(verify(cut), `certificate ${i}, ${length} bytes`).toBe('refused');
      }
    }
  });

  test('any bytes', () => {
    const certificate = fc.uint8Array({ maxLength: 400 });
    fc.assert(
      fc.property(certificate, fc.array(certificate, { maxLength: 3 }), (endEntity, intermediates) => {
        expect(verify([endEntity, ...intermediates])).toBe('refused');
      }),
    );
  });

  test('pieces changed, removed or repeated', () => {
    const change = fc.record({
      which: fc.nat({ max: 1 }),
      at: fc.nat({ max: 500 }),
      removed: fc.nat({ max: 20 }),
      inserted: fc.uint8Array({ maxLength: 20 }),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const certificates = chain.map((certificate) => [...certificate]);
        for (const { which, at, removed, inserted } of changes) certificates[which]!.splice(at, removed, ...inserted);
        const [endEntity, ...rest] = certificates.map((bytes) => Uint8Array.from(bytes));
        const isTheSame = chain.every((one, i) => Buffer.compare(one, [endEntity!, ...rest][i]!) === 0);
        expect(verify([endEntity!, ...rest])).toBe(isTheSame ? 'accepted' : 'refused');
      }),
      { numRuns: 500 },
    );
  });
});

test('a parser gives back what it read, or refuses', () => {
  const change = fc.record({
    at: fc.nat({ max: 500 }),
    removed: fc.nat({ max: 3 }),
    inserted: fc.uint8Array({ maxLength: 3 }),
  });
  let accepted = 0;
  fc.assert(
    fc.property(fc.constantFrom(...chain), fc.array(change, { maxLength: 2 }), (certificate, changes) => {
      const bytes = [...certificate];
      for (const { at, removed, inserted } of changes) bytes.splice(at, removed, ...inserted);
      const der = Uint8Array.from(bytes);
      let parsed: Certificate;
      try {
        parsed = parseCertificate(der);
      } catch (error) {
        if (isTlsError(error) && error.detail.code === 'InvalidCertificate') return;
        throw error;
      }
      accepted++;
      const { data, algorithm, signature } = parsed.signedData;
      expect(sequenceOf(data, sequenceOf(algorithm), bitString(signature))).toEqual(der);
      const [, serialNumber, , issuer, , subject, key] = elementsOf(data);
      expect(derEncode(DerTag.integer, parsed.serialNumber)).toEqual(serialNumber);
      expect([issuer, subject, key]).toEqual(
        [parsed.issuer, parsed.subject, parsed.subjectPublicKeyInfo].map((content) => sequenceOf(content)),
      );
    }),
    { numRuns: 1000 },
  );
  expect(accepted).toBeGreaterThan(100);
});

test('extensions of any content, signed again, are accepted or refused by every check there is', async () => {
  const oids = ['14', '15', '17', '19', '30', '31', '35', '36', '37'].map((last) => `2.5.29.${last}`);
  const others = ['1.3.6.1.5.5.7.1.1', '1.3.6.1.5.5.7.1.24', '1.3.6.1.4.1.11129.2.4.2'];
  const leafElement = fc.uint8Array({ maxLength: 12 }).chain((content) => tagged(content));
  const element = fc.array(leafElement, { maxLength: 3 }).chain((list) => tagged(Buffer.concat(list)));
  const value = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.array(element, { maxLength: 3 }).map((list) => sequenceOf(...list)),
  );
  const log = new TestLog('Alpha', 'alpha');
  const crls = [await crlBy(ca), await crlBy(root)].map((der) => parseCertRevocationList(der));
  const strict = serverCertVerifier({
    roots: rootStore(root.certificatePem),
    provider,
    policy: { ...strictPolicy, isPublicSuffix: (domain) => domain === 'test' },
    revocation: { crls, unknownStatus: 'allow' },
    ocsp: 'ifStapled',
    transparency: { logList: parseLogList({ operators: [{ name: 'Alpha', logs: [log.listed()] }] }) },
  });
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.record({ oid: fc.constantFrom(...oids, ...others), critical: fc.boolean(), value }),
      fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined }),
      fc.boolean(),
      async (extension, ocspResponse, inCa) => {
        const extensions = [extension];
        const issuer = inCa ? await createCa({ name: 'ca', issuer: root, keyOf: ca, extensions }) : ca;
        const identity = await issuer.issue({ names: ['a.test'], usage: 'server', extensions: inCa ? [] : extensions });
        const [endEntity, ...intermediates] = identity.chain as [Uint8Array, ...Uint8Array[]];
        const certificates = {
          endEntity,
          intermediates,
          serverName,
          ocspResponse,
          sctList: undefined,
          now: Date.now(),
        };
        for (const one of [verifier, strict]) {
          try {
            atOnce(one.verifyServerCert(certificates));
            seen.add('accepted');
          } catch (error) {
            if (!isTlsError(error) || error.message.length > 3000) throw error;
            if (!/^InvalidCert(ificate|RevocationList)$/.test(error.detail.code)) throw error;
            seen.add(error.code);
          }
        }
      },
    ),
    { numRuns: 150 },
  );
  expect(seen.size).toBeGreaterThan(3);
}, 30_000);

test('fields changed and signed again, so that only the parser stands in the way, are accepted or refused', async () => {
  const element = fc
    .uint8Array({ maxLength: 30 })
    .chain((content) =>
      fc.constantFrom(...Object.values(DerTag), 0x80, 0xa0, 0xa3, 0x82).map((tag) => derEncode(tag, content)),
    );
  const at = fc.constantFrom(...Object.values(field));
  const [endEntity, intermediate] = chain as [Uint8Array, Uint8Array];
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(at, fc.array(element, { maxLength: 3 }), async (index, elements) => {
      const change = (fields: Uint8Array[]) => void fields.splice(index, 1, ...elements);
      seen.add(verify([await crafted(endEntity, ca, change), intermediate]));
      const changed = await crafted(intermediate, root, change);
      seen.add(verify([endEntity, changed]));
      trustAnchorsFromCertificates([changed]);
    }),
    { numRuns: 300 },
  );
  expect(seen).toContain('refused');
});

describe('what is made to take long ends in under a second', () => {
  const nested = (depth: number): Uint8Array => {
    let der: Uint8Array = new Uint8Array();
    for (let i = 0; i < depth; i++) der = sequenceOf(der);
    return der;
  };
  const many = (element: Uint8Array, length: number): Uint8Array[] =>
    Array<Uint8Array>(Math.floor(length / element.length)).fill(element);
  const inField = (at: number, ...elements: Uint8Array[]) =>
    crafted(chain[0], ca, (fields) => void fields.splice(at, 1, ...elements));
  const extension = (id: number, value: Uint8Array): Uint8Array =>
    sequenceOf(Uint8Array.of(6, 3, 0x55, 0x1d, id), derEncode(DerTag.octetString, value));
  const inExtensions = (...list: Uint8Array[]) =>
    inField(field.extensions, derEncode(contextTag(3, true), sequenceOf(...list)));
  const attribute = (text: string) =>
    derEncode(DerTag.set, sequenceOf(Uint8Array.of(6, 3, 0x55, 4, 3), derEncode(DerTag.utf8String, Buffer.from(text))));

  const cases: readonly (readonly [string, () => Promise<Uint8Array> | Uint8Array])[] = [
    ['deeply nested', () => nested(10_000)],
    ['a deeply nested name', () => inField(field.issuer, nested(10_000))],
    ['a long name', () => inField(field.issuer, sequenceOf(...many(attribute('a'), 60_000)))],
    ['a name of one long value', () => inField(field.issuer, sequenceOf(attribute('a'.repeat(60_000))))],
    [
      'a long time',
      () => inField(field.validity, sequenceOf(derEncode(DerTag.utcTime, new Uint8Array(60_000).fill(0x31)))),
    ],
    ['one extension over and over', () => inExtensions(...many(extension(1, new Uint8Array()), 60_000))],
    ['many names', () => inExtensions(extension(17, sequenceOf(...many(Uint8Array.of(0x82, 1, 0x61), 60_000))))],
    [
      'one long name',
      () => inExtensions(extension(17, sequenceOf(derEncode(0x82, new Uint8Array(60_000).fill(0x2d))))),
    ],
    ['many purposes', () => inExtensions(extension(37, sequenceOf(...many(Uint8Array.of(6, 1, 1), 60_000))))],
    [
      'a long purpose',
      () => inExtensions(extension(37, sequenceOf(derEncode(DerTag.oid, new Uint8Array(60_000).fill(0x81))))),
    ],
    [
      'a long key usage',
      () => inExtensions(extension(15, derEncode(DerTag.bitString, Uint8Array.of(0), new Uint8Array(60_000).fill(1)))),
    ],
  ];
  test.each(cases)('%s', async (_, make) => {
    const certificate = await make();
    const spent = cpuClock();
    expect(verify([certificate, ...chain.slice(1)])).toBe('refused');
    expect(verify([chain[0], certificate])).toBe('refused');
    expect(spent()).toBeLessThan(1000);
  });

  test('thousands of intermediates', () => {
    const spent = cpuClock();
    expect(verify([chain[0], ...many(Uint8Array.of(0x30, 0), 65_536)])).toBe('refused');
    expect(verify([chain[0], ...many(chain[0], 65_536)])).toBe('refused');
    expect(spent()).toBeLessThan(1000);
  });

  test('hundreds of CAs of the empty name, whose key identifiers are none', () => {
    const [tbs] = elementsOf(chain[1]!) as [Uint8Array];
    const fields = elementsOf(tbs);
    const name = sequenceOf();
    const identifiers = [extension(14, Uint8Array.of(4)), extension(35, sequenceOf(Uint8Array.of(0x80, 1, 0)))];
    const isCa = extension(19, sequenceOf(Uint8Array.of(1, 1, 0xff)));
    const algorithm = sequenceOf(Uint8Array.of(6, 1, 1));
    const certificate = (number: number, extensions: readonly Uint8Array[]): Uint8Array => {
      const key = sequenceOf(algorithm, bitString(Uint8Array.of(number >> 8, number)));
      const list = derEncode(contextTag(3, true), sequenceOf(...extensions));
      const { version, serialNumber, validity } = field;
      const [before, dates] = [[fields[version]!, fields[serialNumber]!], fields[validity]!];
      return sequenceOf(sequenceOf(...before, algorithm, name, dates, name, key, list), algorithm, bitString(name));
    };
    const cas = Array.from({ length: 400 }, (_, i) => certificate(i, [isCa, ...identifiers]));
    const spent = cpuClock();
    expect(verify([certificate(400, identifiers), ...cas])).toBe('refused');
    expect(spent()).toBeLessThan(1000);
  });
});
