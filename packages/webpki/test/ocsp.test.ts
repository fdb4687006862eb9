/** OCSP responses: who may sign them, what they say, and when. */
import { createHash } from 'node:crypto';
import { nodeProvider } from '@tyls/crypto-node';
import { isTlsError, runToEnd, type SignatureVerificationAlgorithm } from '@tyls/tls-core';
import { contextTag, derEncode, DerTag } from '@tyls/tls-core/der';
import { createCa, type RawExtension, type TestCa } from '@tyls/testing';
import {
  Budget,
  type Certificate,
  digestsOf,
  mustStaple,
  type OcspOptions,
  parseCertificate,
  parseCertRevocationList,
  RevocationChecker,
  stapledOcspVerification,
  verifyOcspResponse,
} from '@tyls/webpki';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { certificateError } from '../src/error.ts';
import { sha1 } from '../src/ocsp/sha1.ts';
import { ascii, atOnce, bitString, elementsOf, refusal, sequenceOf } from './craft.ts';
import {
  byKey,
  byName,
  certId,
  type CertIdFields,
  createResponder,
  envelope,
  nextUpdate,
  ocspSigning,
  purposes,
  type ResponseFields,
  responseBy,
  revoked,
  single,
  type SingleFields,
  unknown,
} from './ocsp_craft.ts';
import {
  crlBy,
  day,
  ecdsaSha256,
  entry,
  enumerated,
  extension,
  generalizedTime,
  hour,
  integer,
  none,
  now,
  octetString,
  oid,
  sha256WithRsa,
  utcTime,
} from './revocation_craft.ts';

const provider = nodeProvider();
const { algorithms } = provider.signatureVerification;
const digests = digestsOf(provider);

let root: TestCa;
let ca: TestCa;
let leaf: Certificate;
let responder: TestCa;
beforeAll(async () => {
  root = await createCa({ name: 'root' });
  ca = await createCa({ name: 'ca', issuer: root });
  leaf = parseCertificate((await ca.issue({ names: ['a.test'] })).certificate);
  responder = await createResponder(ca);
});

function optionsFor(response: Uint8Array, more: Partial<OcspOptions> = {}): OcspOptions {
  const certificate = parseCertificate(ca.certificate);
  const issuer = { subjectPublicKeyInfo: certificate.subjectPublicKeyInfo, certificate };
  return { response, certificate: leaf, issuer, algorithms, digests, now, ...more };
}
const verified = (response: Uint8Array, more?: Partial<OcspOptions>) =>
  atOnce(verifyOcspResponse(optionsFor(response, more)));
const answer = (fields?: SingleFields, id?: CertIdFields): Uint8Array => single(certId(leaf, ca, id), fields);
const response = (fields?: SingleFields, more?: ResponseFields) => responseBy(ca, [answer(fields)], more);
/** The reason, and for an invalid response why. */
function refused(bytes: Uint8Array, more?: Partial<OcspOptions>): string {
  const detail = refusal(() => verified(bytes, more));
  return detail.reason === 'InvalidOcspResponse' ? detail.why : detail.reason;
}
const delegated = (by: TestCa, fields: ResponseFields = {}) =>
  responseBy(by, [answer()], { certificates: [by.certificate], ...fields });

test('SHA-1 is as node has it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(sha1(bytes)).toEqual(new Uint8Array(createHash('sha1').update(bytes).digest()));
    }),
  );
  for (const length of [0, 55, 56, 63, 64, 119, 120, 1 << 20]) {
    const bytes = new Uint8Array(length).fill(0x61);
    expect(sha1(bytes)).toEqual(new Uint8Array(createHash('sha1').update(bytes).digest()));
  }
});

test('the hash functions of a provider are those of its cipher suites', () => {
  const of = (...suites: number[]) =>
    digestsOf({ cipherSuites: provider.cipherSuites.filter(({ id }) => suites.includes(id)) });
  expect(of(0x1302).sha256).toBeUndefined();
  expect(of(0x1303).sha384).toBeUndefined();
  const bytes = Uint8Array.of(1, 2);
  expect(of(0x1303).sha256?.(bytes)).toEqual(new Uint8Array(createHash('sha256').update(bytes).digest()));
  expect(of(0x1302).sha384?.(bytes)).toEqual(new Uint8Array(createHash('sha384').update(bytes).digest()));
});

describe('what a response says', () => {
  test('good, with its times', async () => {
    expect(verified(await response())).toEqual({
      thisUpdate: now - hour,
      nextUpdate: now + day,
      signedCertificateTimestamps: undefined,
    });
  });

  test('revoked; the error says when and why', async () => {
    const [plain, withReason] = [await response({ status: revoked() }), await response({ status: revoked(1) })];
    const expected = { reason: 'Revoked', subject: 'CN=a.test', revocationDate: now - day };
    expect(refusal(() => verified(plain))).toEqual({ code: 'InvalidCertificate', ...expected });
    expect(refusal(() => verified(withReason))).toMatchObject({ ...expected, revocationReason: 'keyCompromise' });
    expect(certificateError(refusal(() => verified(plain))).alert).toBe(44);
  });

  test('unknown', async () => {
    expect(refused(await response({ status: unknown }))).toBe('UnknownRevocationStatus');
  });

  test('nothing about this certificate', async () => {
    expect(refused(await responseBy(ca, []))).toMatch(/not about this certificate/);
    for (const id of [
      { serialNumber: Uint8Array.of(1) },
      { nameHash: new Uint8Array(20) },
      { keyHash: new Uint8Array(20) },
      { hash: 'sha512' as const },
    ]) {
      expect(refused(await responseBy(ca, [answer({}, id)]))).toMatch(/not about this certificate/);
    }
  });

  test.each(['sha1', 'sha256', 'sha384'] as const)('by %s', async (hash) => {
    const bytes = await responseBy(ca, [answer({}, { hash })]);
    expect(verified(bytes).thisUpdate).toBe(now - hour);
  });

  test.each(['sha256', 'sha384'] as const)('not by %s where the provider has none', async (hash) => {
    const without = { digests: { sha256: undefined, sha384: undefined } };
    const bytes = await responseBy(ca, [answer({}, { hash })]);
    expect(refused(bytes, without)).toMatch(/not about this certificate/);
  });

  test('one of several answers', async () => {
    const other = answer({ status: revoked() }, { serialNumber: Uint8Array.of(1) });
    expect(verified(await responseBy(ca, [other, answer()])).thisUpdate).toBe(now - hour);
    const old = answer({ thisUpdate: generalizedTime(now - 3 * day), nextUpdate: nextUpdate(now - 2 * day) });
    expect(verified(await responseBy(ca, [old, answer()])).thisUpdate).toBe(now - hour);
    expect(verified(await responseBy(ca, [answer({ status: unknown }), answer()])).thisUpdate).toBe(now - hour);
  });

  test('revoked, before and whatever else it says', async () => {
    const old = answer({
      status: revoked(),
      thisUpdate: generalizedTime(now - 3 * day),
      nextUpdate: nextUpdate(now - 2 * day),
    });
    expect(refused(await responseBy(ca, [answer(), old]))).toBe('Revoked');
    expect(refused(await responseBy(ca, [old]))).toBe('Revoked');
  });

  test('signed certificate timestamps', async () => {
    const scts = extension('1.3.6.1.4.1.11129.2.4.5', octetString(Uint8Array.of(1, 2)));
    expect(verified(await response({ extensions: [scts] })).signedCertificateTimestamps).toEqual(Uint8Array.of(1, 2));
  });
});

describe('time', () => {
  const minutes = 60_000;
  const from = async (start: number, end: number | undefined): Promise<Uint8Array> =>
    response({
      thisUpdate: generalizedTime(now + start),
      nextUpdate: end === undefined ? none : nextUpdate(now + end),
    });

  test.each<[string, number, number | undefined]>([
    ['in the middle', -hour, hour],
    ['a clock that is behind by five minutes', 5 * minutes, hour],
    ['a clock that is ahead by five minutes', -hour, -5 * minutes],
    ['without nextUpdate, a day old', -day - 5 * minutes, undefined],
  ])('%s', async (_, start, end) => {
    expect(verified(await from(start, end)).thisUpdate).toBe(now + start);
  });

  test.each<[string, number, number | undefined, RegExp]>([
    ['from the future', 5 * minutes + 1000, hour, /from the future, .*Z; it is now .*Z/],
    ['past its nextUpdate', -hour, -5 * minutes - 1000, /to be replaced by .*Z; it is now .*Z/],
    ['without nextUpdate, more than a day old', -day - 5 * minutes - 1000, undefined, /to be replaced/],
    ['ending before it begins', -1 * minutes, -2 * minutes, /nextUpdate is before its thisUpdate/],
  ])('refused: %s', async (_, start, end, why) => {
    expect(refused(await from(start, end))).toMatch(why);
  });
});

describe('nonce', () => {
  const nonce = Uint8Array.of(1, 2, 3, 4);
  const repeating = (value: Uint8Array) =>
    response({}, { extensions: [extension('1.3.6.1.5.5.7.48.1.2', octetString(value))] });

  test('must be repeated where one was used', async () => {
    expect(verified(await repeating(nonce), { nonce }).thisUpdate).toBe(now - hour);
    expect(refused(await repeating(Uint8Array.of(1, 2, 3, 5)), { nonce })).toMatch(/nonce/);
    expect(refused(await response(), { nonce })).toMatch(/nonce/);
  });

  test('means nothing where none was', async () => {
    expect(verified(await repeating(nonce)).thisUpdate).toBe(now - hour);
  });
});

describe('who signs it', () => {
  test('the issuer, named by name or by key', async () => {
    expect(verified(await response({}, { responderId: byKey(ca) })).thisUpdate).toBe(now - hour);
    expect(verified(await response({}, { responderId: byName(ca) })).thisUpdate).toBe(now - hour);
    expect(verified(await response({}, { certificates: [ca.certificate] })).thisUpdate).toBe(now - hour);
  });

  test('a responder that the issuer certified, named by name or by key', async () => {
    expect(verified(await delegated(responder)).thisUpdate).toBe(now - hour);
    expect(verified(await delegated(responder, { responderId: byKey(responder) })).thisUpdate).toBe(now - hour);
    const among = { certificates: [Uint8Array.of(0x30, 0), root.certificate, responder.certificate] };
    expect(verified(await delegated(responder, among)).thisUpdate).toBe(now - hour);
  });

  test('a responder with the name of the issuer', async () => {
    const namesake = await createResponder(ca, { name: 'ca' });
    expect(verified(await delegated(namesake)).thisUpdate).toBe(now - hour);
  });

  test('nobody else', async () => {
    expect(refused(await responseBy(root, [answer()]))).toMatch(/neither the issuer nor/);
    expect(refused(await delegated(responder, { certificates: [] }))).toMatch(/neither the issuer nor/);
    expect(refused(await delegated(responder, { responderId: byKey(root) }))).toMatch(/neither the issuer nor/);
    const impostor = await createCa({ name: 'ca' });
    expect(refused(await responseBy(impostor, [answer()]))).toMatch(/signature by CN=ca is refused \(BadSignature\)/);
    expect(refused(await responseBy(ca, [answer()], { algorithm: sha256WithRsa }))).toMatch(
      /UnsupportedSignatureAlgorithmForPublicKey, sha256WithRSAEncryption/,
    );
    const sha1WithRsa = sequenceOf(oid('1.2.840.113549.1.1.5'), derEncode(DerTag.null));
    expect(refused(await responseBy(ca, [answer()], { algorithm: sha1WithRsa }))).toMatch(/sha1WithRSAEncryption/);
  });

  test('not a responder that somebody else signs for', async () => {
    const bytes = await delegated(ca, { responderId: byName(responder), certificates: [responder.certificate] });
    expect(refused(bytes)).toMatch(/signature by CN=responder is refused \(BadSignature\)/);
  });

  const critical: RawExtension = { oid: '1.2.3.4', critical: true, value: none };
  const encipher: RawExtension = { oid: '2.5.29.15', critical: true, value: bitString(Uint8Array.of(0x20), 5) };
  test.each<[string, RegExp, () => Promise<TestCa>]>([
    ['by another CA', /responder CN=responder has another issuer/, () => createResponder(root)],
    [
      'by another CA of the same name',
      /signature on its responder CN=responder is refused \(BadSignature\)/,
      async () => createResponder(await createCa({ name: 'ca' })),
    ],
    [
      'without purposes',
      /not certified for OCSPSigning/,
      () => createResponder(ca, { extensions: [{ oid: '2.5.29.37', value: undefined }] }),
    ],
    [
      'for another purpose',
      /not certified for OCSPSigning/,
      () => createResponder(ca, { extensions: [purposes('1.3.6.1.5.5.7.3.1')] }),
    ],
    [
      'for any purpose',
      /not certified for OCSPSigning/,
      () => createResponder(ca, { extensions: [purposes('2.5.29.37.0')] }),
    ],
    ['for a key that may not sign', /key usage .* forbids/, () => createResponder(ca, { extensions: [encipher] })],
    ['with something critical', /critical extension 1\.2\.3\.4/, () => createResponder(ca, { extensions: [critical] })],
    ['that is over', /not valid now/, () => createResponder(ca, { notAfter: new Date(now - hour) })],
    ['that has not begun', /not valid now/, () => createResponder(ca, { notBefore: new Date(now + hour) })],
  ])('not a responder with a certificate %s', async (_, why, make) => {
    expect(refused(await delegated(await make()))).toMatch(why);
  });

  test('a responder for several purposes', async () => {
    const many = await createResponder(ca, { extensions: [purposes('1.3.6.1.5.5.7.3.1', ocspSigning)] });
    expect(verified(await delegated(many)).thisUpdate).toBe(now - hour);
  });

  test('a responder is looked up in revocation lists, unless its certificate says there is no need', async () => {
    const { serialNumber } = parseCertificate(responder.certificate);
    const crls = [parseCertRevocationList(await crlBy(ca, { entries: [entry(serialNumber)] }))];
    const revocation = new RevocationChecker({ crls }, algorithms);
    expect(refused(await delegated(responder), { revocation })).toMatch(/CN=responder is refused \(Revoked\)/);
    const other = await createResponder(ca);
    expect(verified(await delegated(other), { revocation }).thisUpdate).toBe(now - hour);
    const noCheck = await createResponder(ca, {
      extensions: [{ oid: '1.3.6.1.5.5.7.48.1.5', critical: true, value: derEncode(DerTag.null) }],
    });
    const own = parseCertificate(noCheck.certificate).serialNumber;
    const revoking = [parseCertRevocationList(await crlBy(ca, { entries: [entry(own)] }))];
    const checker = new RevocationChecker({ crls: revoking }, algorithms);
    expect(verified(await delegated(noCheck), { revocation: checker }).thisUpdate).toBe(now - hour);
  });

  test('with an error that is short, however many are sent that are none', async () => {
    const { certificate } = await createResponder(root);
    const bytes = await delegated(responder, { certificates: Array<Uint8Array>(100).fill(certificate) });
    expect(refused(bytes).length).toBeLessThan(1000);
  });

  test('within the budget', async () => {
    const namesakes = await Promise.all([1, 2, 3, 4].map(() => createResponder(ca)));
    const certificates = Array.from({ length: 60 }, (_, i) => namesakes[i % 3]!.certificate);
    const bytes = await delegated(namesakes[3]!, { certificates });
    expect(refusal(() => verified(bytes))).toMatchObject({ reason: 'BudgetExceeded', what: 'signatures' });
    const budget = new Budget();
    const count = (): number => {
      let left = 0;
      try {
        for (; ; left++) budget.takeSignature();
      } catch {
        return left;
      }
    };
    const signed = await response();
    verified(signed, { budget });
    expect(count()).toBe(99);
  });
});

test('the time is a number', async () => {
  const bytes = await response();
  expect(() => verified(bytes, { now: NaN })).toThrow(RangeError);
});

describe('encodings that are refused', () => {
  const stray = derEncode(DerTag.null);
  const criticalExtension = extension('1.2.3', none, true);
  test.each<[string, RegExp, () => Promise<Uint8Array> | Uint8Array]>([
    ['nothing', /OCSPResponse: expected tag/, () => none],
    ['trailing bytes', /OCSPResponse: trailing/, async () => Uint8Array.of(...(await response()), 0)],
    ['no response', /expected tag/, () => sequenceOf(enumerated(0))],
    ['malformedRequest', /no answer \(malformedRequest\)/, () => sequenceOf(enumerated(1))],
    ['internalError', /no answer \(internalError\)/, () => sequenceOf(enumerated(2))],
    ['tryLater', /no answer \(tryLater\)/, () => sequenceOf(enumerated(3))],
    ['sigRequired', /no answer \(sigRequired\)/, () => sequenceOf(enumerated(5))],
    ['unauthorized', /no answer \(unauthorized\)/, () => sequenceOf(enumerated(6))],
    ['status 4', /unknown responseStatus/, () => sequenceOf(enumerated(4))],
    ['status 7', /unknown responseStatus/, () => sequenceOf(enumerated(7))],
    ['a status of two bytes', /unknown responseStatus/, () => sequenceOf(enumerated(0, 0))],
    ['an empty status', /unknown responseStatus/, () => sequenceOf(enumerated())],
    ['another type', /unknown type 1\.2\.3/, () => envelope(none, { type: '1.2.3' })],
    ['a second response', /trailing/, async () => sequenceOf(...elementsOf(await response()), stray)],
    ['no basic response', /BasicOCSPResponse/, () => envelope(none)],
    ['no data', /no ResponseData/, () => envelope(sequenceOf(stray))],
    ['version 2', /not of version 1/, () => response({}, { version: derEncode(contextTag(0, true), integer(1)) })],
    ['no responder', /expected tag/, () => response({}, { responderId: none })],
    ['something after the extensions', /trailing/, () => response({}, { more: [stray] })],
    ['a critical extension', /critical extension 1\.2\.3/, () => response({}, { extensions: [criticalExtension] })],
    ['a critical one of the answer', /critical extension/, () => response({ extensions: [criticalExtension] })],
    [
      'an extension twice',
      /twice/,
      () => response({}, { extensions: [extension('1.2.3', none), extension('1.2.3', none)] }),
    ],
    [
      'a nonce that is no OCTET STRING',
      /Extension/,
      () => response({}, { extensions: [extension('1.3.6.1.5.5.7.48.1.2', stray)] }),
    ],
    ['another kind of status', /unknown certStatus/, () => response({ status: derEncode(contextTag(3, false)) })],
    [
      'good with content',
      /unknown certStatus/,
      () => response({ status: derEncode(contextTag(0, false), none, stray) }),
    ],
    ['revoked without date', /GeneralizedTime/, () => response({ status: derEncode(contextTag(1, true)) })],
    [
      'a reason of two values',
      /trailing/,
      () => response({ status: derEncode(contextTag(1, true), generalizedTime(now), stray) }),
    ],
    ['an UTCTime', /GeneralizedTime/, () => response({ thisUpdate: utcTime(now) })],
    [
      'a time that is none',
      /Time/,
      () => response({ thisUpdate: derEncode(DerTag.generalizedTime, ascii('20260230000000Z')) }),
    ],
    ['an answer that is none', /expected tag/, () => responseBy(ca, [stray])],
    [
      'certificates that are no list',
      /expected tag/,
      () => {
        const bytes = sequenceOf(sequenceOf(), ecdsaSha256, bitString(none), derEncode(contextTag(0, true)));
        return envelope(bytes);
      },
    ],
  ])('%s', async (_, why, make) => {
    const bytes = await make();
    expect(refused(bytes)).toMatch(why);
    expect(refusal(() => verified(bytes)).reason).toBe('InvalidOcspResponse');
  });

  test('the explicit version 1 is not', async () => {
    const version = derEncode(contextTag(0, true), integer(0));
    expect(verified(await response({}, { version })).thisUpdate).toBe(now - hour);
  });

  test('the alert says that the response is bad', () => {
    const detail = refusal(() => verified(none));
    const error = certificateError(detail);
    expect(error.alert).toBe(113);
    expect(error.message).toMatch(/its OCSP response is not valid: OCSPResponse/);
  });
});

test('bytes that were changed anywhere never make it good', async () => {
  const scts = extension('1.3.6.1.4.1.11129.2.4.5', octetString(Uint8Array.of(1)));
  const bytes = await responseBy(responder, [answer({ extensions: [scts] })], {
    certificates: [responder.certificate],
    extensions: [extension('1.3.6.1.5.5.7.48.1.2', octetString(Uint8Array.of(1)))],
  });
  // Signatures are what protects; so that the parsers see every change, none is wrong here.
  const trusting = algorithms.map((one): SignatureVerificationAlgorithm => ({ ...one, verify: () => true }));
  const outcomes = { good: 0, refused: 0 };
  const survives = (changed: Uint8Array, more?: Partial<OcspOptions>): string => {
    try {
      verified(changed, more);
      outcomes.good++;
      return 'good';
    } catch (error) {
      if (!isTlsError(error) || error.detail.code !== 'InvalidCertificate') throw error;
      outcomes.refused++;
      return 'refused';
    }
  };
  for (let at = 0; at < bytes.length; at++) {
    for (const flip of [1, 0x20, 0x80, 0xff]) {
      const changed = bytes.slice();
      changed[at]! ^= flip;
      survives(changed, { algorithms: trusting });
    }
    survives(bytes.subarray(0, at), { algorithms: trusting });
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (random) => survives(random) === 'refused'));
  expect(outcomes.good).toBeGreaterThan(0);
  expect(outcomes.refused).toBeGreaterThan(outcomes.good);
});

test('signatures may be verified later', async () => {
  const asynchronous = algorithms.map((one) => ({
    ...one,
    verify: (...values: Parameters<typeof one.verify>) => Promise.resolve(one.verify(...values)),
  }));
  const bytes = await delegated(responder);
  const running = verifyOcspResponse(optionsFor(bytes, { algorithms: asynchronous }));
  await expect(running).resolves.toMatchObject({ thisUpdate: now - hour });
});

describe('stapling', () => {
  const feature = (...features: Uint8Array[]): RawExtension => ({
    oid: '1.3.6.1.5.5.7.1.24',
    value: sequenceOf(...features),
  });
  const stapled = (certificate: Certificate, bytes: Uint8Array | undefined, required: boolean) => {
    const { response: _, ...options } = optionsFor(none, { certificate });
    return atOnce(runToEnd(stapledOcspVerification({ ...options, response: bytes, required })));
  };
  const issued = async (...extensions: RawExtension[]) =>
    parseCertificate((await ca.issue({ names: ['a.test'], extensions })).certificate);

  test('status_request among the TLS features makes it a must', async () => {
    expect(mustStaple(leaf)).toBe(false);
    expect(mustStaple(await issued(feature(integer(5))))).toBe(true);
    expect(mustStaple(await issued(feature(integer(17), integer(5))))).toBe(true);
    expect(mustStaple(await issued(feature(integer(17))))).toBe(false);
    expect(mustStaple(await issued(feature(integer(5, 5))))).toBe(false);
    expect(mustStaple(await issued(feature()))).toBe(false);
    const broken = await issued(feature(derEncode(DerTag.null)));
    expect(refusal(() => mustStaple(broken)).reason).toBe('BadEncoding');
  });

  test('what is there must be good, and there must be something where it is a must', async () => {
    const must = await issued(feature(integer(5)));
    expect(stapled(leaf, undefined, false)).toBeUndefined();
    expect(stapled(leaf, none, false)).toBeUndefined();
    expect(stapled(leaf, await response(), false)).toMatchObject({ thisUpdate: now - hour });
    expect(stapled(must, await responseBy(ca, [single(certId(must, ca))]), false)).toBeDefined();
    const why = (run: () => unknown): string => {
      const detail = refusal(run);
      return detail.reason === 'InvalidOcspResponse' ? detail.why : detail.reason;
    };
    expect(why(() => stapled(must, undefined, false))).toMatch(/none came.*RFC 7633/);
    expect(why(() => stapled(must, none, false))).toMatch(/none came.*RFC 7633/);
    expect(why(() => stapled(leaf, undefined, true))).toMatch(/none came, and one is required/);
    const bytes = await response({ status: revoked() });
    expect(why(() => stapled(leaf, bytes, false))).toBe('Revoked');
    expect(why(() => stapled(leaf, Uint8Array.of(0), false))).toMatch(/OCSPResponse/);
  });
});
