/** TLS as a Node stream: a connection of the core over any Duplex. */
import {
  type Awaitable,
  CipherSuite,
  ClientConnection,
  type Connection,
  type HandshakeKind,
  isPromise,
  NamedGroup,
  nameOf,
  ProtocolVersion,
  ServerConnection,
  SignatureScheme,
  TlsError,
} from '@tyls/tls-core';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { ClientEarlyData } from './early_data.ts';
import { batches } from './pieces.ts';
import { closeGently, lendsData, TransportWriter } from './transport.ts';

/**
 * How many bytes are given to a connection at a time: what it makes of them is in memory at once. Also how many wait to be
 * sent: eight full records for a write to the transport, where each write costs as much as sealing one.
 */
const batchSize = 131_072;

/**
 * When a handshake is given up. Long enough for a slow network and a key that answers from afar, short enough that
 * peers who never finish one cannot pile up.
 */
export const defaultHandshakeTimeoutMillis = 30_000;

type WriteCallback = (error: Error | null | undefined) => void;

interface Queued {
  readonly isReady: () => boolean;
  readonly act: () => void;
}

/** What is said of a socket and not of its configuration. */
export interface TlsSocketOptions {
  /** How long the handshake may take, connecting included; 30 000 by default, `Infinity` for as long as it likes. */
  readonly handshakeTimeoutMillis?: number | undefined;
  /**
   * Whether this side stays open for writing after the peer has ended its own; `false` by default, as in `net`. A
   * pipeline that leads back to the same socket needs it: it may hold data yet when the peer has ended.
   */
  readonly allowHalfOpen?: boolean | undefined;
}

/** The options with their defaults. @throws RangeError if the timeout is none */
export function checkSocketOptions(options: TlsSocketOptions): {
  readonly handshakeTimeoutMillis: number;
  readonly allowHalfOpen: boolean;
} {
  const { handshakeTimeoutMillis = defaultHandshakeTimeoutMillis, allowHalfOpen = false } = options;
  // 2^31 is where the timers of Node end.
  const valid = (handshakeTimeoutMillis > 0 && handshakeTimeoutMillis < 2 ** 31) || handshakeTimeoutMillis === Infinity;
  if (!valid) throw new RangeError(`handshakeTimeoutMillis cannot be ${handshakeTimeoutMillis}`);
  return { handshakeTimeoutMillis, allowHalfOpen };
}

/**
 * A TLS connection as a Duplex. `connect`, `accept` and `createServer` make one; so can who has a connection of the core.
 *
 * - `'secureConnect'`: the handshake is complete and the peer verified; all the facts about it can be read.
 * - `'earlyData'`, on a server: the client sent data before its handshake is complete, which {@link takeEarlyData} gives.
 * - What is written before the handshake is complete waits for it, except on a server with `sendHalfRttData`. A write's
 *   callback is called when the transport has taken the data.
 * - `end()` sends close_notify and ends the transport's writable side; reading goes on. The peer's close_notify is
 *   `'end'`. A transport that ends without one is the error `UnexpectedEof`, after all that was received if somebody
 *   reads it.
 * - `'error'` brings a `TlsError`, or what the transport failed with. The alert for it is on its way by then, and the
 *   transport is closed once the peer has had the chance to read it, for a second at most.
 * - `destroy()` gives the connection up: no alert, no close_notify, and the secrets are wiped. So does a listener that
 *   throws.
 */
export class TlsSocket extends Duplex {
  /** The stream under it. What is read from it or written to it by others breaks the connection. */
  readonly transport: Duplex;
  readonly #connection: Connection;
  readonly #writer: TransportWriter;
  /** Whether what arrives is only there until the listener returns. */
  readonly #dataIsLent: boolean;
  readonly #expectedName: string | undefined;
  readonly #onData: (chunk: Uint8Array) => void = (chunk) => this.#dataArrived(chunk);
  readonly #timer: NodeJS.Timeout | undefined;
  #secure = false;
  /** What the transport delivered and the connection has not been given. */
  #inbox: Uint8Array[] = [];
  #transportState: 'open' | 'ended' | 'closed' = 'open';
  #receiving = false;
  #readerWaits = false;
  #peerClosed = false;
  /** Of the write or the end that is under way. */
  #callback: ((error?: Error | null) => void) | undefined;
  /** The write or the end that waits for the handshake, or for so much of it as it needs. */
  #queued: Queued | undefined;
  readonly #earlyData: ClientEarlyData | undefined;
  /** What came early, on a server. */
  #earlyReceived: Uint8Array[] = [];
  #failure: Error | undefined;
  /** Whether what is to be sent waits for the end of the turn. */
  #collects = false;
  readonly #endTurn = (): void => {
    if (!this.#collects) return;
    this.#collects = false;
    this.uncork();
    this.#writer.flush();
  };

  /**
   * @param connection not started, and from here on the socket's alone
   * @param expectedName on a client: the name that the server is verified for
   * @param earlyData on a client whose configuration has `earlyData`: what is sent first, early if a session allows for
   *   all of it, so that it must be safe to be replayed; copied
   * @throws TypeError or RangeError if the transport or the options cannot be
   */
  constructor(
    transport: Duplex,
    connection: Connection,
    options: TlsSocketOptions = {},
    expectedName?: string,
    earlyData?: Uint8Array,
  ) {
    const { allowHalfOpen, handshakeTimeoutMillis } = checkSocketOptions(options);
    super({ allowHalfOpen, writableHighWaterMark: batchSize });
    if (transport.readableObjectMode || transport.readableEncoding !== null || transport.writableObjectMode) {
      throw new TypeError('the transport must be a stream of bytes: neither object mode nor an encoding');
    }
    this.transport = transport;
    this.#connection = connection;
    this.#dataIsLent = lendsData(transport);
    this.#writer = new TransportWriter(transport, () => connection.takeOutput());
    this.#expectedName = expectedName;
    if (earlyData !== undefined && connection instanceof ClientConnection) {
      this.#earlyData = new ClientEarlyData(connection, earlyData);
    }
    // Output leaves in whole flights and batches: Nagle's algorithm could only delay it.
    if (transport instanceof Socket) transport.setNoDelay(true);
    if (handshakeTimeoutMillis !== Infinity) {
      const timedOut = (): void => this.#handshakeTimedOut(handshakeTimeoutMillis);
      this.#timer = setTimeout(timedOut, handshakeTimeoutMillis).unref();
    }
    transport.on('data', this.#onData);
    transport.on('end', () => this.#transportEnded());
    transport.on('close', () => this.#transportClosed());
    transport.on('error', (error) => this.#transportFailed(error));
    transport.on('timeout', () => this.emit('timeout'));
    process.nextTick(() => this.#missedEvents());
    this.#drive(
      () => {
        const started = connection.start();
        return isPromise(started) ? started.then(() => this.#earlyData?.send()) : this.#earlyData?.send();
      },
      (error) => this.#received(error),
    );
  }

  /** Always `true`, for those who ask a socket whether it is one of these: `node:http` and what is built on it. */
  get encrypted(): true {
    return true;
  }

  /** `'TLSv1.3'`; `undefined`, as all of these, before it is negotiated. */
  get protocolVersion(): string | undefined {
    return nameIn(ProtocolVersion, this.#connection.protocolVersion)?.replace('_', '.');
  }

  /** Such as `'TLS_AES_128_GCM_SHA256'`. */
  get cipherSuite(): string | undefined {
    return nameIn(CipherSuite, this.#connection.cipherSuite);
  }

  /** Such as `'X25519'`. */
  get keyExchangeGroup(): string | undefined {
    return nameIn(NamedGroup, this.#connection.keyExchangeGroup);
  }

  /** What ALPN chose, if both sides have it. */
  get alpnProtocol(): string | undefined {
    return this.#connection.alpnProtocol;
  }

  /** How the two sides came to agree: in full, or by resuming a session; with a HelloRetryRequest or without. */
  get handshakeKind(): HandshakeKind | undefined {
    return this.#connection.handshakeKind;
  }

  /** Whether a session was resumed: the peer was verified when that began, and is not again. */
  get isResumed(): boolean {
    return this.handshakeKind?.startsWith('resumed') === true;
  }

  /** On a client, once the handshake is complete: whether its `earlyData` was early. Else it is sent after the handshake. */
  get earlyDataAccepted(): boolean | undefined {
    return this.#secure ? this.#earlyData?.isAccepted : undefined;
  }

  /**
   * On a server with `maxEarlyDataSize`: takes what the client sent early, before all that can be read from the stream;
   * empty if there is nothing, or it is taken. It is complete at `'secureConnect'`, and nobody has vouched for it before:
   * it may be what the client sent on another connection, recorded and sent again. A session store gives each session
   * away once, which keeps such copies from servers that share it, and from no others: what may not be answered twice has
   * no place here. It is never in the stream by itself; `socket.unshift(socket.takeEarlyData())` puts it there.
   */
  takeEarlyData(): Buffer {
    const received = this.#earlyReceived;
    this.#earlyReceived = [];
    return Buffer.concat(received);
  }

  /**
   * The peer's certificates in DER, its own first, once they are verified. Of a raw public key it is the
   * SubjectPublicKeyInfo.
   */
  get peerCertificates(): readonly Uint8Array[] | undefined {
    return this.#connection.peerCertificates;
  }

  /** With what the peer signed the handshake, such as `'ed25519'`; `undefined` where it did not, as in one that resumes. */
  get peerSignatureScheme(): string | undefined {
    return nameIn(SignatureScheme, this.#connection.peerSignatureScheme);
  }

  /** The identity of the external PSK by which both ends know each other, also where a session goes on from it. */
  get pskIdentity(): Uint8Array | undefined {
    return this.#connection.pskIdentity;
  }

  /** On a client the name that the server was verified for; on a server the one that the client asked for. */
  get serverName(): string | undefined {
    return this.#expectedName ?? this.#connection.serverName;
  }

  /**
   * Keying material that only the two ends of this connection can compute (RFC 5705, RFC 8446 section 7.5).
   *
   * @param length in bytes, at most 255 times the length of the suite's hash
   * @param label ASCII, at most 249 characters
   * @param context without one it is empty (RFC 8446 section 7.5)
   * @throws TlsError `HandshakeNotComplete`; what ended the connection, or `Closed`, once it is over
   */
  exportKeyingMaterial(length: number, label: string, context?: Uint8Array): Uint8Array {
    return this.#connection.exportKeyingMaterial(length, label, context);
  }

  /**
   * Keying material from what early data is protected with (RFC 8446 section 7.5): the same again for whoever replays it.
   * On a server it is there from `'earlyData'` on.
   *
   * @param length as in {@link exportKeyingMaterial}, and so are the others
   * @throws TypeError if there is no early data, or it is rejected
   */
  exportEarlyKeyingMaterial(length: number, label: string, context?: Uint8Array): Uint8Array {
    return this.#connection.exportEarlyKeyingMaterial(length, label, context);
  }

  /**
   * On a server: has the session that this handshake makes keep some data, for {@link receivedResumptionData} of the
   * connection that resumes it. To be called right after `accept`; tickets carry it encrypted.
   *
   * @param data at most 8 192 bytes; copied
   * @throws RangeError if it is longer
   * @throws TypeError on a client, and once the handshake is complete
   */
  setResumptionData(data: Uint8Array): void {
    if (!(this.#connection instanceof ServerConnection)) throw new TypeError('setResumptionData() is for servers');
    this.#connection.setResumptionData(data);
  }

  /** On a server: what was kept with the session that this connection resumed; `undefined` if it resumed none. */
  get receivedResumptionData(): Uint8Array | undefined {
    return this.#connection instanceof ServerConnection ? this.#connection.receivedResumptionData : undefined;
  }

  /**
   * Changes the keys of what is sent (RFC 8446 section 4.6.3), and with `both` asks the peer to do the same.
   *
   * @throws TypeError before the handshake is complete or after `end()`
   */
  updateKeys(both: boolean = true): void {
    if (!this.#secure || this.writableEnded || this.#over) {
      throw new TypeError('updateKeys() needs a complete handshake and a socket that is open for writing');
    }
    this.#drive(
      () => this.#connection.updateKeys(both),
      (error) => (error === undefined ? this.#writer.flush() : this.#fail(error)),
    );
  }

  /** As in `net.Socket`, where the transport is one, or TLS over one; these are `undefined` on others. */
  get remoteAddress(): string | undefined {
    return this.#tcp?.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#tcp?.remotePort;
  }

  get remoteFamily(): string | undefined {
    return this.#tcp?.remoteFamily;
  }

  get localAddress(): string | undefined {
    return this.#tcp?.localAddress;
  }

  get localPort(): number | undefined {
    return this.#tcp?.localPort;
  }

  /** As in `net.Socket`, where the transport is one; these do nothing on others. */
  ref(): this {
    this.#tcp?.ref();
    return this;
  }

  unref(): this {
    this.#tcp?.unref();
    return this;
  }

  setKeepAlive(enable?: boolean, initialDelayMillis?: number): this {
    this.#tcp?.setKeepAlive(enable, initialDelayMillis);
    return this;
  }

  setNoDelay(noDelay?: boolean): this {
    this.#tcp?.setNoDelay(noDelay);
    return this;
  }

  /** `'timeout'` is emitted when nothing happened on the transport for so long. */
  setTimeout(millis: number, listener?: () => void): this {
    this.#tcp?.setTimeout(millis);
    if (listener !== undefined) this.once('timeout', listener);
    return this;
  }

  get #tcp(): Socket | TlsSocket | undefined {
    return this.transport instanceof Socket || this.transport instanceof TlsSocket ? this.transport : undefined;
  }

  /** Beside what every Readable does: after a failure what was received before it comes first, then the error. */
  override read(size?: number): Buffer | string | null {
    const chunk = super.read(size) as Buffer | string | null;
    const exhausted = size !== 0 && (chunk === null || this.readableLength === 0);
    if (this.#failure !== undefined && exhausted) this.destroy(this.#failure);
    return chunk;
  }

  override _read(): void {
    this.#readerWaits = true;
    this.#pump();
  }

  /**
   * As in every Writable. What is written in one turn is sent together: sent one by one, writes of 16 KiB would take a
   * quarter more of the CPU's time, and those of 64 bytes fifty times as much.
   */
  override write(chunk: unknown, encoding?: BufferEncoding | WriteCallback, callback?: WriteCallback): boolean {
    if (this.writableCorked === 0) this.#collect();
    return super.write(chunk, encoding as BufferEncoding, callback);
  }

  /** As in every stream. What was written before is given to the transport before that is closed. */
  override destroy(error?: Error): this {
    this.#endTurn();
    return super.destroy(error);
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#sendWhenReady([chunk], callback);
  }

  override _writev(chunks: readonly { chunk: Uint8Array }[], callback: (error?: Error | null) => void): void {
    this.#sendWhenReady(
      chunks.map(({ chunk }) => chunk),
      callback,
    );
  }

  override _final(callback: (error?: Error | null) => void): void {
    const act = (): void => {
      this.#sendInput(
        () => this.#connection.close(),
        () => {
          // A stream that is closed calls nobody back; what this means is the same as when it closes later.
          if (this.#transportState === 'closed') this.#transportClosed();
          // Also called if it fails, which is known from elsewhere.
          else this.transport.end(() => this.transport.writableFinished && this.#called());
        },
      );
    };
    this.#whenReady({ isReady: () => this.#secure, act }, callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    this.#connection.abandon();
    this.#stopReading();
    // After a failure the transport is being closed already.
    if (this.#failure === undefined) {
      if (this.readableEnded && this.writableFinished) closeGently(this.transport);
      else this.transport.destroy();
    }
    callback(error);
    this.#called(error ?? new TlsError({ code: 'Closed' }));
  }

  /** Until the end of the turn. */
  #collect(): void {
    this.#collects = true;
    this.cork();
    process.nextTick(this.#endTurn);
  }

  #called(error?: Error): void {
    const callback = this.#callback;
    this.#callback = undefined;
    callback?.(error);
  }

  #sendWhenReady(data: readonly Uint8Array[], callback: (error?: Error | null) => void): void {
    const isReady = (): boolean => this.#secure || this.#connection.sendsHalfRttData;
    this.#whenReady({ isReady, act: () => this.#send(batches(data, batchSize)) }, callback);
  }

  #whenReady(queued: Queued, callback: (error?: Error | null) => void): void {
    if (this.#failure !== undefined) {
      callback(this.#failure);
      return;
    }
    // A write that has to wait is done after the event that it waited for.
    this.#callback = queued.isReady() ? callback : (error): void => process.nextTick(callback, error);
    this.#queued = queued;
    this.#sendQueued();
  }

  #sendQueued(): void {
    const queued = this.#queued;
    if (queued === undefined || !queued.isReady()) return;
    this.#queued = undefined;
    queued.act();
  }

  /** Sends one batch after another, each when the transport has taken the one before. */
  #send(batchesToSend: readonly (readonly Uint8Array[])[], next: number = 0): void {
    const batch = batchesToSend[next];
    if (batch === undefined) {
      this.#called();
      return;
    }
    this.#sendInput(
      () => {
        let last: Awaitable<void> = undefined;
        for (const piece of batch) {
          last = this.#connection.send(piece);
          // The last of them speaks for all: it is done after the others, and fails if one does.
          if (isPromise(last)) last.then(undefined, () => {});
        }
        return last;
      },
      () => {
        if (!this.transport.writable) this.#fail(transportClosed());
        else if (next + 1 === batchesToSend.length) this.#called();
        // Not at once: there can be more of them than calls on the stack.
        else process.nextTick(() => this.#send(batchesToSend, next + 1));
      },
    );
  }

  #sendInput(input: () => Awaitable<void>, taken: () => void): void {
    this.#drive(input, (error) => {
      if (error !== undefined) this.#fail(error);
      else if (!this.#over) this.#writer.flush(taken);
    });
  }

  /** Whether there is nothing left to do but to tell the reader of a failure. */
  get #over(): boolean {
    return this.#failure !== undefined || this.destroyed;
  }

  #dataArrived(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at += batchSize) this.#inbox.push(chunk.subarray(at, at + batchSize));
    this.#pump();
    if (this.#dataIsLent) this.#inbox = this.#inbox.map((left) => new Uint8Array(left));
    if (!this.#over && !this.#peerClosed && (this.#receiving || !this.#wantsInput)) this.transport.pause();
  }

  /** What became of the transport before anybody listened. */
  #missedEvents(): void {
    if (this.transport.destroyed) this.#transportClosed();
    else if (!this.transport.writable) this.#fail(transportClosed());
    else if (this.transport.readableEnded) this.#transportEnded();
  }

  #transportEnded(): void {
    if (this.#transportState === 'open') this.#transportState = 'ended';
    this.#pump();
  }

  /** A peer that has said that it is done may be gone: what is not the application's data need not reach it any more. */
  #transportFailed(error: Error): void {
    if (!this.#peerClosed || this.writableLength > 0) this.#fail(error);
  }

  #transportClosed(): void {
    this.#transportState = 'closed';
    if (!this.#peerClosed) this.#pump();
    else if (this.#callback !== undefined) {
      // That our close_notify finds nobody is of no interest; that data does is.
      if (this.writableLength > 0) this.#fail(transportClosed());
      else this.#called();
    }
  }

  /** The handshake takes what comes; after it the reader says when, unless it waits for the end of a dead transport. */
  get #wantsInput(): boolean {
    const asked = !this.#secure || this.#readerWaits || this.#transportState === 'closed';
    return asked && !this.#over && !this.#peerClosed;
  }

  /** Gives the connection what has arrived, one piece at a time, as long as the reader wants more. */
  #pump(): void {
    while (!this.#receiving && this.#wantsInput) {
      const chunk = this.#inbox.shift();
      if (chunk === undefined && this.#transportState === 'open') {
        this.transport.resume();
        return;
      }
      this.#receiving = true;
      let returned = false;
      this.#drive(
        () => (chunk === undefined ? this.#connection.receiveEnd() : this.#connection.receive(chunk, this.#dataIsLent)),
        (error) => {
          try {
            this.#received(error);
          } catch (thrown) {
            // By a listener. Data that comes with what it was called for would go missing, if this went on.
            this.destroy();
            throw thrown;
          }
          this.#receiving = false;
          if (returned) this.#pump();
        },
      );
      returned = true;
    }
  }

  #received(error: Error | undefined): void {
    if (this.#over) return;
    this.#earlyDataReceived();
    if (!this.#secure && !this.#connection.isHandshaking) this.#handshakeComplete();
    else this.#sendQueued();
    for (const piece of this.#connection.takePlaintext()) if (!this.push(piece)) this.#readerWaits = false;
    if (error !== undefined) {
      this.#fail(error);
      return;
    }
    if (!this.#collects) this.#writer.flush();
    if (this.#connection.peerClosed && !this.#peerClosed) {
      this.#peerClosed = true;
      this.#stopReading();
      // What comes after close_notify is not data; read it all the same, to learn of the transport's end.
      this.transport.resume();
      this.push(null);
      // As net.Socket does: or nobody would hear of the end who does not read.
      this.read(0);
    }
  }

  #handshakeComplete(): void {
    this.#secure = true;
    clearTimeout(this.#timer);
    this.#sendLateData();
    this.#sendQueued();
    if (this.#over) return;
    // A Finished, or tickets: with what is written now that the handshake is complete, in one write to the transport.
    if (!this.#collects) this.#collect();
    this.emit('secureConnect');
    // As net.Socket does: reads ahead, so that the peer's end is seen even if nobody reads.
    if (!this.destroyed) this.read(0);
  }

  /** Before everything that was written. */
  #sendLateData(): void {
    const data = this.#earlyData?.late;
    if (data === undefined || data.length === 0) return;
    this.#drive(
      () => this.#connection.send(data),
      (error) => (error === undefined ? this.#writer.flush() : this.#fail(error)),
    );
  }

  #earlyDataReceived(): void {
    if (!(this.#connection instanceof ServerConnection)) return;
    const data = this.#connection.takeEarlyData();
    if (data.length === 0) return;
    this.#earlyReceived.push(...data);
    this.emit('earlyData');
  }

  #handshakeTimedOut(afterMillis: number): void {
    const error = new TlsError({ code: 'HandshakeTimeout', afterMillis });
    this.#connection.abandon(error);
    this.#fail(error);
  }

  #stopReading(): void {
    this.transport.off('data', this.#onData);
    this.#inbox = [];
  }

  #fail(error: Error): void {
    if (this.#over) return;
    this.#failure = error;
    clearTimeout(this.#timer);
    this.#stopReading();
    this.#connection.abandon();
    if (this.#writer.finish()) closeGently(this.transport);
    else this.transport.destroy();
    // A writer is told at once. A reader gets what was received first, see read(); if there is one, or is about to be.
    if (this.readableLength === 0 || this.#callback !== undefined) this.destroy(error);
    else setImmediate(() => this.readableFlowing === null && this.destroy(error));
  }

  /** Gives the connection an input. @param then called when it is done, with the error if it failed */
  #drive(input: () => Awaitable<void>, then: (error?: Error) => void): void {
    let running: Awaitable<void>;
    try {
      running = input();
    } catch (error) {
      then(error as Error);
      return;
    }
    if (isPromise(running)) void running.then(() => then(), then);
    else then();
  }
}

function transportClosed(): Error {
  return new Error('the transport was closed before everything was written');
}

function nameIn(registry: Readonly<Record<string, number>>, value: number | undefined): string | undefined {
  return value === undefined ? undefined : nameOf(registry, value);
}
