/** Cipher suites, for providers to make of a hash and an AEAD. */
import { concat, wipe } from '../codec/bytes.ts';
import { type CipherSuite, ProtocolVersion } from '../registry.ts';
import { hkdfFromHmac } from './hkdf.ts';
import { type Aead, type Hash, type Hkdf, type Tls13CipherSuite } from './provider.ts';

/** A hash and what is built on it. */
export interface HashAndHkdf {
  readonly hash: Hash;
  readonly hkdf: Hkdf;
}

/** A hash function whose computations can be cloned, as noble has them. */
export interface CloneableHash {
  /** Of a digest, in bytes. */
  readonly outputLen: number;
  readonly create: () => CloneableHashContext;
}

/** A computation of a {@link CloneableHash}. */
export interface CloneableHashContext {
  readonly update: (data: Uint8Array) => unknown;
  readonly clone: () => CloneableHashContext;
  readonly digest: () => Uint8Array;
}

/** @param hmac HMAC over that hash, of a key and a message */
export function hashAndHkdf(
  hash: CloneableHash,
  hmac: (key: Uint8Array, message: Uint8Array) => Uint8Array,
): HashAndHkdf {
  return {
    hash: {
      outputLength: hash.outputLen,
      start() {
        const context = hash.create();
        return {
          update: (data) => void context.update(data),
          peek: () => context.clone().digest(),
        };
      },
    },
    hkdf: hkdfFromHmac((key, parts) => {
      const message = concat(parts);
      const code = hmac(key, message);
      wipe(message);
      return code;
    }, hash.outputLen),
  };
}

/** A suite of TLS 1.3. Those of TLS 1.2 are made by `tls12CipherSuite` of `@tyls/tls-core/tls12`. */
export function tls13CipherSuite(id: CipherSuite, { hash, hkdf }: HashAndHkdf, aead: Aead): Tls13CipherSuite {
  return { id, version: ProtocolVersion.TLSv1_3, hash, hkdf, aead };
}
