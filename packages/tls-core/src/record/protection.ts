/** Record protection of TLS 1.3, RFC 8446 sections 5.2 to 5.5: one object for each direction and key. */
import { wipe } from '../codec/bytes.ts';
import { type Opener, type Sealer, type Tls13CipherSuite } from '../crypto/provider.ts';
import { trafficKeys } from '../keys/tls13_key_schedule.ts';
import { ContentType } from '../registry.ts';
import { type Awaitable, isPromise } from '../step/step.ts';
import { type RawRecord } from './deframer.ts';

const tagLength = 16;

/** Section 5.3: the sequence number, XORed into the last 8 bytes of the IV. A number is exact far past every limit. */
function nonceOf(iv: Uint8Array, sequenceNumber: number): Uint8Array {
  const nonce = iv.slice();
  const high = Math.floor(sequenceNumber / 0x1_0000_0000);
  const low = sequenceNumber >>> 0;
  nonce[4]! ^= high >>> 24;
  nonce[5]! ^= high >>> 16;
  nonce[6]! ^= high >>> 8;
  nonce[7]! ^= high;
  nonce[8]! ^= low >>> 24;
  nonce[9]! ^= low >>> 16;
  nonce[10]! ^= low >>> 8;
  nonce[11]! ^= low;
  return nonce;
}

/** Each content type as the byte that ends a TLSInnerPlaintext. */
const contentTypeBytes = [0, 1, 2, 3].map((i) => Uint8Array.of(ContentType.change_cipher_spec + i));

export class RecordSealer {
  readonly #sealer: Sealer;
  readonly #iv: Uint8Array;
  readonly #limit: number;
  #sequenceNumber = 0;

  constructor(suite: Tls13CipherSuite, trafficSecret: Uint8Array) {
    const { key, iv } = trafficKeys(suite, trafficSecret);
    this.#sealer = suite.aead.sealer(key);
    this.#iv = iv;
    this.#limit = suite.aead.confidentialityLimit;
    wipe(key);
  }

  /** Whether no more than the KeyUpdate and an alert may still be sealed with this key (section 5.5). */
  get exhausted(): boolean {
    return this.#sequenceNumber >= this.#limit - 2;
  }

  /**
   * Gives the record of one fragment its place in the order; what it returns seals it, when its turn comes, and gives
   * the whole record in pieces.
   *
   * @param fragment at most 16 384 bytes; borrowed until the answer is there
   */
  prepare(type: ContentType, fragment: Uint8Array): () => Awaitable<readonly Uint8Array[]> {
    const sequenceNumber = this.#sequenceNumber++;
    return () => this.#seal(type, fragment, sequenceNumber);
  }

  #seal(type: ContentType, fragment: Uint8Array, sequenceNumber: number): Awaitable<readonly Uint8Array[]> {
    const length = fragment.length + 1 + tagLength;
    const header = Uint8Array.of(ContentType.application_data, 3, 3, length >> 8, length);
    const nonce = nonceOf(this.#iv, sequenceNumber);
    const sealed = this.#sealer.seal(nonce, header, [
      fragment,
      contentTypeBytes[type - ContentType.change_cipher_spec]!,
    ]);
    return isPromise(sealed) ? sealed.then((pieces) => [header, ...pieces]) : [header, ...sealed];
  }
}

export class RecordOpener {
  readonly #opener: Opener;
  readonly #iv: Uint8Array;
  #sequenceNumber = 0;

  constructor(suite: Tls13CipherSuite, trafficSecret: Uint8Array) {
    const { key, iv } = trafficKeys(suite, trafficSecret);
    this.#opener = suite.aead.opener(key);
    this.#iv = iv;
    wipe(key);
  }

  /** The TLSInnerPlaintext of a record, in pieces; `undefined` if it is not authentic. */
  open(record: RawRecord): Awaitable<readonly Uint8Array[] | undefined> {
    const nonce = nonceOf(this.#iv, this.#sequenceNumber++);
    return record.length < tagLength ? undefined : this.#opener.open(nonce, record.header, record.payload);
  }

  /** The record before was no record of this key (skipped early data): the next one has its number. */
  skip(): void {
    this.#sequenceNumber--;
  }
}
