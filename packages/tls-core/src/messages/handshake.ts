/** The handshake message frame of RFC 8446 section 4. */
import { type Codec } from '../codec/codec.ts';
import { Reader, Writer } from '../codec/reader.ts';
import { type HandshakeType } from '../registry.ts';

/** A handshake message as received. */
export interface HandshakeMessage {
  readonly type: HandshakeType;
  /** The whole of it with its 4-byte header, for the transcript. Not shared with the transport's buffers. */
  readonly raw: Uint8Array;
}

/** The body of a message, parsed. What it returns borrows `message.raw`. */
export function parseBody<T>(name: string, codec: Codec<T>, message: HandshakeMessage): T {
  return parseBytes(name, codec, message.raw, 4);
}

/** The bytes from `at` to the end, parsed. What it returns borrows them. */
export function parseBytes<T>(name: string, codec: Codec<T>, bytes: Uint8Array, at: number = 0): T {
  const reader = new Reader(bytes, name, at);
  const value = codec.read(reader);
  reader.finish();
  return value;
}

/** A whole message, header and body. */
export function encodeMessage<T>(type: HandshakeType, codec: Codec<T>, value: T): Uint8Array {
  return new Writer()
    .u8(type)
    .prefixed(3, (w) => codec.write(w, value))
    .done();
}
