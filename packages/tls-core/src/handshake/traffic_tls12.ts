/** What follows a TLS 1.2 handshake: application data, and renegotiation, which is refused (RFC 5246 section 7.2.2). */
import { empty } from '../codec/codec.ts';
import { TlsError } from '../error.ts';
import { type ConnectionSecrets } from '../keys/tls12_prf.ts';
import { type HandshakeMessage, parseBody } from '../messages/handshake.ts';
import { type Inbound } from '../record/inbound.ts';
import { type TrafficKeysOfBoth } from '../record/secret_extraction.ts';
import { AlertDescription, ContentType, HandshakeType } from '../registry.ts';
import { type Step } from '../step/step.ts';
import { type Traffic, type TrafficSink } from './io.ts';
import { type ForgetSession, forgettingOnFailure } from './resumption_tls12.ts';

export class Tls12Traffic implements Traffic {
  readonly #inbound: Inbound;
  readonly #role: 'client' | 'server';
  readonly #secrets: ConnectionSecrets;
  readonly #forget: ForgetSession;
  #renegotiationRefused = false;

  /**
   * @param secrets now its own, for exporters
   * @param forget its session, if this connection ends with a fatal alert
   */
  constructor(inbound: Inbound, role: 'client' | 'server', secrets: ConnectionSecrets, forget: ForgetSession) {
    this.#inbound = inbound;
    this.#role = role;
    this.#secrets = secrets;
    this.#forget = forget;
  }

  *receive(sink: TrafficSink): Step<void> {
    yield* forgettingOnFailure(this.#receive(sink), this.#forget);
  }

  *#receive(sink: TrafficSink): Step<void> {
    // What stands behind Finished in the same record.
    this.#refuseRenegotiations(sink, this.#inbound.joined());
    for (;;) {
      const record = yield* this.#inbound.record();
      if (record === undefined) return;
      if (record.type === ContentType.application_data) {
        sink.deliver(record.content);
      } else if (record.type === ContentType.handshake) {
        this.#refuseRenegotiations(sink, this.#inbound.join(record));
      } else {
        const expected = [ContentType.application_data];
        throw new TlsError({ code: 'InappropriateMessage', expected, received: record.type });
      }
    }
  }

  #refuseRenegotiations(sink: TrafficSink, first: HandshakeMessage | undefined): void {
    for (let message = first; message !== undefined; message = this.#inbound.joined()) {
      this.#refuseRenegotiation(sink, message);
    }
  }

  /** HelloRequest or ClientHello, which each begin one: the first is declined (RFC 5246 section 7.4.1.1). */
  #refuseRenegotiation(sink: TrafficSink, message: HandshakeMessage): void {
    const expected = this.#role === 'client' ? HandshakeType.hello_request : HandshakeType.client_hello;
    if (message.type !== expected) {
      throw new TlsError({ code: 'InappropriateHandshakeMessage', expected: [expected], received: message.type });
    }
    if (this.#role === 'client') parseBody('HelloRequest', empty, message);
    if (this.#renegotiationRefused) {
      throw new TlsError({ code: 'PeerMisbehaved', reason: 'TooManyRenegotiationRequests' });
    }
    this.#renegotiationRefused = true;
    sink.warn(AlertDescription.no_renegotiation);
  }

  replaceExhaustedKey(): never {
    throw new TlsError({ code: 'KeyExhausted' });
  }

  exportKeyingMaterial(length: number, label: string, context: Uint8Array | undefined): Uint8Array {
    return this.#secrets.exportKeyingMaterial(length, label, context);
  }

  keys(): TrafficKeysOfBoth {
    const { client, server } = this.#secrets.keyBlock();
    return this.#role === 'client' ? { tx: client, rx: server } : { tx: server, rx: client };
  }

  wipe(): void {
    this.#secrets.wipe();
  }
}
