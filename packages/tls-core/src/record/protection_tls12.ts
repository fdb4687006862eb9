/** Record protection of TLS 1.2 with AEADs: RFC 5246 section 6.2.3.3, RFC 5288 section 3, RFC 7905 section 2. */
import { concat, wipe } from '../codec/bytes.ts';
import { type Opener, type Sealer, type Tls12CipherSuite } from '../crypto/provider.ts';
import { TlsError } from '../error.ts';
import { type Tls12WriteKeys } from '../keys/tls12_prf.ts';
import { type ContentType } from '../registry.ts';
import { type Awaitable, isPromise } from '../step/step.ts';
import { maxPlaintext, maxTls12Ciphertext, type RawRecord } from './deframer.ts';
import {
  nonceOf,
  type PlainRecord,
  type RecordOpener,
  type RecordSealer,
  sequenceBytes,
  tagLength,
  totalLength,
} from './protection.ts';

const explicitNonceLength = 8;

/** Section 6.2.3.3: `seq_num + TLSCompressed.type + TLSCompressed.version + TLSCompressed.length`. */
function additionalData(sequence: Uint8Array, type: ContentType, version: Uint8Array, length: number): Uint8Array {
  return concat([sequence, Uint8Array.of(type), version, Uint8Array.of(length >> 8, length)]);
}

const tls12Version = Uint8Array.of(3, 3);

export class Tls12RecordSealer implements RecordSealer {
  readonly #sealer: Sealer;
  readonly #iv: Uint8Array;
  readonly #isExplicit: boolean;
  readonly #limit: number;
  #sequenceNumber = 0;

  /** Wipes the key. */
  constructor(suite: Tls12CipherSuite, { key, iv }: Tls12WriteKeys) {
    this.#sealer = suite.aead.sealer(key);
    this.#iv = iv;
    this.#isExplicit = suite.nonce === 'explicit';
    this.#limit = suite.aead.confidentialityLimit;
    wipe(key);
  }

  get sequenceNumber(): number {
    return this.#sequenceNumber;
  }

  /** The two that are left are for alerts, close_notify being the last. */
  get exhausted(): boolean {
    return this.#sequenceNumber >= this.#limit - 2;
  }

  prepare(type: ContentType, fragment: Uint8Array): () => Awaitable<readonly Uint8Array[]> {
    const sequenceNumber = this.#sequenceNumber++;
    return () => this.#seal(type, fragment, sequenceNumber);
  }

  #seal(type: ContentType, fragment: Uint8Array, sequenceNumber: number): Awaitable<readonly Uint8Array[]> {
    const sequence = sequenceBytes(sequenceNumber);
    // RFC 5288 section 3: the sequence number is an explicit nonce that cannot repeat.
    const explicit = this.#isExplicit ? sequence : sequence.subarray(0, 0);
    const nonce = this.#isExplicit ? concat([this.#iv, sequence]) : nonceOf(this.#iv, sequenceNumber);
    const length = explicit.length + fragment.length + tagLength;
    const head = concat([Uint8Array.of(type, 3, 3, length >> 8, length), explicit]);
    const sealed = this.#sealer.seal(nonce, additionalData(sequence, type, tls12Version, fragment.length), [fragment]);
    return isPromise(sealed) ? sealed.then((pieces) => [head, ...pieces]) : [head, ...sealed];
  }
}

export class Tls12RecordOpener implements RecordOpener {
  readonly #opener: Opener;
  readonly #iv: Uint8Array;
  readonly #explicitLength: number;
  #sequenceNumber = 0;

  /** Wipes the key. */
  constructor(suite: Tls12CipherSuite, { key, iv }: Tls12WriteKeys) {
    this.#opener = suite.aead.opener(key);
    this.#iv = iv;
    this.#explicitLength = suite.nonce === 'explicit' ? explicitNonceLength : 0;
    wipe(key);
  }

  get sequenceNumber(): number {
    return this.#sequenceNumber;
  }

  maxLength(): number {
    return maxTls12Ciphertext;
  }

  open(record: RawRecord): Awaitable<readonly Uint8Array[] | undefined> {
    const sequenceNumber = this.#sequenceNumber++;
    const length = record.length - this.#explicitLength - tagLength;
    if (length < 0) return undefined;
    // With the version as it came: it is not protected otherwise.
    const additional = additionalData(sequenceBytes(sequenceNumber), record.type, record.header.subarray(1, 3), length);
    if (this.#explicitLength === 0) {
      return this.#opener.open(nonceOf(this.#iv, sequenceNumber), additional, record.payload);
    }
    const [explicit, ciphertext] = split(record.payload, explicitNonceLength);
    return this.#opener.open(concat([this.#iv, explicit]), additional, ciphertext);
  }

  unwrap({ type }: RawRecord, plaintext: readonly Uint8Array[], limit: number): PlainRecord {
    const length = totalLength(plaintext);
    if (length > Math.min(limit, maxPlaintext)) throw new TlsError({ code: 'PeerSentOversizedRecord' });
    return { type, content: plaintext.filter((piece) => piece.length > 0), length };
  }

  skip(): void {
    this.#sequenceNumber--;
  }
}

/** The first `length` bytes, which are there, as one; and what follows them, in the pieces in which it came. */
function split(pieces: readonly Uint8Array[], length: number): [head: Uint8Array, rest: readonly Uint8Array[]] {
  const head = new Uint8Array(length);
  let filled = 0;
  for (const [i, piece] of pieces.entries()) {
    const part = piece.subarray(0, length - filled);
    head.set(part, filled);
    filled += part.length;
    if (filled === length) {
      const rest = [piece.subarray(part.length), ...pieces.slice(i + 1)];
      return [head, rest.filter((left) => left.length > 0)];
    }
  }
  return [head, []];
}
