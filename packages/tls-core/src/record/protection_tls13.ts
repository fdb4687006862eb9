/** Record protection of TLS 1.3, RFC 8446 sections 5.2 to 5.5. */
import { wipe } from '../codec/bytes.ts';
import { type Opener, type Sealer, type Tls13CipherSuite } from '../crypto/provider.ts';
import { TlsError } from '../error.ts';
import { trafficKeys } from '../keys/tls13_key_schedule.ts';
import { ContentType } from '../registry.ts';
import { type Awaitable, isPromise } from '../step/step.ts';
import { maxPlaintext, type RawRecord } from './deframer.ts';
import {
  nonceOf,
  type PlainRecord,
  type RecordOpener,
  type RecordSealer,
  tagLength,
  totalLength,
} from './protection.ts';

/** Section 5.2: only records that say they are application data are under protection, and those may be longer. */
export function tls13MaxLength(type: ContentType): number {
  return type === ContentType.application_data ? maxPlaintext + 256 : maxPlaintext;
}

/** Each content type as the byte that ends a TLSInnerPlaintext. */
const contentTypeBytes = [0, 1, 2, 3].map((i) => Uint8Array.of(ContentType.change_cipher_spec + i));

export class Tls13RecordSealer implements RecordSealer {
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

  get sequenceNumber(): number {
    return this.#sequenceNumber;
  }

  /** Whether no more than the KeyUpdate and an alert may still be sealed with this key (section 5.5). */
  get exhausted(): boolean {
    return this.#sequenceNumber >= this.#limit - 2;
  }

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

export class Tls13RecordOpener implements RecordOpener {
  readonly #opener: Opener;
  readonly #iv: Uint8Array;
  #sequenceNumber = 0;

  constructor(suite: Tls13CipherSuite, trafficSecret: Uint8Array) {
    const { key, iv } = trafficKeys(suite, trafficSecret);
    this.#opener = suite.aead.opener(key);
    this.#iv = iv;
    wipe(key);
  }

  get sequenceNumber(): number {
    return this.#sequenceNumber;
  }

  maxLength(type: ContentType): number {
    return tls13MaxLength(type);
  }

  open(record: RawRecord): Awaitable<readonly Uint8Array[] | undefined> {
    const nonce = nonceOf(this.#iv, this.#sequenceNumber++);
    return record.length < tagLength ? undefined : this.#opener.open(nonce, record.header, record.payload);
  }

  /** Section 5.2: only what says that it is application data outside can be something inside. */
  unwrap({ type }: RawRecord, plaintext: readonly Uint8Array[], limit: number): PlainRecord {
    if (type !== ContentType.application_data) {
      const expected = [ContentType.application_data];
      throw new TlsError({ code: 'InappropriateMessage', expected, received: type });
    }
    if (totalLength(plaintext) > Math.min(limit, maxPlaintext + 1)) {
      throw new TlsError({ code: 'PeerSentOversizedRecord' });
    }
    return unpad(plaintext);
  }

  skip(): void {
    this.#sequenceNumber--;
  }
}

/** Section 5.2 and 5.4: the last byte that is not zero is the type; what stands before it is the content. */
function unpad(plaintext: readonly Uint8Array[]): PlainRecord {
  for (let last = plaintext.length - 1; last >= 0; last--) {
    const piece = plaintext[last]!;
    let at = piece.length - 1;
    while (at >= 0 && piece[at] === 0) at--;
    if (at < 0) continue;
    const type = piece[at]!;
    if (type < ContentType.alert || type > ContentType.application_data) break;
    const content = plaintext.slice(0, last);
    if (at > 0) content.push(piece.subarray(0, at));
    return { type, content, length: totalLength(content) };
  }
  throw new TlsError({ code: 'PeerMisbehaved', reason: 'IllegalTlsInnerPlaintext' });
}
