/** OCSP responses made by hand, each field as a test wants it. */
import { createHash } from 'node:crypto';
import { contextTag, derEncode, DerTag } from '@tyls/tls-core/der';
import { createCa, type RawExtension, type TestCa } from '@tyls/testing';
import { type Certificate, parseCertificate } from '@tyls/webpki';
import { bitString, elementsOf, sequenceOf } from './craft.ts';
import {
  ecdsaSha256,
  enumerated,
  generalizedTime,
  hour,
  day,
  none,
  now,
  octetString,
  oid,
} from './revocation_craft.ts';

const hashOids = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
} as const;

export type HashName = keyof typeof hashOids;

function digest(name: HashName, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash(name).update(bytes).digest());
}

/** Content of subjectPublicKey. */
export function publicKeyOf(ca: TestCa): Uint8Array {
  const spki = sequenceOf(parseCertificate(ca.certificate).subjectPublicKeyInfo);
  return elementsOf(spki)[1]!.subarray(3);
}

export function nameOf(ca: TestCa): Uint8Array {
  return sequenceOf(parseCertificate(ca.certificate).subject);
}

export interface CertIdFields {
  readonly hash?: HashName;
  readonly nameHash?: Uint8Array;
  readonly keyHash?: Uint8Array;
  readonly serialNumber?: Uint8Array;
}

export function certId(certificate: Certificate, issuer: TestCa, fields: CertIdFields = {}): Uint8Array {
  const { hash = 'sha1' } = fields;
  const key = publicKeyOf(issuer);
  // An uncompressed point of P-256; of other keys nothing is made here.
  if (key.length !== 65) throw new RangeError('not a key of P-256');
  return sequenceOf(
    sequenceOf(oid(hashOids[hash]), derEncode(DerTag.null)),
    octetString(fields.nameHash ?? digest(hash, nameOf(issuer))),
    octetString(fields.keyHash ?? digest(hash, key)),
    derEncode(DerTag.integer, fields.serialNumber ?? certificate.serialNumber),
  );
}

export const good: Uint8Array = derEncode(contextTag(0, false));
export const unknown: Uint8Array = derEncode(contextTag(2, false));

export function revoked(...reason: readonly number[]): Uint8Array {
  const explicit = reason.length === 0 ? [] : [derEncode(contextTag(0, true), enumerated(...reason))];
  return derEncode(contextTag(1, true), generalizedTime(now - day), ...explicit);
}

export interface SingleFields {
  readonly status?: Uint8Array;
  readonly thisUpdate?: Uint8Array;
  /** With its tag; `none` leaves it out. */
  readonly nextUpdate?: Uint8Array;
  readonly extensions?: readonly Uint8Array[];
}

export function nextUpdate(millis: number): Uint8Array {
  return derEncode(contextTag(0, true), generalizedTime(millis));
}

function extensionsOf(list: readonly Uint8Array[]): Uint8Array {
  return list.length === 0 ? none : derEncode(contextTag(1, true), sequenceOf(...list));
}

export function single(id: Uint8Array, fields: SingleFields = {}): Uint8Array {
  return sequenceOf(
    id,
    fields.status ?? good,
    fields.thisUpdate ?? generalizedTime(now - hour),
    fields.nextUpdate ?? nextUpdate(now + day),
    extensionsOf(fields.extensions ?? []),
  );
}

export function byName(ca: TestCa): Uint8Array {
  return derEncode(contextTag(1, true), nameOf(ca));
}

export function byKey(ca: TestCa): Uint8Array {
  return derEncode(contextTag(2, true), octetString(digest('sha1', publicKeyOf(ca))));
}

export interface ResponseFields {
  readonly version?: Uint8Array;
  readonly responderId?: Uint8Array;
  readonly extensions?: readonly Uint8Array[];
  readonly algorithm?: Uint8Array;
  readonly certificates?: readonly Uint8Array[];
  readonly more?: readonly Uint8Array[];
  readonly type?: string;
  readonly status?: Uint8Array;
}

/** A response that this CA signs. */
export async function responseBy(
  signer: TestCa,
  singles: readonly Uint8Array[],
  fields: ResponseFields = {},
): Promise<Uint8Array> {
  const data = sequenceOf(
    fields.version ?? none,
    fields.responderId ?? byName(signer),
    generalizedTime(now - hour),
    sequenceOf(...singles),
    extensionsOf(fields.extensions ?? []),
    ...(fields.more ?? []),
  );
  const { certificates = [] } = fields;
  const basic = sequenceOf(
    data,
    fields.algorithm ?? ecdsaSha256,
    bitString(await signer.sign(data)),
    certificates.length === 0 ? none : derEncode(contextTag(0, true), sequenceOf(...certificates)),
  );
  return envelope(basic, fields);
}

export function envelope(
  basic: Uint8Array,
  { type, status }: Pick<ResponseFields, 'type' | 'status'> = {},
): Uint8Array {
  const bytes = sequenceOf(oid(type ?? '1.3.6.1.5.5.7.48.1.1'), octetString(basic));
  return sequenceOf(status ?? enumerated(0), derEncode(contextTag(0, true), bytes));
}

export function purposes(...oids: readonly string[]): RawExtension {
  return { oid: '2.5.29.37', value: sequenceOf(...oids.map(oid)) };
}

export const ocspSigning = '1.3.6.1.5.5.7.3.9';
const signatures: RawExtension = { oid: '2.5.29.15', critical: true, value: bitString(Uint8Array.of(0x80), 7) };

/** A delegated responder: an end entity that may sign. `extensions` take the place of those it has. */
export function createResponder(
  issuer: TestCa,
  options: Omit<NonNullable<Parameters<typeof createCa>[0]>, 'issuer'> = {},
): Promise<TestCa> {
  const standard = [{ oid: '2.5.29.19', value: undefined }, signatures, purposes(ocspSigning)];
  const replaced = new Set(options.extensions?.map((one) => one.oid));
  const extensions = [...standard.filter((one) => !replaced.has(one.oid)), ...(options.extensions ?? [])];
  return createCa({ name: 'responder', ...options, issuer, extensions });
}
