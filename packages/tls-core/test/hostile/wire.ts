/** Bytes by hand: records, messages and extensions that need not be what they should. */
import { concat } from '../../src/codec/bytes.ts';
import { Writer } from '../../src/codec/reader.ts';
import { type Tls13CipherSuite } from '../../src/crypto/provider.ts';
import { trafficKeys } from '../../src/keys/tls13_key_schedule.ts';
import { ContentType, type ExtensionType, type HandshakeType } from '../../src/registry.ts';

/** An extension of any type with any data. */
export type Extension = readonly [ExtensionType, Uint8Array];

export function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

export function u16(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [value >> 8, value & 0xff]));
}

export function u32(value: number): Uint8Array {
  return new Writer(4).u32(value).done();
}

/** `opaque x<0..2^8-1>` of the parts. */
export function vec8(...parts: readonly Uint8Array[]): Uint8Array {
  return new Writer().vec8(concat(parts)).done();
}

/** `opaque x<0..2^16-1>` of the parts. */
export function vec16(...parts: readonly Uint8Array[]): Uint8Array {
  return new Writer().vec16(concat(parts)).done();
}

/** `opaque x<0..2^24-1>` of the parts. */
export function vec24(...parts: readonly Uint8Array[]): Uint8Array {
  return new Writer().vec24(concat(parts)).done();
}

export function extensionBlock(extensions: readonly Extension[]): Uint8Array {
  return vec16(...extensions.map(([type, data]) => concat([u16(type), vec16(data)])));
}

/** @param claimed length in the header, if it is to differ from that of the body */
export function handshake(type: HandshakeType, body: Uint8Array, claimed: number = body.length): Uint8Array {
  return concat([new Writer().u8(type).u24(claimed).done(), body]);
}

/** @param claimed length in the header, if it is to differ from that of the payload */
export function record(
  type: ContentType,
  payload: Uint8Array,
  { version = 0x0303, claimed = payload.length }: { readonly version?: number; readonly claimed?: number } = {},
): Uint8Array {
  return concat([bytes(type), u16(version, claimed), payload]);
}

export const changeCipherSpec: Uint8Array = record(ContentType.change_cipher_spec, bytes(1));

/** One flipped bit. */
export function flipped(data: Uint8Array, at: number = data.length - 1): Uint8Array {
  const changed = data.slice();
  changed[at]! ^= 1;
  return changed;
}

/** Seals any TLSInnerPlaintext, under any header, with any sequence number. */
export class RawSealer {
  readonly #suite: Tls13CipherSuite;
  readonly #key: Uint8Array;
  readonly #iv: Uint8Array;
  sequenceNumber = 0;

  constructor(suite: Tls13CipherSuite, trafficSecret: Uint8Array) {
    const { key, iv } = trafficKeys(suite, trafficSecret);
    this.#suite = suite;
    this.#key = key;
    this.#iv = iv;
  }

  /** A record of content, type byte and so many zeros. */
  record(type: ContentType, content: Uint8Array, padding: number = 0): Uint8Array {
    return this.inner(concat([content, bytes(type), new Uint8Array(padding)]));
  }

  /** A record of that TLSInnerPlaintext. */
  inner(
    plaintext: Uint8Array,
    { type = ContentType.application_data, version = 0x0303 }: { type?: ContentType; version?: number } = {},
  ): Uint8Array {
    const header = concat([bytes(type), u16(version, plaintext.length + 16)]);
    const nonce = this.#iv.slice();
    const sequence = new DataView(nonce.buffer, nonce.byteOffset + 8);
    sequence.setUint32(0, sequence.getUint32(0) ^ this.sequenceNumber++);
    const sealed = this.#suite.aead.sealer(this.#key).seal(nonce, header, [plaintext]);
    return concat([header, ...(sealed as readonly Uint8Array[])]);
  }
}
