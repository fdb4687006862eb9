/** What a connection receives: records opened in order, alerts and change_cipher_spec dealt with, messages joined. */
import { copyOf } from '../codec/bytes.ts';
import { TlsError } from '../error.ts';
import { type HandshakeMessage } from '../messages/handshake.ts';
import { AlertDescription, AlertLevel, ContentType, type HandshakeType } from '../registry.ts';
import { type Awaitable, isPromise, needInput, type Step, wait } from '../step/step.ts';
import { type ConnectionTrace } from '../trace.ts';
import { Deframer, maxPlaintext, type RawRecord } from './deframer.ts';
import { Joiner } from './joiner.ts';
import { type PlainRecord, type RecordOpener } from './protection.ts';
import { tls13MaxLength } from './protection_tls13.ts';

/** A record being opened. */
interface Opening {
  readonly record: RawRecord;
  /** Whether it is to be under protection. */
  readonly isProtected: boolean;
  /** `undefined` if it is not, or if it cannot be opened. */
  readonly plaintext: Awaitable<readonly Uint8Array[] | undefined>;
}

/** As in {@link Outbound}: how many records an asynchronous opener works on at a time, once the handshake is over. */
const maxInFlight = 8;
const maxConsecutiveEmptyRecords = 32;
/** RFC 8446 section 6.1: of these only user_canceled is left. TLS 1.2 has others. */
const maxWarningAlerts = 4;
/** RFC 8446 section D.4 sends one a side; a HelloRetryRequest can bring a second. */
const maxChangeCipherSpecs = 2;

export class Inbound {
  readonly #deframer = new Deframer();
  readonly #joiner = new Joiner();
  #opener: RecordOpener | undefined;
  #opened = 0;
  /** Records being opened, in order. More than one only with an asynchronous opener, after the handshake. */
  #ahead: Opening[] = [];
  /** Whether an opener has answered later, which may read its input until then. */
  #opensLater = false;
  /** Whether what was pushed last is the caller's again at {@link keep}. */
  #lent = false;
  #ended = false;
  #closed = false;
  /** Until the handshake is complete: change_cipher_spec may come, alerts end it, nothing is read ahead. */
  #handshaking = true;
  /** Whether change_cipher_spec may come already: not before the first ClientHello. */
  #changeCipherSpecAllowed = false;
  #changeCipherSpecs = 0;
  /** Whether change_cipher_spec is a message of the handshake, and comes under protection like everything else. */
  #isTls12 = false;
  /** Whether an alert of warning level lets the connection go on. */
  #heedsAlertLevels = false;
  #emptyRecords = 0;
  #warnings = 0;
  /** Most bytes of plaintext in a protected record, where the version does not allow fewer. */
  #plaintextLimit = Infinity;
  #trace: ConnectionTrace | undefined;
  /** Bytes of rejected early data that may still come; `undefined` if none may. */
  #earlyDataBudget: number | undefined;

  setTrace(trace: ConnectionTrace): void {
    this.#trace = trace;
  }

  /** Of the record that is received next, where none is being opened. */
  get sequenceNumber(): number {
    return this.#opener?.sequenceNumber ?? 0;
  }

  /**
   * Gives up the bytes of a record that is not all here; `undefined` where there is more than that: records being opened,
   * or a part of a handshake message.
   */
  takePartialRecord(): Uint8Array | undefined {
    return this.#ahead.length > 0 || this.#joiner.pending ? undefined : this.#deframer.take();
  }

  /** How many protected records came. */
  get opened(): number {
    return this.#opened;
  }

  /**
   * Keeps `bytes` until they are consumed. After the peer's close_notify they are ignored (section 6.1).
   *
   * @param areLent only until {@link keep}
   */
  push(bytes: Uint8Array, areLent: boolean = false): void {
    if (this.#closed) return;
    // Messages in the clear are read where they are, also after a wait.
    this.#lent = areLent && !this.#handshaking && !this.#opensLater;
    this.#deframer.push(areLent && !this.#lent ? copyOf(bytes) : bytes);
  }

  /** Gives back what was lent: what is not consumed is copied. */
  keep(): void {
    if (this.#lent) this.#deframer.keep();
    this.#lent = false;
  }

  /** The transport will bring no more. */
  end(): void {
    this.#ended = true;
  }

  /** Whether the peer sent close_notify: the end of its data, not cut short. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Everything received from here on is under this key. Section 5.1: no message may straddle the change, nor stand
   * behind the one that brought it in the same record.
   */
  setOpener(opener: RecordOpener): void {
    this.checkFlightEnd();
    this.#opener = opener;
    this.#trace?.keyChanged('received', this.#opened);
    // Records that were being opened with the old key while the message that ended it was still unread.
    this.#ahead = this.#ahead.map(({ record }) => this.#open(record));
  }

  /**
   * The peer's flight is here, and it has to wait for ours: whatever stands behind it in the same record came before its
   * time.
   */
  checkFlightEnd(): void {
    if (this.#joiner.pending) throw new TlsError({ code: 'PeerMisbehaved', reason: 'KeyEpochWithPendingFragment' });
  }

  /** TLS 1.2 may be chosen, in which alerts have levels (RFC 5246 section 7.2): a server may send one before it chooses. */
  heedAlertLevels(heed: boolean): void {
    this.#heedsAlertLevels = heed;
  }

  /**
   * TLS 1.2 was chosen: change_cipher_spec is a message from here on (RFC 5246 section 7.1). The dummy one of TLS 1.3
   * must not have come.
   */
  enterTls12(): void {
    if (this.#changeCipherSpecs > 0) throw illegalChangeCipherSpec();
    this.#isTls12 = true;
    this.#heedsAlertLevels = true;
  }

  allowChangeCipherSpec(): void {
    this.#changeCipherSpecAllowed = true;
  }

  /** RFC 8449 section 4: longer plaintext in protected records is refused from here on; by default no limit but the version's. */
  limitPlaintext(bytes: number = Infinity): void {
    this.#plaintextLimit = bytes;
  }

  handshakeComplete(): void {
    this.#handshaking = false;
    this.#earlyDataBudget = undefined;
  }

  /**
   * Section 4.2.10: the client may send early data that is not accepted. Records that cannot be opened are dropped, at
   * most `bytes` of them, until one can be. `undefined`: it no longer may.
   */
  skipEarlyData(bytes: number | undefined): void {
    this.#earlyDataBudget = bytes;
  }

  /** The next handshake message, which must be one of `expected`. */
  *message(...expected: HandshakeType[]): Step<HandshakeMessage> {
    this.#trace?.expecting(expected);
    let message = this.joined();
    while (message === undefined) message = this.join(yield* this.recordOf(ContentType.handshake));
    if (!expected.includes(message.type)) {
      throw new TlsError({ code: 'InappropriateHandshakeMessage', expected, received: message.type });
    }
    return message;
  }

  /** The next record, which must be of that type. */
  *recordOf(type: ContentType): Step<PlainRecord> {
    const record = yield* this.record();
    if (record === undefined) throw new TlsError({ code: 'AlertReceived', alert: AlertDescription.close_notify });
    if (record.type === type) return record;
    throw new TlsError({ code: 'InappropriateMessage', expected: [type], received: record.type });
  }

  /** Adds a handshake record; the first message that it completes, if it does. The others come by {@link joined}. */
  join(record: PlainRecord): HandshakeMessage | undefined {
    for (const fragment of record.content) this.#joiner.push(fragment);
    return this.joined();
  }

  /** The next message of those already here. */
  joined(): HandshakeMessage | undefined {
    const message = this.#joiner.next();
    if (message !== undefined) this.#trace?.messageReceived(message.type, message.raw);
    return message;
  }

  /**
   * The next record of handshake or application data, in TLS 1.2 also of change_cipher_spec; `undefined` at the peer's
   * close_notify.
   */
  *record(): Step<PlainRecord | undefined> {
    while (!this.#closed) {
      const record = yield* this.#next();
      if (record.type !== ContentType.handshake && this.#joiner.pending) {
        throw new TlsError({ code: 'PeerMisbehaved', reason: 'MessageInterleavedWithHandshakeMessage' });
      }
      switch (record.type) {
        case ContentType.change_cipher_spec:
          checkChangeCipherSpec(record);
          if (this.#isTls12) return record;
          this.#dropChangeCipherSpec();
          break;
        case ContentType.alert:
          this.#alert(record);
          break;
        case ContentType.handshake:
          // Section 5.1 and 5.4: only application data may have no content.
          if (record.length === 0) throw new TlsError(emptyRecord('handshake record'));
          return record;
        default:
          // Before there is traffic an empty one is as unexpected as any.
          if (record.length > 0 || this.#handshaking) {
            this.#emptyRecords = 0;
            return record;
          }
          this.#countEmpty();
      }
    }
    return undefined;
  }

  #countEmpty(): void {
    if (++this.#emptyRecords > maxConsecutiveEmptyRecords) {
      throw new TlsError({ code: 'PeerMisbehaved', reason: 'TooManyEmptyRecords' });
    }
  }

  /** Section 5: in middlebox compatibility mode, unprotected, it is dropped; else it is refused. */
  #dropChangeCipherSpec(): void {
    const allowed = this.#handshaking && this.#changeCipherSpecAllowed;
    if (!allowed || ++this.#changeCipherSpecs > maxChangeCipherSpecs) throw illegalChangeCipherSpec();
  }

  /** Section 6: all alerts but two are the end, whatever level they claim; where levels count, only fatal ones. */
  #alert(record: PlainRecord): void {
    if (record.length === 0) throw new TlsError(emptyRecord('alert record'));
    if (record.length !== 2) throw new TlsError({ code: 'InvalidMessage', reason: 'InvalidAlert', what: 'alert' });
    const level = record.content[0]![0]!;
    const alert = record.content.at(-1)!.at(-1)!;
    this.#trace?.alertReceived(level, alert);
    if (level !== AlertLevel.warning && level !== AlertLevel.fatal) {
      throw new TlsError({ code: 'PeerMisbehaved', reason: 'IllegalAlertLevel', what: `level ${level}` });
    }
    if (alert === AlertDescription.close_notify && !this.#handshaking) {
      this.#closed = true;
      this.#deframer.clear();
      this.#ahead = [];
    } else if (this.#isWarning(level, alert)) {
      if (++this.#warnings > maxWarningAlerts) {
        throw new TlsError({ code: 'PeerMisbehaved', reason: 'TooManyWarningAlerts' });
      }
    } else {
      throw new TlsError({ code: 'AlertReceived', alert });
    }
  }

  #isWarning(level: number, alert: AlertDescription): boolean {
    if (!this.#heedsAlertLevels) return alert === AlertDescription.user_canceled;
    return level === AlertLevel.warning && alert !== AlertDescription.close_notify;
  }

  /** The next record, opened and unpadded. */
  *#next(): Step<PlainRecord> {
    for (;;) {
      this.#readAhead();
      const opening = this.#ahead.shift();
      if (opening === undefined) {
        if (this.#ended) {
          throw new TlsError({ code: 'UnexpectedEof', during: this.#handshaking ? 'handshake' : 'traffic' });
        }
        yield needInput;
        continue;
      }
      const { record } = opening;
      if (!opening.isProtected && !this.#isSkippable(record)) {
        return { type: record.type, content: record.payload, length: record.length };
      }
      const opener = this.#opener;
      const plaintext = yield* wait(opening.plaintext);
      if (plaintext !== undefined && opener !== undefined) {
        this.#opened++;
        this.#earlyDataBudget = undefined;
        return opener.unwrap(record, plaintext, this.#plaintextLimit);
      }
      if (!this.#isSkippable(record)) throw new TlsError({ code: 'DecryptError' });
      this.#skip(record);
      if (opening.isProtected) opener?.skip();
    }
  }

  /** Not between the fragments of a message, where nothing else may stand (section 5.1). */
  #isSkippable({ type }: RawRecord): boolean {
    return this.#earlyDataBudget !== undefined && type === ContentType.application_data && !this.#joiner.pending;
  }

  #skip(record: RawRecord): void {
    // An empty record costs a byte too, or there could be any number of them.
    this.#earlyDataBudget! -= Math.max(record.length, 1);
    if (this.#earlyDataBudget! < 0) throw new TlsError({ code: 'PeerMisbehaved', reason: 'TooMuchEarlyDataReceived' });
  }

  #readAhead(): void {
    const limit = this.#handshaking ? 1 : maxInFlight;
    while (this.#ahead.length < limit) {
      let record: RawRecord | undefined;
      try {
        record = this.#deframer.next((type) => this.#maxLength(type));
      } catch (error) {
        // What came before this record is to be delivered first; the deframer refuses it again.
        if (this.#ahead.length > 0) return;
        throw error;
      }
      if (record === undefined) return;
      const opening = this.#open(record);
      this.#ahead.push(opening);
      if (!isPromise(opening.plaintext)) return;
    }
  }

  #maxLength(type: ContentType): number {
    if (this.#opener !== undefined) return this.#opener.maxLength(type);
    return this.#earlyDataBudget === undefined ? maxPlaintext : tls13MaxLength(type);
  }

  #open(received: RawRecord): Opening {
    const opener = this.#opener;
    // One that answers later reads on when the record is no longer ours.
    const isKept = this.#lent && this.#opensLater;
    const record = isKept
      ? { ...received, header: copyOf(received.header), payload: received.payload.map(copyOf) }
      : received;
    const isProtected = opener !== undefined && !this.#mayBeUnprotected(record);
    if (!isProtected) return { record, isProtected, plaintext: undefined };
    const plaintext = opener.open(record);
    if (!isPromise(plaintext)) return { record, isProtected, plaintext };
    // It may never be waited for, if a record before it is the end.
    plaintext.then(undefined, () => {});
    const isFirst = !this.#opensLater;
    this.#opensLater = true;
    if (!isFirst || !this.#lent) return { record, isProtected, plaintext };
    opener.skip();
    return this.#open(record);
  }

  /**
   * Under protection, change_cipher_spec comes as it is (section 5), and so does the alert of a peer that failed before
   * it had the keys: until something was opened, one may have.
   */
  #mayBeUnprotected(record: RawRecord): boolean {
    if (this.#isTls12) return false;
    if (record.type === ContentType.change_cipher_spec) return true;
    return record.type === ContentType.alert && this.#handshaking && this.#opened === 0 && record.length === 2;
  }
}

/** Section 5 and RFC 5246 section 7.1: one byte of value 1. */
function checkChangeCipherSpec({ length, content }: PlainRecord): void {
  if (length !== 1 || content[0]![0] !== 1) {
    throw new TlsError({ code: 'InvalidMessage', reason: 'InvalidChangeCipherSpec', what: 'change_cipher_spec' });
  }
}

function illegalChangeCipherSpec(): TlsError {
  return new TlsError({ code: 'PeerMisbehaved', reason: 'IllegalMiddleboxChangeCipherSpec' });
}

function emptyRecord(what: string): { code: 'InvalidMessage'; reason: 'EmptyRecord'; what: string } {
  return { code: 'InvalidMessage', reason: 'EmptyRecord', what };
}
