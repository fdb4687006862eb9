/** Certificate transparency logs, with keys of their own, and certificates with their timestamps. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { derEncode, DerTag, contextTag } from '@tyls/tls-core/der';
import { type TestCa, type TestIdentity } from '@tyls/testing';
import { parseCertificate } from '@tyls/webpki';
import { crafted, elementsOf, field, sequenceOf } from './craft.ts';
import { extension, octetString } from './revocation_craft.ts';

export class TestLog {
  readonly operator: string;
  readonly description: string;
  readonly #privateKey: KeyObject;
  readonly key: Uint8Array;
  readonly id: Uint8Array;
  readonly #scheme: number;

  constructor(operator: string, description: string, type: 'ec' | 'rsa' = 'ec') {
    const { privateKey, publicKey } =
      type === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength: 2048 });
    this.operator = operator;
    this.description = description;
    this.#privateKey = privateKey;
    this.#scheme = type === 'ec' ? 0x0403 : 0x0401;
    this.key = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
    this.id = sha256(this.key);
  }

  /** As an entry of a log list. */
  listed(more: object = { state: { usable: { timestamp: '2020-01-01T00:00:00Z' } } }): object {
    const { description } = this;
    return {
      description,
      log_id: base64(this.id),
      key: base64(this.key),
      url: 'https://log.test/',
      mmd: 86400,
      ...more,
    };
  }

  /** A timestamp of an entry with its type, as {@link precertEntry} and {@link x509Entry} make them. */
  sct(
    entry: Uint8Array,
    { timestamp = Date.now() - 3_600_000, extensions = new Uint8Array(), ...fields }: SctFields = {},
  ) {
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(timestamp));
    const signed = Buffer.concat([Uint8Array.of(0, 0), time, entry, vector16(extensions)]);
    return Buffer.concat([
      Uint8Array.of(fields.version ?? 0),
      this.id,
      time,
      vector16(extensions),
      u16(fields.scheme ?? this.#scheme),
      vector16(fields.signature ?? sign('sha256', signed, this.#privateKey)),
    ]);
  }
}

export interface SctFields {
  readonly version?: number;
  readonly timestamp?: number;
  readonly extensions?: Uint8Array;
  readonly scheme?: number;
  readonly signature?: Uint8Array;
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value);
}

function vector16(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([u16(bytes.length), bytes]);
}

function vector24(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(bytes.length >> 16), u16(bytes.length), bytes]);
}

export function timestampList(...scts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(vector16(Buffer.concat(scts.map(vector16))));
}

/** What logs sign of a certificate without timestamps, before it is issued. */
export function precertEntry(certificate: Uint8Array, ca: TestCa): Uint8Array {
  const issuerKey = sequenceOf(parseCertificate(ca.certificate).subjectPublicKeyInfo);
  return Buffer.concat([u16(1), sha256(issuerKey), vector24(elementsOf(certificate)[0]!)]);
}

/** What logs sign of one that is issued. */
export function x509Entry(certificate: Uint8Array): Uint8Array {
  return Buffer.concat([u16(0), vector24(certificate)]);
}

/** The certificate with one more extension, somewhere among the others. */
export function withTimestamps({ certificate }: TestIdentity, ca: TestCa, list: Uint8Array): Promise<Uint8Array> {
  return withListExtension(certificate, ca, octetString(list));
}

export function withListExtension(certificate: Uint8Array, ca: TestCa, value: Uint8Array): Promise<Uint8Array> {
  return crafted(certificate, ca, (fields) => {
    const [list] = elementsOf(Uint8Array.of(DerTag.sequence, ...fields[field.extensions]!.subarray(1)));
    const extensions = elementsOf(list!);
    extensions.splice(1, 0, extension('1.3.6.1.4.1.11129.2.4.2', value));
    fields[field.extensions] = derEncode(contextTag(3, true), sequenceOf(...extensions));
  });
}
