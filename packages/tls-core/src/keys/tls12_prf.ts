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
  let a = labelAndSeed;
  for (let at = 0; at < length;) {
    a = hmac(secret, a);
    const block = hmac(secret, concat([a, labelAndSeed]));
    output.set(block.subarray(0, length - at), at);
    at += block.length;
    wipe(block);
  }
  return output;
}

/** Both 32 bytes. */
export interface Randoms {
  readonly client: Uint8Array;
  readonly server: Uint8Array;
}

const masterSecretLength = 48;

/** Section 8.1. Wipes `premasterSecret`. */
export function masterSecret(suite: Tls12CipherSuite, premasterSecret: Uint8Array, randoms: Randoms): Uint8Array {
  const seed = [randoms.client, randoms.server];
  const secret = prf(suite.hkdf, premasterSecret, 'master secret', seed, masterSecretLength);
  wipe(premasterSecret);
  return secret;
}

/**
 * RFC 7627 section 4. Wipes `premasterSecret`.
 *
 * @param sessionHash transcript hash up to ClientKeyExchange
 */
export function extendedMasterSecret(
  suite: Tls12CipherSuite,
  premasterSecret: Uint8Array,
  sessionHash: Uint8Array,
): Uint8Array {
  const secret = prf(suite.hkdf, premasterSecret, 'extended master secret', [sessionHash], masterSecretLength);
  wipe(premasterSecret);
  return secret;
}

/** The keys of one direction; wiped by who uses them up. */
export interface Tls12WriteKeys {
  /** As long as the AEAD's key. */
  readonly key: Uint8Array;
  /** 4 bytes where nonces are explicit, else 12. */
  readonly iv: Uint8Array;
}

/** Section 6.3: the key block, cut up. AEADs have no MAC keys. */
export function keyBlock(
  suite: Tls12CipherSuite,
  master: Uint8Array,
  randoms: Randoms,
): { readonly client: Tls12WriteKeys; readonly server: Tls12WriteKeys } {
  const { keyLength } = suite.aead;
  const ivLength = suite.nonce === 'explicit' ? 4 : 12;
  const block = prf(suite.hkdf, master, 'key expansion', [randoms.server, randoms.client], 2 * (keyLength + ivLength));
  let at = 0;
  const next = (length: number): Uint8Array => block.slice(at, (at += length));
  const [clientKey, serverKey, clientIv, serverIv] = [next(keyLength), next(keyLength), next(ivLength), next(ivLength)];
  wipe(block);
  return { client: { key: clientKey, iv: clientIv }, server: { key: serverKey, iv: serverIv } };
}

/** Section 7.4.9: verify_data, 12 bytes. */
export function tls12VerifyData(
  suite: Tls12CipherSuite,
  master: Uint8Array,
  sender: 'client' | 'server',
  transcriptHash: Uint8Array,
): Uint8Array {
  return prf(suite.hkdf, master, `${sender} finished`, [transcriptHash], 12);
}

/** RFC 5705 section 4: what the protocol itself calls its PRF with, and no exporter may. */
const reservedLabels: readonly string[] = [
  'client finished',
  'server finished',
  'master secret',
  'extended master secret',
  'key expansion',
];

/**
 * RFC 5705 section 4.
 *
 * @param context at most 65 535 bytes; without one the seed is another than with an empty one
 * @throws RangeError for a label of the protocol's own, or a longer context
 */
export function tls12ExportKeyingMaterial(
  suite: Tls12CipherSuite,
  master: Uint8Array,
  randoms: Randoms,
  label: string,
  context: Uint8Array | undefined,
  length: number,
): Uint8Array {
  if (reservedLabels.includes(label)) throw new RangeError(`TLS 1.2 has its own use for the label ${label}`);
  const seed = [randoms.client, randoms.server];
  if (context !== undefined) seed.push(new Writer().vec16(context).done());
  return prf(suite.hkdf, master, label, seed, length);
}
