/** The secrets of TLS 1.2: RFC 5246 sections 5, 6.3, 7.4.9 and 8.1, RFC 7627 and RFC 5705. */
import { asciiBytes, concat, wipe } from '../codec/bytes.ts';
import { Writer } from '../codec/reader.ts';
import { type Hkdf, type Tls12CipherSuite } from '../crypto/provider.ts';

/** Section 5: `PRF(secret, label, seed) = P_hash(secret, label + seed)`, with the hash of the cipher suite. */
export function prf(
  { hmac }: Hkdf,
  secret: Uint8Array,
  label: string,
  seed: readonly Uint8Array[],
  length: number,
): Uint8Array {
  const labelAndSeed = concat([asciiBytes(label), ...seed]);
  const output = new Uint8Array(length);
  let a = hmac(secret, labelAndSeed);
  for (let at = 0; at < length;) {
    const block = hmac(secret, concat([a, labelAndSeed]));
    output.set(block.subarray(0, length - at), at);
    at += block.length;
    const next = hmac(secret, a);
    wipe(a, block);
    a = next;
  }
  wipe(a);
  return output;
}

/** Of both hellos, 32 bytes each. */
export interface Randoms {
  readonly client: Uint8Array;
  readonly server: Uint8Array;
}

/** The keys of one direction. Whoever uses them up wipes them. */
export interface Tls12WriteKeys {
  /** As long as the AEAD's key. */
  readonly key: Uint8Array;
  /** 4 bytes where nonces are explicit, else 12. */
  readonly iv: Uint8Array;
}

const masterSecretLength = 48;

/** RFC 5705 section 4: what the protocol itself calls its PRF with, and no exporter may. */
const reservedLabels: readonly string[] = [
  'client finished',
  'server finished',
  'master secret',
  'extended master secret',
  'key expansion',
];

/** The master secret of a connection, and what is made of it. */
export class ConnectionSecrets {
  readonly #suite: Tls12CipherSuite;
  readonly #randoms: Randoms;
  /** 48 bytes, wiped with the object: what outlives it is to be copied. */
  readonly masterSecret: Uint8Array;

  /** @param masterSecret now the object's own */
  constructor(suite: Tls12CipherSuite, randoms: Randoms, masterSecret: Uint8Array) {
    this.#suite = suite;
    this.#randoms = randoms;
    this.masterSecret = masterSecret;
  }

  /**
   * Section 8.1; with a session hash that of RFC 7627 section 4.
   *
   * @param premasterSecret wiped
   * @param sessionHash transcript hash up to ClientKeyExchange, if the extended master secret was negotiated
   */
  static fromKeyExchange(
    suite: Tls12CipherSuite,
    randoms: Randoms,
    premasterSecret: Uint8Array,
    sessionHash: Uint8Array | undefined,
  ): ConnectionSecrets {
    const [label, seed] =
      sessionHash === undefined
        ? ['master secret', [randoms.client, randoms.server]]
        : ['extended master secret', [sessionHash]];
    const masterSecret = prf(suite.hkdf, premasterSecret, label, seed, masterSecretLength);
    wipe(premasterSecret);
    return new ConnectionSecrets(suite, randoms, masterSecret);
  }

  /** Section 6.3: the key block, cut up. AEADs have no MAC keys. */
  keyBlock(): { readonly client: Tls12WriteKeys; readonly server: Tls12WriteKeys } {
    const { aead, hkdf, nonce } = this.#suite;
    const [keyLength, ivLength] = [aead.keyLength, nonce === 'explicit' ? 4 : 12];
    const seed = [this.#randoms.server, this.#randoms.client];
    const block = prf(hkdf, this.masterSecret, 'key expansion', seed, 2 * (keyLength + ivLength));
    const ivs = block.subarray(2 * keyLength);
    const keys = {
      client: { key: block.slice(0, keyLength), iv: ivs.slice(0, ivLength) },
      server: { key: block.slice(keyLength, 2 * keyLength), iv: ivs.slice(ivLength) },
    };
    wipe(block);
    return keys;
  }

  /** Section 7.4.9: 12 bytes. */
  verifyData(sender: 'client' | 'server', transcriptHash: Uint8Array): Uint8Array {
    return prf(this.#suite.hkdf, this.masterSecret, `${sender} finished`, [transcriptHash], 12);
  }

  /**
   * RFC 5705 section 4.
   *
   * @param context at most 65 535 bytes; without one the seed is another than with an empty one
   * @throws RangeError for a label of the protocol's own, or a longer context
   */
  exportKeyingMaterial(length: number, label: string, context: Uint8Array | undefined): Uint8Array {
    if (reservedLabels.includes(label)) throw new RangeError(`TLS 1.2 has its own use for the label ${label}`);
    const seed = [this.#randoms.client, this.#randoms.server];
    if (context !== undefined) seed.push(new Writer().vec16(context).done());
    return prf(this.#suite.hkdf, this.masterSecret, label, seed, length);
  }

  /** Another object with the same secret. */
  copy(): ConnectionSecrets {
    return new ConnectionSecrets(this.#suite, this.#randoms, this.masterSecret.slice());
  }

  wipe(): void {
    wipe(this.masterSecret);
  }
}
