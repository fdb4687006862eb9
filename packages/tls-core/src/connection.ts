/**
 * A TLS connection without I/O: bytes in, bytes out. What both roles share; `client.ts` and `server.ts` have the rest.
 */
import { copyOf } from './codec/bytes.ts';
import { asTlsError, TlsError } from './error.ts';
import { type HandshakeIo, type HandshakeKind, type Traffic } from './handshake/io.ts';
import { type EarlyData } from './handshake/early_data.ts';
import { Inbound } from './record/inbound.ts';
import { Outbound } from './record/outbound.ts';
import { type ExtractedSecrets } from './record/secret_extraction.ts';
import {
  AlertDescription,
  AlertLevel,
  type CipherSuite,
  ContentType,
  KeyUpdateRequest,
  type NamedGroup,
  type ProtocolVersion,
  type SignatureScheme,
} from './registry.ts';
import { Runner } from './step/runner.ts';
import { type Awaitable, isPromise, type Step } from './step/step.ts';

/**
 * One end of a TLS connection.
 *
 * Inputs: {@link start}, {@link receive}, {@link receiveEnd}, {@link send}, {@link close}, {@link updateKeys}. Each does
 * all that can be done and then returns; with an asynchronous provider it returns a promise of having done so. After
 * each, successful or not, take the outputs: {@link takeOutput} is to be written to the transport, {@link takePlaintext}
 * is for the application. Every promise has to be handled, since each of them rejects if the connection fails. Await that
 * of `receive` before calling it again, so that a fast peer does not fill the memory, and that of `send` for the same
 * reason.
 *
 * Facts ({@link protocolVersion}, {@link serverName} and the like) are there as they become known. Until
 * {@link isHandshaking} is false nobody has vouched for them; {@link peerCertificates} is there only then.
 *
 * Errors: the first `TlsError` is final. The alert for it is in the output, what was received before it can still be
 * taken, and every later input throws (or rejects with) the same error.
 *
 * This is the one class that others extend: the roles differ in the handshake they pass to it and in nothing else.
 */
export class Connection {
  readonly #io: HandshakeIo;
  readonly #runner: Runner<void>;
  #traffic: Traffic | undefined;
  #received: Uint8Array[] = [];
  /** What is to be sent once the handshake is complete. */
  #queued: Uint8Array[] = [];
  /** Whether it has failed, or was given up. */
  #over = false;
  #error: TlsError | undefined;
  #writeClosed = false;
  /** Whether a server may send before it has the client's Finished. */
  #sendsHalfRttData = false;
  #keyUpdateAnswered = false;

  protected constructor(handshake: (io: HandshakeIo) => Step<Traffic>, maxFragmentSize: number | undefined) {
    const outbound = new Outbound();
    this.#io = {
      inbound: new Inbound(),
      outbound,
      facts: {},
      sendHalfRttData: () => this.#startHalfRttData(),
    };
    if (maxFragmentSize !== undefined) this.#io.outbound.setMaxFragment(maxFragmentSize);
    this.#runner = new Runner(this.#run(handshake));
  }

  *#run(handshake: (io: HandshakeIo) => Step<Traffic>): Step<void> {
    try {
      const traffic = yield* handshake(this.#io);
      // A verifier, a resolver or a key log may have given the connection up meanwhile.
      if (this.#over) return traffic.wipe();
      this.#completed(traffic);
      yield* traffic.receive({
        deliver: (content) => void this.#received.push(...content),
        keyUpdateRequested: () => this.#answerKeyUpdate(traffic),
        warn: (alert) => {
          if (!this.#writeClosed) this.#sendAlert(AlertLevel.warning, alert);
        },
      });
      this.#traceEnd(undefined);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Begins: a client's ClientHello is in the output then. Does nothing more when called again. */
  start(): Awaitable<void> {
    return this.#input(() => this.#runner.run());
  }

  /**
   * Takes bytes from the transport. Keeps them until they are processed.
   *
   * @param areLent the array is the caller's again as soon as this returns, be it with a promise, to read into it again:
   *   what is not processed by then is copied
   */
  receive(bytes: Uint8Array, areLent: boolean = false): Awaitable<void> {
    return this.#input(() => {
      this.#io.inbound.push(bytes, areLent);
      const running = this.#runner.run();
      this.#io.inbound.keep();
      return running;
    });
  }

  /**
   * The transport has ended.
   *
   * Fails with `UnexpectedEof` if the peer had not said so before: what was received may be cut short by an attacker.
   */
  receiveEnd(): Awaitable<void> {
    return this.#input(() => {
      this.#io.inbound.end();
      return this.#runner.run();
    });
  }

  /**
   * Sends application data. Before the handshake is complete it is copied and waits; else it is kept until it is in the
   * output.
   *
   * @throws TypeError after {@link close}
   */
  send(data: Uint8Array): Awaitable<void> {
    if (this.#writeClosed) {
      this.#throwIfFailed();
      throw new TypeError('send() after close()');
    }
    return this.#input(() => {
      if (this.#traffic === undefined) this.#sendEarlier(data);
      else if (data.length > 0) this.#sendData(this.#traffic, data);
    });
  }

  /**
   * Says that nothing more will be sent: close_notify goes out after what was sent, and after the handshake if that is
   * still under way. Receiving goes on (half-close). Does nothing more when called again.
   */
  close(): Awaitable<void> {
    return this.#input(() => {
      if (this.#writeClosed) return;
      this.#writeClosed = true;
      if (this.#traffic !== undefined) this.#sendAlert(AlertLevel.warning, AlertDescription.close_notify);
    });
  }

  /**
   * Changes the keys of what is sent (RFC 8446 section 4.6.3).
   *
   * @param both whether the peer is asked to do the same
   * @throws TypeError before the handshake is complete, after {@link close}, or in TLS 1.2, which has no such thing
   */
  updateKeys(both: boolean = true): Awaitable<void> {
    const traffic = this.#traffic;
    if (traffic === undefined || this.#writeClosed) {
      this.#throwIfFailed();
      throw new TypeError('updateKeys() needs a complete handshake and a connection that is open for sending');
    }
    if (traffic.updateKeys === undefined) throw new TypeError('updateKeys() needs TLS 1.3');
    const { update_requested, update_not_requested } = KeyUpdateRequest;
    return this.#input(() => traffic.updateKeys?.(both ? update_requested : update_not_requested));
  }

  /**
   * Gives the connection up: its secrets are wiped, no alert is sent, and every later input fails with `reason`, or with
   * `Closed`.
   */
  abandon(reason?: TlsError): void {
    if (!this.#over) {
      this.#over = true;
      this.#error = reason;
      this.#end(reason?.code ?? 'Closed');
    }
    this.#runner.close(reason);
  }

  /** The pieces to write to the transport, in order, best in one vectored write. The caller owns them. */
  takeOutput(): Uint8Array[] {
    this.#keyUpdateAnswered = false;
    return this.#io.outbound.take();
  }

  /** Application data received, in order, in the pieces in which it came. The caller owns them. */
  takePlaintext(): Uint8Array[] {
    const received = this.#received;
    this.#received = [];
    return received;
  }

  /** Whether the handshake is not complete yet. */
  get isHandshaking(): boolean {
    return this.#traffic === undefined;
  }

  /** Whether the handshake is not complete, and what a server sends goes out all the same (0.5-RTT); else it waits. */
  get sendsHalfRttData(): boolean {
    return this.#sendsHalfRttData && this.#traffic === undefined;
  }

  /** Whether the peer sent close_notify: it sends nothing more, and nothing was cut short. */
  get peerClosed(): boolean {
    return this.#io.inbound.closed;
  }

  /** The error that ended the connection, if one did. */
  get error(): TlsError | undefined {
    // Only now where there was no reason: its stack takes longer than all else that giving a connection up does.
    if (this.#over) this.#error ??= new TlsError({ code: 'Closed' });
    return this.#error;
  }

  /** A value of `ProtocolVersion`. */
  get protocolVersion(): ProtocolVersion | undefined {
    return this.#io.facts.protocolVersion;
  }

  /** A value of `CipherSuite`. */
  get cipherSuite(): CipherSuite | undefined {
    return this.#io.facts.cipherSuite;
  }

  /** A value of `NamedGroup`. */
  get keyExchangeGroup(): NamedGroup | undefined {
    return this.#io.facts.keyExchangeGroup;
  }

  /** The protocol that ALPN chose, if both sides have it. */
  get alpnProtocol(): string | undefined {
    return this.#io.facts.alpnProtocol;
  }

  /** Whether a session was resumed, and whether the handshake took a second ClientHello. */
  get handshakeKind(): HandshakeKind | undefined {
    return this.#io.facts.handshakeKind;
  }

  /**
   * The peer's certificates in DER, its own first, once they and its signature are verified. Of a raw public key it is the
   * SubjectPublicKeyInfo.
   */
  get peerCertificates(): readonly Uint8Array[] | undefined {
    return this.#io.facts.peerCertificates;
  }

  /**
   * Whether the server took the early data that the client sent: `undefined` as long as that is not known, and if there
   * was none.
   */
  get earlyDataAccepted(): boolean | undefined {
    return this.#io.facts.earlyDataAccepted;
  }

  /** The identity of the external PSK by which both ends know each other: of this handshake, or of that which a session began with. */
  get pskIdentity(): Uint8Array | undefined {
    return this.#io.facts.pskIdentity;
  }

  /**
   * Keying material from what early data is protected with (RFC 8446 section 7.5): of no use once it is rejected, and, as
   * early data itself, the same again for whoever replays it.
   *
   * @param length as in {@link exportKeyingMaterial}, and so are the others
   * @throws TypeError if there is no early data, or it is rejected
   */
  exportEarlyKeyingMaterial(length: number, label: string, context?: Uint8Array): Uint8Array {
    this.#throwIfFailed();
    const material = this.#io.early?.export(length, label, context);
    if (material === undefined) throw new TypeError('there is no early data on this connection');
    return material;
  }

  /** The scheme with which the peer signed the handshake. */
  get peerSignatureScheme(): SignatureScheme | undefined {
    return this.#io.facts.peerSignatureScheme;
  }

  /** On a server: the name that the client asked for (SNI), in lower case. */
  get serverName(): string | undefined {
    return this.#io.facts.serverName;
  }

  /**
   * Keying material that only the two ends of this connection can compute (RFC 5705, RFC 8446 section 7.5).
   *
   * @param length in bytes, at most 255 times the length of the suite's hash
   * @param label ASCII, at most 249 characters
   * @param context of the application's protocol; none and an empty one are the same in TLS 1.3 and differ in TLS 1.2
   *   (RFC 8446 section 7.5), where it has at most 65 535 bytes
   * @throws TlsError `HandshakeNotComplete`
   */
  exportKeyingMaterial(length: number, label: string, context?: Uint8Array): Uint8Array {
    this.#throwIfFailed();
    if (this.#traffic === undefined) throw new TlsError({ code: 'HandshakeNotComplete' });
    return this.#traffic.exportKeyingMaterial(length, label, context);
  }

  /**
   * Hands the keys of both directions over to something else that goes on with this connection, such as the kernel's TLS,
   * and ends this object: every later input fails with `Closed`.
   *
   * What it did is then the caller's: to send close_notify, to end a key before its limit, to answer KeyUpdate, to take
   * session tickets for what they are, and to wipe the keys. Between reading the transport for the last time and this
   * nothing may be lost or be sent twice: a sequence number that is used again breaks AES-GCM for good.
   *
   * @returns keys that the caller owns
   * @throws TypeError unless the configuration has `enableSecretExtraction`, both directions are open, all output and
   *   plaintext is taken, and nothing received is half done but a record
   * @throws TlsError `HandshakeNotComplete`
   */
  extractSecrets(): ExtractedSecrets {
    this.#throwIfFailed();
    const { inbound, outbound, facts, extractSecrets } = this.#io;
    const traffic = this.#traffic;
    if (traffic === undefined) throw new TlsError({ code: 'HandshakeNotComplete' });
    if (extractSecrets === undefined) throw new TypeError('extractSecrets() needs enableSecretExtraction');
    const secrets = extractSecrets({
      inbound,
      outbound,
      facts,
      keys: () => traffic.keys(),
      writeClosed: this.#writeClosed,
      hasPlaintext: this.#received.length > 0,
      needsInput: this.#runner.needsInput,
    });
    this.abandon();
    return secrets;
  }

  /** For what one role alone has. */
  protected get early(): EarlyData | undefined {
    return this.#io.early;
  }

  /** For inputs that one role alone has. */
  protected input(act: () => Awaitable<void>): Awaitable<void> {
    return this.#input(act);
  }

  /** Runs an input, and waits for what it sent to be in the output: an alert too, if it failed. */
  #input(act: () => Awaitable<void>): Awaitable<void> {
    try {
      this.#throwIfFailed();
      const acted = act();
      if (isPromise(acted)) return this.#finished(acted.then(() => this.#io.outbound.idle()));
      const idle = this.#io.outbound.idle();
      return isPromise(idle) ? this.#finished(idle) : undefined;
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** Ends an input that had to wait: also by what went wrong elsewhere in the meantime. */
  #finished(waited: PromiseLike<void>): PromiseLike<void> {
    return waited.then(() => this.#throwIfFailed()).then(undefined, (error: unknown) => this.#failed(error));
  }

  #throwIfFailed(): void {
    if (this.#over) throw this.error!;
  }

  /** Throws what ended the connection, once the alert for it is in the output. */
  #failed(error: unknown): Awaitable<never> {
    const failure = this.#fail(error);
    this.#runner.close(failure);
    const rethrow = (): never => {
      throw failure;
    };
    const idle = this.#io.outbound.drained();
    return isPromise(idle) ? idle.then(rethrow) : rethrow();
  }

  /** Makes `error` final, if it is the first: sends its alert and wipes the secrets. */
  #fail(error: unknown): TlsError {
    if (this.#over) return this.error!;
    const failure = asTlsError(error);
    this.#over = true;
    this.#error = failure;
    const closeNotifySent = this.#writeClosed && this.#traffic !== undefined;
    if (failure.alert !== undefined && !closeNotifySent) this.#sendLastAlert(failure.alert);
    this.#end(failure.code);
    return failure;
  }

  #end(code: string): void {
    this.#io.outbound.close();
    this.#traceEnd(code);
    this.#queued = [];
    this.#traffic?.wipe();
    this.#io.early?.wipe();
  }

  #traceEnd(error: string | undefined): void {
    const { inbound, outbound, trace } = this.#io;
    // Once: who gives a connection up that has ended does not end it again.
    delete this.#io.trace;
    trace?.ended(error, outbound.sealed, inbound.opened);
  }

  #sendLastAlert(alert: AlertDescription): void {
    try {
      this.#sendAlert(alert === AlertDescription.close_notify ? AlertLevel.warning : AlertLevel.fatal, alert);
    } catch {
      // A provider that cannot seal it: there is nobody left to tell, and the first error is the one that counts.
    }
  }

  #sendAlert(level: number, alert: AlertDescription): void {
    this.#io.outbound.send(ContentType.alert, Uint8Array.of(level, alert));
  }

  #completed(traffic: Traffic): void {
    this.#traffic = traffic;
    this.#io.inbound.handshakeComplete();
    this.#io.trace?.complete();
    for (const data of this.#queued) this.#sendData(traffic, data);
    this.#queued = [];
    if (this.#writeClosed) this.#sendAlert(AlertLevel.warning, AlertDescription.close_notify);
  }

  /** Before the handshake is complete: at once where it is allowed, as long as the key lasts; else it waits. */
  #sendEarlier(data: Uint8Array): void {
    const { outbound } = this.#io;
    if (!this.#sendsHalfRttData) {
      this.#queued.push(copyOf(data));
      return;
    }
    if (data.length === 0) return;
    for (const fragment of outbound.fragments(data)) {
      if (this.#queued.length > 0 || outbound.keyExhausted) this.#queued.push(copyOf(fragment));
      else outbound.sendRecord(ContentType.application_data, fragment);
    }
  }

  #startHalfRttData(): void {
    this.#sendsHalfRttData = true;
    const queued = this.#queued;
    this.#queued = [];
    for (const data of queued) this.#sendEarlier(data);
  }

  #sendData(traffic: Traffic, data: Uint8Array): void {
    const { outbound } = this.#io;
    for (const fragment of outbound.fragments(data)) {
      if (outbound.keyExhausted) traffic.replaceExhaustedKey();
      outbound.sendRecord(ContentType.application_data, fragment);
    }
    this.#keyUpdateAnswered = false;
  }

  /**
   * Once for all requests that come while nothing is sent (section 4.6.3), and before the answer is taken: a peer must
   * not make the output grow.
   */
  #answerKeyUpdate(traffic: Traffic): void {
    if (this.#keyUpdateAnswered || this.#writeClosed) return;
    this.#keyUpdateAnswered = true;
    traffic.updateKeys?.(KeyUpdateRequest.update_not_requested);
  }
}
