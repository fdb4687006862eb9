/** Early data of a connection (0-RTT), RFC 8446 sections 2.3 and 4.2.10: what is sent, what is received, and its exporter. */
import { emptyBytes, equalBytes, wipe } from '../codec/bytes.ts';
import { type Tls13CipherSuite } from '../crypto/provider.ts';
import { TlsError } from '../error.ts';
import { exportKeyingMaterial } from '../keys/tls13_key_schedule.ts';
import { encodeMessage } from '../messages/handshake.ts';
import { endOfEarlyData } from '../messages/post_handshake.ts';
import { type Outbound } from '../record/outbound.ts';
import { type RecordSealer } from '../record/protection.ts';
import { ContentType, HandshakeType } from '../registry.ts';
import { type ClientSession } from '../sessions/session.ts';

/** What becomes of it. */
export interface EarlyDataFacts {
  earlyDataAccepted?: boolean;
}

export class EarlyData {
  readonly #facts: EarlyDataFacts;
  readonly #outbound: Outbound;
  #limit: number | undefined;
  #received: Uint8Array[] = [];
  readonly #suite: Tls13CipherSuite;
  #exporterSecret: Uint8Array | undefined;

  /** @param exporterSecret the early_exporter_master_secret; kept, and wiped */
  constructor(facts: EarlyDataFacts, outbound: Outbound, suite: Tls13CipherSuite, exporterSecret: Uint8Array) {
    this.#facts = facts;
    this.#outbound = outbound;
    this.#suite = suite;
    this.#exporterSecret = exporterSecret;
  }

  /**
   * A client has offered it: from here on it may be sent, and everything that is sent is under its key.
   *
   * @param limit max_early_data_size
   */
  offer(sealer: RecordSealer, limit: number): void {
    this.#outbound.setSealer(sealer);
    this.#limit = limit;
  }

  /** How many more bytes a client may send; `undefined` if it may send none, not yet or no longer. */
  get limit(): number | undefined {
    return this.#limit;
  }

  /** Sends as much of it as the limit allows, and says how much that is. Keeps `data` until it is in the output. */
  send(data: Uint8Array): number {
    let sent = 0;
    for (const fragment of this.#outbound.fragments(data.subarray(0, this.#limit ?? 0))) {
      // There is no other key to go on with.
      if (fragment.length === 0 || this.#outbound.keyExhausted) break;
      this.#outbound.sendRecord(ContentType.application_data, fragment);
      sent += fragment.length;
    }
    if (this.#limit !== undefined) this.#limit -= sent;
    return sent;
  }

  /**
   * Section 4.2.10: a server can only accept it together with all that it was sent under.
   *
   * @param session that the server goes on from, if it is the one that it was sent with
   * @param suite that the server chose, and `protocol` likewise
   */
  checkAccepted(session: ClientSession | undefined, suite: Tls13CipherSuite, protocol: Uint8Array = emptyBytes): void {
    if (session === undefined) {
      throw new TlsError({ code: 'PeerMisbehaved', reason: 'EarlyDataExtensionWithoutResumption' });
    }
    if (suite.id !== session.cipherSuite) {
      throw new TlsError({ code: 'PeerMisbehaved', reason: 'EarlyDataOfferedWithVariedCipherSuite' });
    }
    if (!equalBytes(protocol, session.protocol)) {
      throw new TlsError({ code: 'PeerMisbehaved', reason: 'EarlyDataOfferedWithVariedApplicationProtocol' });
    }
  }

  /** It is accepted, and the server's flight is here: sends the last that is under its key (section 4.5), and gives it. */
  finish(): Uint8Array {
    const message = encodeMessage(HandshakeType.end_of_early_data, endOfEarlyData, true);
    this.#outbound.send(ContentType.handshake, message);
    this.#facts.earlyDataAccepted = true;
    return message;
  }

  /** A client may send no more: if it is not accepted by now, it is rejected. */
  end(): void {
    if (this.#limit === undefined) return;
    this.#limit = undefined;
    if (this.#facts.earlyDataAccepted !== undefined) return;
    this.#facts.earlyDataAccepted = false;
    this.wipe();
  }

  /** On a server: bytes of the client, now its own. */
  deliver(content: readonly Uint8Array[]): void {
    this.#received.push(...content);
  }

  /** On a server: what was delivered, given away. */
  take(): Uint8Array[] {
    const received = this.#received;
    this.#received = [];
    return received;
  }

  /** Section 7.5. @returns `undefined` once it is wiped */
  export(length: number, label: string, context: Uint8Array = emptyBytes): Uint8Array | undefined {
    if (this.#exporterSecret === undefined) return undefined;
    return exportKeyingMaterial(this.#suite, this.#exporterSecret, label, context, length);
  }

  /** Forgets the exporter's secret: the connection is over, or the early data was rejected. */
  wipe(): void {
    wipe(this.#exporterSecret);
    this.#exporterSecret = undefined;
  }
}
