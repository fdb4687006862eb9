/** What follows a TLS 1.3 handshake: application data, KeyUpdate and NewSessionTicket (RFC 8446 section 4.6). */
import { emptyBytes, wipe } from '../codec/bytes.ts';
import { type Tls13CipherSuite } from '../crypto/provider.ts';
import { TlsError } from '../error.ts';
import { exportKeyingMaterial, nextTrafficSecret, trafficKeys } from '../keys/tls13_key_schedule.ts';
import { encodeMessage, type HandshakeMessage, parseBody } from '../messages/handshake.ts';
import { checkPlaced } from '../messages/placement.ts';
import { keyUpdate, newSessionTicket, type NewSessionTicket } from '../messages/post_handshake.ts';
import { Tls13RecordOpener, Tls13RecordSealer } from '../record/protection_tls13.ts';
import { type TrafficKeysOfBoth } from '../record/secret_extraction.ts';
import { ContentType, HandshakeType, KeyUpdateRequest } from '../registry.ts';
import { type Step } from '../step/step.ts';
import { type HandshakeIo, type Traffic, type TrafficSink } from './io.ts';

/** How many handshake messages may come without application data between them. */
const maxConsecutiveMessages = 32;

/** What a completed handshake hands over. Its secrets are wiped with the connection. */
export interface Tls13TrafficSecrets {
  readonly suite: Tls13CipherSuite;
  readonly readSecret: Uint8Array;
  readonly writeSecret: Uint8Array;
  readonly exporterSecret: Uint8Array;
}

/** What a client does with a NewSessionTicket; a server has none, and gets none. */
export interface TicketSink {
  readonly keep: (ticket: NewSessionTicket) => Step<void>;
  readonly wipe: () => void;
}

export class Tls13Traffic implements Traffic {
  readonly #io: HandshakeIo;
  readonly #suite: Tls13CipherSuite;
  #readSecret: Uint8Array;
  #writeSecret: Uint8Array;
  readonly #exporterSecret: Uint8Array;
  readonly #tickets: TicketSink | undefined;

  constructor(io: HandshakeIo, secrets: Tls13TrafficSecrets, tickets?: TicketSink) {
    this.#io = io;
    this.#tickets = tickets;
    this.#suite = secrets.suite;
    this.#readSecret = secrets.readSecret;
    this.#writeSecret = secrets.writeSecret;
    this.#exporterSecret = secrets.exporterSecret;
  }

  *receive(sink: TrafficSink): Step<void> {
    const { inbound } = this.#io;
    let messages = 0;
    for (;;) {
      const record = yield* inbound.record();
      if (record === undefined) return;
      if (record.type === ContentType.application_data) {
        messages = 0;
        sink.deliver(record.content);
        continue;
      }
      for (let message = inbound.join(record); message !== undefined; message = inbound.joined()) {
        if (++messages > maxConsecutiveMessages) {
          const reason = 'TooManyConsecutiveHandshakeMessagesAfterHandshake';
          throw new TlsError({ code: 'PeerMisbehaved', reason });
        }
        yield* this.#receiveMessage(sink, message);
      }
    }
  }

  *#receiveMessage(sink: TrafficSink, message: HandshakeMessage): Step<void> {
    if (message.type === HandshakeType.key_update) {
      const request = parseBody('KeyUpdate', keyUpdate, message);
      this.#readSecret = nextTrafficSecret(this.#suite, this.#readSecret);
      this.#io.inbound.setOpener(new Tls13RecordOpener(this.#suite, this.#readSecret));
      if (request === KeyUpdateRequest.update_requested) sink.keyUpdateRequested();
    } else if (message.type === HandshakeType.new_session_ticket && this.#tickets !== undefined) {
      const ticket = parseBody('NewSessionTicket', newSessionTicket, message);
      checkPlaced('NewSessionTicket', ticket.extensions);
      yield* this.#tickets.keep(ticket);
    } else {
      const expected: HandshakeType[] = [HandshakeType.key_update];
      if (this.#tickets !== undefined) expected.push(HandshakeType.new_session_ticket);
      throw new TlsError({ code: 'InappropriateHandshakeMessage', expected, received: message.type });
    }
  }

  updateKeys(request: KeyUpdateRequest): void {
    const { outbound } = this.#io;
    this.#writeSecret = nextTrafficSecret(this.#suite, this.#writeSecret);
    const sealer = new Tls13RecordSealer(this.#suite, this.#writeSecret);
    outbound.send(ContentType.handshake, encodeMessage(HandshakeType.key_update, keyUpdate, request));
    outbound.setSealer(sealer);
  }

  replaceExhaustedKey(): void {
    this.updateKeys(KeyUpdateRequest.update_not_requested);
  }

  exportKeyingMaterial(length: number, label: string, context: Uint8Array = emptyBytes): Uint8Array {
    return exportKeyingMaterial(this.#suite, this.#exporterSecret, label, context, length);
  }

  keys(): TrafficKeysOfBoth {
    return { tx: trafficKeys(this.#suite, this.#writeSecret), rx: trafficKeys(this.#suite, this.#readSecret) };
  }

  wipe(): void {
    wipe(this.#readSecret, this.#writeSecret, this.#exporterSecret);
    this.#tickets?.wipe();
  }
}
