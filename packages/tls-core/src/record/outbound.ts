/** What a connection sends: fragments, sealed in order, as a list of pieces for one vectored write. */
import { asTlsError } from '../error.ts';
import { ContentType, ProtocolVersion } from '../registry.ts';
import { type Awaitable, isPromise } from '../step/step.ts';
import { type ConnectionTrace } from '../trace.ts';
import { maxPlaintext } from './deframer.ts';
import { type RecordSealer } from './protection.ts';

/**
 * How many records an asynchronous sealer works on at a time: enough to fill the platform's thread pool, where one at a
 * time would wait for a round trip each.
 */
const maxInFlight = 8;

/** A record on its way out: waiting to be sealed, being sealed, or sealed. */
interface Sealing {
  readonly start: () => Awaitable<readonly Uint8Array[]>;
  pieces: readonly Uint8Array[] | undefined;
}

export class Outbound {
  #maxFragment: number = maxPlaintext;
  #sealer: RecordSealer | undefined;
  #output: Uint8Array[] = [];
  #bytes = 0;
  /** Only with an asynchronous sealer: records in order, the first `#started` of them begun. */
  #queue: Sealing[] = [];
  #started = 0;
  #idle: Deferred | undefined;
  #sealed = 0;
  #trace: ConnectionTrace | undefined;
  #failure: { readonly error: unknown } | undefined;
  #closed = false;

  setTrace(trace: ConnectionTrace): void {
    this.#trace = trace;
  }

  /** Of the record that is sent next. */
  get sequenceNumber(): number {
    return this.#sealer?.sequenceNumber ?? 0;
  }

  /** How many protected records were sent. */
  get sealed(): number {
    return this.#sealed;
  }

  /** @param bytes most plaintext in a record */
  setMaxFragment(bytes: number): void {
    this.#maxFragment = bytes;
  }

  /** The peer accepts no more plaintext than that in a record. */
  limitFragment(bytes: number): void {
    this.#maxFragment = Math.min(this.#maxFragment, bytes);
  }

  /** Everything sent from here on is under this key. */
  setSealer(sealer: RecordSealer): void {
    this.#sealer = sealer;
    this.#trace?.keyChanged('sent', this.#sealed);
  }

  /** Everything sent from here on is in the clear again: the key was one that the peer does not have. */
  dropSealer(): void {
    this.#sealer = undefined;
  }

  /** Whether the key has reached its limit and must be updated before more application data. */
  get keyExhausted(): boolean {
    return this.#sealer?.exhausted === true;
  }

  /** How many bytes wait in {@link take}. */
  get outputBytes(): number {
    return this.#bytes;
  }

  /** The pieces of `data` that fit a record each, in order; an empty one if there is no data. */
  fragments(data: Uint8Array): Uint8Array[] {
    if (data.length <= this.#maxFragment) return [data];
    const fragments = [];
    for (let at = 0; at < data.length; at += this.#maxFragment)
      fragments.push(data.subarray(at, at + this.#maxFragment));
    return fragments;
  }

  /** Sends data of a type in as many records as it takes. Keeps `data` until {@link idle}. */
  send(type: ContentType, data: Uint8Array): void {
    this.#trace?.sent(type, data);
    for (const fragment of this.fragments(data)) this.sendRecord(type, fragment);
  }

  /** Sends one record. Keeps `fragment` until {@link idle}. */
  sendRecord(type: ContentType, fragment: Uint8Array): void {
    const sealer = this.#sealer;
    if (sealer === undefined) return this.sendPlaintextRecord(type, fragment);
    this.#sealed++;
    this.#enqueue(sealer.prepare(type, fragment));
  }

  /**
   * Sends one record unprotected: as ever before there are keys, and for change_cipher_spec even afterwards.
   *
   * @param version legacy_record_version; 0x0301 in a first ClientHello, for old servers (RFC 8446 section 5.1)
   */
  sendPlaintextRecord(type: ContentType, fragment: Uint8Array, version: number = ProtocolVersion.TLSv1_2): void {
    const header = Uint8Array.of(type, version >> 8, version, fragment.length >> 8, fragment.length);
    this.#enqueue(() => [header, fragment]);
  }

  /** The pieces to write to the transport, in order, now its own. */
  take(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    this.#bytes = 0;
    return output;
  }

  /** Nothing, if everything sent is in the output; else a promise of that, which rejects if sealing fails. */
  idle(): Awaitable<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#idle?.promise;
  }

  /** As {@link idle}, but only waits: a failure to seal was reported already, or no longer matters. */
  drained(): Awaitable<void> {
    return this.#idle?.promise.then(undefined, () => {});
  }

  #emit(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) {
      if (piece.length === 0) continue;
      this.#output.push(piece);
      this.#bytes += piece.length;
    }
  }

  /** Lets nothing more be sent; what was sent before still comes to the output. */
  close(): void {
    this.#closed = true;
  }

  #enqueue(start: () => Awaitable<readonly Uint8Array[]>): void {
    if (this.#closed || this.#failure !== undefined) return;
    if (this.#queue.length === 0) {
      const pieces = start();
      if (!isPromise(pieces)) {
        this.#emit(pieces);
        return;
      }
      const sealing: Sealing = { start, pieces: undefined };
      this.#queue.push(sealing);
      this.#started = 1;
      this.#idle = deferred();
      this.#await(sealing, pieces);
    } else {
      this.#queue.push({ start, pieces: undefined });
      this.#startMore();
    }
  }

  #startMore(): void {
    while (this.#started < this.#queue.length && this.#started < maxInFlight) {
      const sealing = this.#queue[this.#started++]!;
      try {
        const pieces = sealing.start();
        if (isPromise(pieces)) this.#await(sealing, pieces);
        else sealing.pieces = pieces;
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  #await(sealing: Sealing, pieces: PromiseLike<readonly Uint8Array[]>): void {
    pieces.then(
      (sealed) => {
        sealing.pieces = sealed;
        this.#flush();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  /** Emits what is sealed, as far as the order allows, and begins as many more. */
  #flush(): void {
    // What begins last may be answered at once, and be the next.
    while (this.#queue[0]?.pieces !== undefined) {
      let done = 0;
      while (done < this.#started && this.#queue[done]!.pieces !== undefined) this.#emit(this.#queue[done++]!.pieces!);
      this.#queue.splice(0, done);
      this.#started -= done;
      this.#startMore();
    }
    if (this.#queue.length === 0) this.#settle();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#queue = [];
    this.#settle();
  }

  #settle(): void {
    const idle = this.#idle;
    this.#idle = undefined;
    if (this.#failure === undefined) idle?.resolve();
    else idle?.reject(asTlsError(this.#failure.error));
  }
}

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

function deferred(): Deferred {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Whoever asks for it gets the rejection; nobody has to.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
