/** The key schedule of TLS 1.3, RFC 8446 section 7. */
import { asciiBytes, copyOf, emptyBytes, wipe } from '../codec/bytes.ts';
import { type Hash, type Hkdf, type Tls13CipherSuite } from '../crypto/provider.ts';

/** The labels with which Derive-Secret is called (section 7.1). */
export type SecretLabel =
  | BinderLabel
  | 'c e traffic'
  | 'e exp master'
  | 'c hs traffic'
  | 's hs traffic'
  | 'c ap traffic'
  | 's ap traffic'
  | 'exp master'
  | 'res master'
  | 'derived';

/** Those of binder keys: for sessions, for external PSKs, and for imported ones (RFC 9258 section 5.2). */
export type BinderLabel = 'res binder' | 'ext binder' | 'imp binder';

/** HKDF-Expand-Label, section 7.1. */
export function hkdfExpandLabel(
  hkdf: Hkdf,
  secret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array {
  const name = asciiBytes(`tls13 ${label}`);
  if (name.length > 255 || context.length > 255) throw new RangeError('a label and a context of HKDF have 255 bytes');
  // Some 20 of them on each side of a handshake: by a Writer they took half as long again.
  const info = new Uint8Array(4 + name.length + context.length);
  info[0] = length >> 8;
  info[1] = length;
  info[2] = name.length;
  info.set(name, 3);
  info[3 + name.length] = context.length;
  info.set(context, 4 + name.length);
  return hkdf.expand(secret, info, length);
}

/** Derive-Secret, section 7.1, of a transcript hash. */
function deriveSecret(suite: Tls13CipherSuite, secret: Uint8Array, label: string, hash: Uint8Array): Uint8Array {
  return hkdfExpandLabel(suite.hkdf, secret, label, hash, suite.hash.outputLength);
}

const emptyHashes = new WeakMap<Hash, Uint8Array>();

/** Transcript-Hash("") */
function emptyHash(hash: Hash): Uint8Array {
  let digest = emptyHashes.get(hash);
  if (digest === undefined) emptyHashes.set(hash, (digest = hash.start().peek()));
  return digest;
}

/**
 * The Early Secret of a PSK: all that a handshake needs of it. To be wiped by the caller.
 *
 * @param psk borrowed
 */
export function earlySecretOf({ hash, hkdf }: Tls13CipherSuite, psk: Uint8Array): Uint8Array {
  return hkdf.extract(new Uint8Array(hash.outputLength), psk);
}

/** What stands before the Handshake Secret where there is no PSK: of the hash function alone, and no secret. */
interface WithoutPsk {
  readonly earlySecret: Uint8Array;
  /** Derive-Secret(Early Secret, "derived", ""). */
  readonly salt: Uint8Array;
}

const withoutPsk = new WeakMap<Tls13CipherSuite, WithoutPsk>();

function startWithoutPsk(suite: Tls13CipherSuite): WithoutPsk {
  let start = withoutPsk.get(suite);
  if (start === undefined) {
    const earlySecret = earlySecretOf(suite, new Uint8Array(suite.hash.outputLength));
    start = { earlySecret, salt: deriveSecret(suite, earlySecret, 'derived', emptyHash(suite.hash)) };
    withoutPsk.set(suite, start);
  }
  return start;
}

/**
 * The chain Early Secret → Handshake Secret → Main Secret (section 7.1); wiped as it goes. What is derived from it
 * belongs to it and is wiped with it: what outlives it is to be copied.
 */
export class KeySchedule {
  readonly #suite: Tls13CipherSuite;
  readonly #derived: Uint8Array[] = [];
  readonly #hasPsk: boolean;
  #secret: Uint8Array;

  /**
   * Begins at the Early Secret.
   *
   * @param earlySecret of a PSK, copied; of zeros if there is none
   */
  constructor(suite: Tls13CipherSuite, earlySecret?: Uint8Array) {
    this.#suite = suite;
    this.#hasPsk = earlySecret !== undefined;
    this.#secret = copyOf(earlySecret ?? startWithoutPsk(suite).earlySecret);
  }

  /** Goes on to the Handshake Secret. Wipes `sharedSecret`. */
  enterHandshake(sharedSecret: Uint8Array): void {
    this.#extract(this.#hasPsk ? this.#salt() : startWithoutPsk(this.#suite).salt.slice(), sharedSecret);
  }

  /** Goes on to the Main Secret. */
  enterMain(): void {
    this.#extract(this.#salt(), new Uint8Array(this.#suite.hash.outputLength));
  }

  #salt(): Uint8Array {
    return deriveSecret(this.#suite, this.#secret, 'derived', emptyHash(this.#suite.hash));
  }

  #extract(salt: Uint8Array, inputKeyMaterial: Uint8Array): void {
    const next = this.#suite.hkdf.extract(salt, inputKeyMaterial);
    wipe(this.#secret, salt, inputKeyMaterial);
    this.#secret = next;
  }

  /** Derive-Secret(current secret, label, transcript). */
  derive(label: SecretLabel, transcriptHash: Uint8Array): Uint8Array {
    const secret = deriveSecret(this.#suite, this.#secret, label, transcriptHash);
    this.#derived.push(secret);
    return secret;
  }

  wipe(): void {
    wipe(this.#secret, ...this.#derived);
  }
}

/**
 * Section 4.2.11.2: the binder of a PSK.
 *
 * @param earlySecret of the PSK, borrowed
 * @param transcriptHash of the ClientHello without its binders, and of what came before it
 */
export function pskBinder(
  suite: Tls13CipherSuite,
  earlySecret: Uint8Array,
  label: BinderLabel,
  transcriptHash: Uint8Array,
): Uint8Array {
  const schedule = new KeySchedule(suite, earlySecret);
  try {
    return finishedVerifyData(suite, schedule.derive(label, emptyHash(suite.hash)), transcriptHash);
  } finally {
    schedule.wipe();
  }
}

/** Section 4.6.1: the PSK that goes with a ticket. */
export function ticketPsk(suite: Tls13CipherSuite, resumptionSecret: Uint8Array, nonce: Uint8Array): Uint8Array {
  return deriveSecret(suite, resumptionSecret, 'resumption', nonce);
}

/** Section 7.3. */
export interface TrafficKeys {
  /** As long as the AEAD's key. */
  readonly key: Uint8Array;
  /** 12 bytes. */
  readonly iv: Uint8Array;
}

export function trafficKeys(suite: Tls13CipherSuite, trafficSecret: Uint8Array): TrafficKeys {
  return {
    key: hkdfExpandLabel(suite.hkdf, trafficSecret, 'key', emptyBytes, suite.aead.keyLength),
    iv: hkdfExpandLabel(suite.hkdf, trafficSecret, 'iv', emptyBytes, 12),
  };
}

/** Section 7.2: application_traffic_secret_N+1. Wipes the one it replaces. */
export function nextTrafficSecret(suite: Tls13CipherSuite, trafficSecret: Uint8Array): Uint8Array {
  const next = deriveSecret(suite, trafficSecret, 'traffic upd', emptyBytes);
  wipe(trafficSecret);
  return next;
}

/** Section 4.4.4: verify_data of a Finished, from the handshake traffic secret of whoever sends it. */
export function finishedVerifyData(
  suite: Tls13CipherSuite,
  handshakeTrafficSecret: Uint8Array,
  transcriptHash: Uint8Array,
): Uint8Array {
  const key = deriveSecret(suite, handshakeTrafficSecret, 'finished', emptyBytes);
  const verifyData = suite.hkdf.hmac(key, transcriptHash);
  wipe(key);
  return verifyData;
}

/** Section 7.5: `length` bytes of keying material. */
export function exportKeyingMaterial(
  suite: Tls13CipherSuite,
  exporterMainSecret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array {
  const secret = deriveSecret(suite, exporterMainSecret, label, emptyHash(suite.hash));
  const hash = suite.hash.start();
  hash.update(context);
  const material = hkdfExpandLabel(suite.hkdf, secret, 'exporter', hash.peek(), length);
  wipe(secret);
  return material;
}
