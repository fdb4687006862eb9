import { nodeProvider } from '@tyls/crypto-node';
import { contextTag, derEncode } from '@tyls/tls-core/der';
import { cpuClock, createCa, type RawExtension, selfSigned, type TestCa } from '@tyls/testing';
import {
  defaultPolicy,
  describeName,
  type KeyUsageBit,
  type PathOptions,
  type Policy,
  type Purpose,
  type RootStore,
  rootStore,
  trustAnchorFromCertificate,
  type VerifiedPath,
  verifyPath,
} from '@tyls/webpki';
import { describe, expect, test } from 'vitest';
import { ascii, atOnce, bitString, crafted, field, refusal, sequenceOf } from './craft.ts';

const { algorithms } = nodeProvider().signatureVerification;

type Given = { readonly certificate: Uint8Array } | Uint8Array;
const der = (given: Given): Uint8Array => (given instanceof Uint8Array ? given : given.certificate);

interface Options extends Partial<Omit<PathOptions, 'endEntity' | 'intermediates' | 'roots'>> {
  readonly roots: readonly Given[];
  /** Instead of one of the roots. */
  readonly store?: RootStore;
}

function verify(
  endEntity: Given,
  intermediates: readonly Given[],
  { roots, store, ...options }: Options,
): VerifiedPath {
  return atOnce(
    verifyPath({
      endEntity: der(endEntity),
      intermediates: intermediates.map(der),
      roots: store ?? rootStore(roots.map(der).map(trustAnchorFromCertificate)),
      algorithms,
      purpose: 'serverAuth',
      now: Date.now(),
      ...options,
    }),
  );
}

/** The names along a path, from the end entity's issuer to the anchor. */
function issuersOf({ intermediates, anchor }: VerifiedPath): readonly string[] {
  return [...intermediates, anchor].map(({ subject }) => describeName(subject).replace('CN=', ''));
}

async function caChain(length: number, root: TestCa): Promise<TestCa[]> {
  const chain: TestCa[] = [];
  for (let i = 0; i < length; i++) chain.push(await createCa({ name: `ca ${i}`, issuer: chain.at(-1) ?? root }));
  return chain;
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}

const extension = (oid: string, value: Uint8Array, critical = true): RawExtension => ({ oid, critical, value });
const basicConstraints = '2.5.29.19';
const keyUsage = '2.5.29.15';
const extendedKeyUsage = '2.5.29.37';

describe('a path', () => {
  test('is found directly under a root', async () => {
    const root = await createCa({ name: 'root' });
    const path = verify(await root.issue({}), [], { roots: [root] });
    expect(issuersOf(path)).toEqual(['root']);
  });

  test('is found through intermediates in any order, among others that are of no use', async () => {
    const root = await createCa({ name: 'root' });
    const chain = await caChain(3, root);
    const endEntity = await chain[2]!.issue({});
    const others = [await createCa({ name: 'other' })];
    for (const intermediates of permutations([...chain, ...others])) {
      expect(issuersOf(verify(endEntity, intermediates, { roots: [root] }))).toEqual(['ca 2', 'ca 1', 'ca 0', 'root']);
    }
  });

  test.each(['rsa2048', 'p384', 'p521', 'ed25519'] as const)('is found with keys of %s', async (keyType) => {
    const root = await createCa({ keyType });
    const ca = await createCa({ keyType, issuer: root });
    expect(verify(await ca.issue({ keyType }), [ca], { roots: [root] }).intermediates).toHaveLength(1);
  });

  test('goes on where the root, or what was sent with it, is sent too', async () => {
    const root = await createCa({ name: 'root' });
    const ca = await createCa({ name: 'ca', issuer: root });
    const endEntity = await ca.issue({});
    expect(issuersOf(verify(endEntity, [endEntity, root, ca, ca], { roots: [root] }))).toEqual(['ca', 'root']);
  });

  test('is found with the right one of several CAs that have one name', async () => {
    const root = await createCa({ name: 'root' });
    const namesakes = await Promise.all([1, 2, 3].map(() => createCa({ name: 'ca', issuer: root })));
    const roots = [await createCa({ name: 'root' }), root, await createCa({ name: 'root' })];
    for (const ca of namesakes) {
      const path = verify(await ca.issue({}), namesakes, { roots });
      expect(path.intermediates[0]!.der).toEqual(ca.certificate);
      expect(path.anchor).toEqual(trustAnchorFromCertificate(root.certificate));
    }
  });

  test('takes a cross-sign where the other way ends, also where that is a dead end further up', async () => {
    const trusted = await createCa({ name: 'trusted' });
    const unknown = await createCa({ name: 'unknown' });
    const expired = await createCa({ name: 'expired', issuer: trusted, notAfter: new Date(Date.now() - 1000) });
    const first = await createCa({ name: 'ca', issuer: unknown });
    const second = await createCa({ name: 'ca', issuer: expired, keyOf: first });
    const third = await createCa({ name: 'ca', issuer: trusted, keyOf: first });
    const endEntity = await first.issue({});
    const all = [unknown, expired, first, second, third];
    for (const intermediates of permutations(all)) {
      expect(issuersOf(verify(endEntity, intermediates, { roots: [trusted] }))).toEqual(['ca', 'trusted']);
    }
    expect(refusal(() => verify(endEntity, all.slice(0, 4), { roots: [trusted] })).reason).toBe('Expired');
  });

  test('does not run in circles between CAs that certify each other', async () => {
    const a = await createCa({ name: 'a' });
    const b = await createCa({ name: 'b' });
    const ab = await createCa({ name: 'a', issuer: b, keyOf: a });
    const ba = await createCa({ name: 'b', issuer: a, keyOf: b });
    const root = await createCa({ name: 'root' });
    const endEntity = await a.issue({});
    expect(refusal(() => verify(endEntity, [ab, ba, a, b], { roots: [root] })).reason).toBe('UnknownIssuer');
    const way = await createCa({ name: 'b', issuer: root, keyOf: b });
    expect(issuersOf(verify(endEntity, [ab, ba, a, b, way], { roots: [root] }))).toEqual(['a', 'b', 'root']);
  });

  test('ends at an anchor that is the end entity itself, if it is no CA', async () => {
    const own = await selfSigned({ names: ['a.test'] });
    expect(verify(own, [], { roots: [own] }).intermediates).toEqual([]);
    const ca = await createCa();
    expect(refusal(() => verify(ca, [], { roots: [ca] })).reason).toBe('CaUsedAsEndEntity');
  });
});

describe('refused', () => {
  test('an unknown issuer is the one farthest up', async () => {
    const [root, other] = [await createCa({ name: 'root' }), await createCa({ name: 'other' })];
    const chain = await caChain(2, root);
    const endEntity = await chain[1]!.issue({});
    const roots = [other];
    const issuer = (...intermediates: TestCa[]) => refusal(() => verify(endEntity, intermediates, { roots }));
    expect(issuer()).toEqual({ code: 'InvalidCertificate', reason: 'UnknownIssuer', issuer: 'CN=ca 1' });
    expect(issuer(chain[1]!)).toMatchObject({ issuer: 'CN=ca 0' });
    expect(issuer(...chain)).toMatchObject({ issuer: 'CN=root' });
    expect(issuer(...chain, root)).toMatchObject({
      issuer: 'CN=root',
      hint: 'which is its own issuer, but no root of ours',
    });
  });

  test('a wrong signature, on any certificate of the path', async () => {
    const root = await createCa({ name: 'root' });
    const ca = await createCa({ name: 'ca', issuer: root });
    const endEntity = await ca.issue({ commonName: 'leaf' });
    const broken = (certificate: Uint8Array) => certificate.with(certificate.length - 1, certificate.at(-1)! ^ 1);
    const roots = [root];
    expect(refusal(() => verify(broken(endEntity.certificate), [ca], { roots }))).toMatchObject({
      reason: 'BadSignature',
      subject: 'CN=leaf',
    });
    expect(refusal(() => verify(endEntity, [broken(ca.certificate)], { roots }))).toMatchObject({
      reason: 'BadSignature',
      subject: 'CN=ca',
    });
    const impostor = await createCa({ name: 'root' });
    expect(refusal(() => verify(endEntity, [ca], { roots: [impostor] })).reason).toBe('BadSignature');
  });

  test('algorithms that the provider lacks, or that do not go with the key', async () => {
    const root = await createCa();
    const endEntity = await root.issue({});
    const roots = [root];
    const withKey = (oid: string) =>
      algorithms.filter((one) => Buffer.from(one.publicKeyAlgorithm).toString('hex').includes(oid));
    const ed25519 = withKey('2b6570');
    expect(refusal(() => verify(endEntity, [], { roots, algorithms: ed25519 }))).toEqual({
      code: 'InvalidCertificate',
      reason: 'UnsupportedSignatureAlgorithm',
      algorithm: 'ecdsa-with-SHA256',
      supported: ['Ed25519'],
    });
    const p384 = withKey('2b81040022');
    expect(refusal(() => verify(endEntity, [], { roots, algorithms: p384 }))).toMatchObject({
      reason: 'UnsupportedSignatureAlgorithmForPublicKey',
      algorithm: 'ecdsa-with-SHA256',
      key: 'ECDSA P-256',
    });
  });

  test('a public key that is none', async () => {
    const root = await createCa({ name: 'root' });
    const ca = await createCa({ name: 'ca', issuer: root });
    const broken = await crafted(ca.certificate, root, (fields) => {
      fields[field.subjectPublicKeyInfo] = sequenceOf(Uint8Array.of(5, 0));
    });
    const endEntity = await ca.issue({});
    expect(refusal(() => verify(endEntity, [broken], { roots: [root] })).reason).toBe('BadEncoding');
  });

  test('what is not valid now, to the second', async () => {
    const root = await createCa();
    const notBefore = new Date('2026-01-01T00:00:00Z');
    const notAfter = new Date('2026-01-31T23:59:59Z');
    const endEntity = await root.issue({ commonName: 'leaf', notBefore, notAfter });
    const at = (now: number) => () => verify(endEntity, [], { roots: [root], now });
    expect(refusal(at(notBefore.getTime() - 1))).toMatchObject({
      reason: 'NotValidYet',
      now: notBefore.getTime() - 1,
      notBefore: notBefore.getTime(),
      subject: 'CN=leaf',
    });
    expect(at(notBefore.getTime())).not.toThrow();
    expect(at(notAfter.getTime() + 999)).not.toThrow();
    expect(refusal(at(notAfter.getTime() + 1000))).toMatchObject({
      reason: 'Expired',
      notAfter: notAfter.getTime(),
      subject: 'CN=leaf',
    });
    expect(at(Number.NaN)).toThrow(RangeError);
  });

  test('an intermediate that is not valid now, though the end entity and the root are', async () => {
    const root = await createCa();
    const later = await createCa({ name: 'ca', issuer: root, notBefore: new Date(Date.now() + 1e6) });
    const endEntity = await later.issue({});
    expect(refusal(() => verify(endEntity, [later], { roots: [root] }))).toMatchObject({
      reason: 'NotValidYet',
      subject: 'CN=ca',
    });
  });

  test('critical extensions that nothing acts on, at any place but the anchor', async () => {
    // Among them what revocation would need: cRLDistributionPoints, and TLS features (RFC 7633).
    for (const oid of ['1.2.3.4', '2.5.29.31', '1.3.6.1.5.5.7.1.24', '2.5.29.36', '1.3.6.1.4.1.11129.2.4.3']) {
      const critical = [extension(oid, sequenceOf())];
      const root = await createCa({ name: 'root', extensions: critical });
      const ca = await createCa({ name: 'ca', issuer: root, extensions: critical });
      const roots = [root];
      const reason = { reason: 'UnhandledCriticalExtension', oid };
      const viaCa = await ca.issue({});
      expect(refusal(() => verify(viaCa, [ca], { roots }))).toMatchObject({ ...reason, subject: 'CN=ca' });
      const marked = await root.issue({ commonName: 'leaf', extensions: critical });
      expect(refusal(() => verify(marked, [], { roots }))).toMatchObject({ ...reason, subject: 'CN=leaf' });
      const plain = await root.issue({ extensions: [extension(oid, sequenceOf(), false)] });
      expect(() => verify(plain, [], { roots })).not.toThrow();
    }
  });

  test('a CA as end entity, and an end entity as CA', async () => {
    const root = await createCa({ name: 'root' });
    const roots = [root];
    const ca = await createCa({ name: 'ca', issuer: root });
    expect(refusal(() => verify(ca, [], { roots }))).toMatchObject({ reason: 'CaUsedAsEndEntity', subject: 'CN=ca' });
    const signer = await root.issue({ extensions: [extension(keyUsage, bitString(Uint8Array.of(0x84), 2))] });
    expect(refusal(() => verify(signer, [], { roots })).reason).toBe('CaUsedAsEndEntity');
    for (const value of [undefined, sequenceOf()]) {
      const none = await createCa({ name: 'none', issuer: root, extensions: [{ oid: basicConstraints, value }] });
      const endEntity = await none.issue({});
      const expected = { reason: 'EndEntityUsedAsCa', subject: 'CN=none' };
      expect(refusal(() => verify(endEntity, [none], { roots }))).toMatchObject(expected);
    }
  });

  test('a CA whose key usage is not to sign certificates; without the extension it may', async () => {
    const root = await createCa({ name: 'root' });
    const roots = [root];
    const withUsage = (value: Uint8Array | undefined) =>
      createCa({ name: 'ca', issuer: root, extensions: [{ oid: keyUsage, critical: true, value }] });
    const forbidden = await withUsage(bitString(Uint8Array.of(0x82), 1));
    const endEntity = await forbidden.issue({});
    const expected = { reason: 'KeyUsageForbidden', required: 'keyCertSign', subject: 'CN=ca' };
    expect(refusal(() => verify(endEntity, [forbidden], { roots }))).toMatchObject(expected);
    const silent = await withUsage(undefined);
    const other = await silent.issue({});
    expect(() => verify(other, [silent], { roots })).not.toThrow();
  });

  test('more CAs below one than its path length allows', async () => {
    const root = await createCa({ name: 'root', pathLength: 0 });
    const one = await createCa({ name: 'one', issuer: root, pathLength: 1 });
    const two = await createCa({ name: 'two', issuer: one, pathLength: 5 });
    const three = await createCa({ name: 'three', issuer: two });
    const roots = [root];
    const [underTwo, underThree] = [await two.issue({}), await three.issue({})];
    expect(issuersOf(verify(underTwo, [one, two], { roots }))).toEqual(['two', 'one', 'root']);
    expect(refusal(() => verify(underThree, [one, two, three], { roots }))).toMatchObject({
      reason: 'PathLengthExceeded',
      subject: 'CN=one',
    });
  });

  test('a self-issued CA counts like any other, unless the policy exempts it', async () => {
    const root = await createCa({ name: 'root' });
    const withPathLength = async (pathLength: number) => {
      const one = await createCa({ name: 'one', issuer: root, pathLength });
      const two = await createCa({ name: 'two', issuer: one });
      const selfIssued = await createCa({ name: 'two', issuer: two });
      const endEntity = await selfIssued.issue({});
      return (options: Partial<Options> = {}) =>
        verify(endEntity, [one, two, selfIssued], { roots: [root], ...options });
    };
    const [fine, short, shorter] = await Promise.all([2, 1, 0].map(withPathLength));
    const policy: Policy = { ...defaultPolicy, selfIssuedIntermediates: 'exempt' };
    expect(fine!().intermediates).toHaveLength(3);
    expect(refusal(short!)).toMatchObject({ reason: 'PathLengthExceeded', subject: 'CN=one' });
    expect(short!({ policy }).intermediates).toHaveLength(3);
    expect(refusal(() => shorter!({ policy })).reason).toBe('PathLengthExceeded');
    // The length that the caller sets never counts them.
    expect(fine!({ maxDepth: 2 }).intermediates).toHaveLength(3);
    expect(refusal(() => fine!({ maxDepth: 1 }))).toMatchObject({ reason: 'BudgetExceeded', what: 'intermediates' });
  });

  test('more intermediates than the caller wants', async () => {
    const root = await createCa();
    const chain = await caChain(2, root);
    const [direct, below] = [await root.issue({}), await chain[1]!.issue({})];
    expect(() => verify(direct, chain, { roots: [root], maxDepth: 0 })).not.toThrow();
    expect(() => verify(below, chain, { roots: [root], maxDepth: 2 })).not.toThrow();
    expect(refusal(() => verify(below, chain, { roots: [root], maxDepth: 1 })).reason).toBe('BudgetExceeded');
    expect(() => verify(direct, [], { roots: [root], maxDepth: Number.NaN })).toThrow(RangeError);
  });

  test('a key usage that the caller wants and the certificate does not have', async () => {
    const root = await createCa();
    const roots = [root];
    const keyUsages: readonly KeyUsageBit[] = ['digitalSignature', 'keyAgreement'];
    const signing = await root.issue({ commonName: 'leaf' });
    expect(() => verify(signing, [], { roots, keyUsage: ['digitalSignature'] })).not.toThrow();
    expect(refusal(() => verify(signing, [], { roots, keyUsage: keyUsages }))).toMatchObject({
      reason: 'KeyUsageForbidden',
      required: 'keyAgreement',
      subject: 'CN=leaf',
    });
    const silent = await root.issue({ extensions: [{ oid: keyUsage, value: undefined }] });
    expect(() => verify(silent, [], { roots, keyUsage: keyUsages })).not.toThrow();
  });

  test('what a root issued after the date from which on it is distrusted', async () => {
    const root = await createCa({ name: 'root' });
    const ca = await createCa({ name: 'ca', issuer: root, notBefore: new Date('2025-12-01T00:00:00Z') });
    const notBefore = new Date('2026-01-01T00:00:00Z');
    const endEntity = await ca.issue({ notBefore });
    const anchor = trustAnchorFromCertificate(root.certificate);
    const until = (distrustAfter: number) => () =>
      verify(endEntity, [ca], { roots: [root], store: rootStore([{ ...anchor, distrustAfter }]) });
    expect(until(notBefore.getTime())).not.toThrow();
    expect(refusal(until(notBefore.getTime() - 1))).toMatchObject({
      reason: 'IssuerDistrusted',
      issuer: 'CN=root',
      distrustAfter: notBefore.getTime() - 1,
      notBefore: notBefore.getTime(),
    });
  });

  test('another purpose, of the end entity or of a CA', async () => {
    const root = await createCa();
    const roots = [root];
    const codeSigning = extension(extendedKeyUsage, Uint8Array.from(Buffer.from('300a06082b06010505070303', 'hex')));
    const any = extension(extendedKeyUsage, Uint8Array.from(Buffer.from('30060604551d2500', 'hex')));
    const purposes: readonly Purpose[] = ['serverAuth', 'clientAuth'];
    for (const purpose of purposes) {
      const [usage, otherUsage] =
        purpose === 'serverAuth' ? (['server', 'client'] as const) : (['client', 'server'] as const);
      const options = { roots, purpose };
      for (const fine of [
        await root.issue({ usage }),
        await root.issue({ extensions: [{ oid: extendedKeyUsage, value: undefined }] }),
      ]) {
        expect(() => verify(fine, [], options)).not.toThrow();
      }
      const wrong = await root.issue({ usage: otherUsage });
      const presented = [purposes.find((one) => one !== purpose)];
      const expected = { reason: 'InvalidPurpose', required: purpose, presented };
      expect(refusal(() => verify(wrong, [], options))).toMatchObject(expected);
      const anything = await root.issue({ extensions: [any] });
      expect(refusal(() => verify(anything, [], options))).toMatchObject({ presented: ['anyExtendedKeyUsage'] });
      const ca = await createCa({ name: 'ca', issuer: root, extensions: [codeSigning] });
      const below = await ca.issue({ usage });
      expect(refusal(() => verify(below, [ca], options))).toMatchObject({ presented: ['codeSigning'] });
    }
  });

  test('what is no certificate; an intermediate that is none does no harm, unless it is missing', async () => {
    const root = await createCa();
    const ca = await createCa({ name: 'ca', issuer: root });
    const endEntity = await ca.issue({});
    const roots = [root];
    const rubbish = Uint8Array.of(0x30, 1);
    expect(refusal(() => verify(rubbish, [ca], { roots })).reason).toBe('BadEncoding');
    expect(() => verify(endEntity, [rubbish, ca, rubbish], { roots })).not.toThrow();
    expect(refusal(() => verify(endEntity, [rubbish], { roots })).reason).toBe('BadEncoding');
    expect(() => verify(endEntity, [rubbish], { roots })).toThrow(
      'invalid peer certificate: it is not correctly encoded (Certificate: truncated)',
    );
  });
});

describe('within its limits', () => {
  test('six intermediates, and not seven', async () => {
    const root = await createCa();
    const chain = await caChain(7, root);
    const [endEntity, tooDeep] = [await chain[5]!.issue({}), await chain[6]!.issue({})];
    expect(verify(endEntity, chain, { roots: [root] }).intermediates).toHaveLength(6);
    const expected = { reason: 'BudgetExceeded', what: 'intermediates' };
    expect(refusal(() => verify(tooDeep, chain, { roots: [root] }))).toMatchObject(expected);
  });

  test('a hundred signatures, and not one more', async () => {
    const namesakes = await Promise.all(Array.from({ length: 100 }, () => createCa({ name: 'root' })));
    const root = await createCa({ name: 'root' });
    const endEntity = await root.issue({});
    let signatures = 0;
    const counting = algorithms.map((one) => ({
      ...one,
      verify: (...parameters: Parameters<typeof one.verify>) => {
        signatures++;
        return one.verify(...parameters);
      },
    }));
    const hundred = { roots: [...namesakes.slice(1), root], algorithms: counting };
    expect(() => verify(endEntity, [], hundred)).not.toThrow();
    expect(signatures).toBe(100);
    const more = { roots: [...namesakes, root], algorithms: counting };
    expect(refusal(() => verify(endEntity, [], more))).toMatchObject({ reason: 'BudgetExceeded', what: 'signatures' });
    expect(signatures).toBe(200);
  });

  test('each signature is verified once, however many ways it is in', async () => {
    const roots = await Promise.all(Array.from({ length: 40 }, () => createCa({ name: 'root' })));
    const ca = await createCa({ name: 'ca', issuer: roots[39]! });
    const endEntity = await ca.issue({});
    let signatures = 0;
    const counting = algorithms.map((one) => ({
      ...one,
      verify: (...parameters: Parameters<typeof one.verify>) => {
        signatures++;
        return one.verify(...parameters);
      },
    }));
    const crossSigns = await Promise.all(
      [0, 1, 2].map((i) =>
        createCa({ name: 'ca', issuer: roots[i]!, keyOf: ca, notAfter: new Date(Date.now() - 1e6) }),
      ),
    );
    verify(endEntity, [...crossSigns, ca], { roots: [...roots, ...roots], algorithms: counting });
    expect(signatures).toBe(41);
  });

  test('many CAs of one name, told apart by their key identifiers', async () => {
    const root = await createCa();
    const namesakes = await Promise.all(Array.from({ length: 80 }, () => createCa({ name: 'ca', issuer: root })));
    const endEntity = await namesakes[79]!.issue({});
    expect(verify(endEntity, namesakes, { roots: [root] }).intermediates[0]!.der).toEqual(namesakes[79]!.certificate);
  });

  test('two hundred thousand steps, in less than a second', async () => {
    const root = await createCa({ name: 'root' });
    const first = await createCa({ name: 'same' });
    const cas = [first];
    for (let i = 0; i < 30; i++) cas.push(await createCa({ name: 'same', issuer: first }));
    const endEntity = await first.issue({});
    const expected = { reason: 'BudgetExceeded', what: 'path-building steps' };
    // Also where every one of them seems to be issued by a root.
    for (const one of [root, await createCa({ name: 'same' })]) {
      const spent = cpuClock();
      expect(refusal(() => verify(endEntity, cas, { roots: [one] }))).toMatchObject(expected);
      expect(spent()).toBeLessThan(1000);
    }
  });

  test('a hundred paths that a root stands behind, whatever is then wrong with them', async () => {
    const root = await createCa({ name: 'root' });
    const constraints = sequenceOf(derEncode(contextTag(0, true), sequenceOf(derEncode(0x82, ascii('other.test')))));
    const extensions = [extension('2.5.29.30', constraints)];
    const cas: TestCa[] = [];
    let issuer = root;
    for (let level = 0; level < 5; level++) {
      const first = await createCa({ name: `ca ${level}`, issuer });
      const more = Array.from({ length: 10 }, () =>
        createCa({ name: `ca ${level}`, issuer, keyOf: first, extensions: level === 4 ? extensions : [] }),
      );
      cas.push(...(await Promise.all(more)));
      issuer = first;
    }
    const endEntity = await issuer.issue({ names: ['a.test'] });
    const one = cas.filter((_, i) => i % 10 === 0);
    expect(refusal(() => verify(endEntity, one, { roots: [root] })).reason).toBe('NameConstraintViolation');
    const expected = { reason: 'BudgetExceeded', what: 'paths' };
    expect(refusal(() => verify(endEntity, cas, { roots: [root] }))).toMatchObject(expected);
  });

  test('64 KiB of intermediates', async () => {
    const root = await createCa();
    const ca = await createCa({ name: 'ca', issuer: root });
    const endEntity = await ca.issue({});
    const filling = (length: number) => [ca, new Uint8Array(length - ca.certificate.length)];
    expect(() => verify(endEntity, filling(65_536), { roots: [root] })).not.toThrow();
    const expected = { reason: 'BudgetExceeded', what: 'bytes of intermediates' };
    expect(refusal(() => verify(endEntity, filling(65_537), { roots: [root] }))).toMatchObject(expected);
  });
});

test('a store is made of trust anchors, or of PEM as text or bytes', async () => {
  const { certificate, certificatePem } = await createCa();
  const anchors = [trustAnchorFromCertificate(certificate)];
  expect(rootStore(anchors).anchors).toEqual(anchors);
  expect(rootStore(certificatePem).anchors).toEqual(anchors);
  expect(rootStore(Buffer.from(certificatePem)).anchors).toEqual(anchors);
});

test('a store without roots is a mistake of whoever makes it', () => {
  expect(() => rootStore([])).toThrow(RangeError);
  expect(() => rootStore([])).toThrow(/no roots in the store/);
  expect(() => rootStore('')).toThrow(/no certificate/);
});
