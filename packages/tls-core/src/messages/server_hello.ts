/** ServerHello and HelloRetryRequest, RFC 8446 sections 4.1.3 and 4.1.4: one format, told apart by its random. */
import { equalBytes } from '../codec/bytes.ts';
import { type Codec, opaque, opaque16, opaque8, struct, u16, u8 } from '../codec/codec.ts';
import { type Reader, type Writer } from '../codec/reader.ts';
import { type CipherSuite, ExtensionType, type NamedGroup, type ProtocolVersion } from '../registry.ts';
import { type KeyShareEntry, keyShareEntry } from './client_hello.ts';
import { type ExtensionBlock, extensions, onlyKnown } from './extension.ts';

export interface ServerExtensions extends ExtensionBlock {
  readonly version?: ProtocolVersion | undefined;
  readonly keyShare?: KeyShareEntry | undefined;
  /** Section 4.2.11: selected_identity, the index of the PSK in the client's list. */
  readonly preSharedKey?: number | undefined;
}

const serverExtensions: Codec<ServerExtensions> = extensions('ServerHello', {
  keyShare: [ExtensionType.key_share, keyShareEntry],
  version: [ExtensionType.supported_versions, u16],
  preSharedKey: [ExtensionType.pre_shared_key, u16],
});

export interface HelloRetryExtensions extends ExtensionBlock {
  readonly version?: ProtocolVersion | undefined;
  /** Section 4.2.8: only the group. */
  readonly group?: NamedGroup | undefined;
  readonly cookie?: Uint8Array | undefined;
}

const helloRetryExtensions: Codec<HelloRetryExtensions> = extensions('HelloRetryRequest', {
  group: [ExtensionType.key_share, u16],
  cookie: [ExtensionType.cookie, opaque16(1)],
  version: [ExtensionType.supported_versions, u16],
});

export interface HelloFields {
  readonly legacyVersion: ProtocolVersion;
  /** 32 bytes. */
  readonly random: Uint8Array;
  /** At most 32 bytes. */
  readonly sessionId: Uint8Array;
  readonly cipherSuite: CipherSuite;
  readonly compressionMethod: number;
}

export interface ServerHello extends HelloFields {
  readonly retry: false;
  readonly extensions: ServerExtensions;
}

export interface HelloRetryRequest extends HelloFields {
  readonly retry: true;
  readonly extensions: HelloRetryExtensions;
}

/** SHA-256 of "HelloRetryRequest" (section 4.1.3). */
// prettier-ignore
export const helloRetryRequestRandom: Uint8Array = Uint8Array.of(
  0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
  0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
);

export const helloFields: Codec<HelloFields> = struct({
  legacyVersion: u16,
  random: opaque(32),
  sessionId: opaque8(0, 32),
  cipherSuite: u16,
  compressionMethod: u8,
});

export const serverHello: Codec<ServerHello | HelloRetryRequest> = {
  read(r) {
    const hello = helloFields.read(r);
    if (equalBytes(hello.random, helloRetryRequestRandom)) {
      return { retry: true, extensions: readBlock(r, helloRetryExtensions), ...hello };
    }
    return { retry: false, extensions: readBlock(r, serverExtensions), ...hello };
  },
  write(w: Writer, hello) {
    helloFields.write(w, hello);
    if (hello.retry) helloRetryExtensions.write(w, hello.extensions);
    else serverExtensions.write(w, hello.extensions);
  },
};

/** A TLS 1.2 server may send no extensions block at all (RFC 5246 section 7.4.1.3). */
export function readBlock<T extends ExtensionBlock>(r: Reader, codec: Codec<T>): T | ExtensionBlock {
  return r.remaining === 0 ? onlyKnown : codec.read(r);
}
