/** What a connection tells of itself while it runs: names and sizes, never contents, and never a secret. */
import {
  type AlertDescription,
  type CipherSuite,
  ContentType,
  type HandshakeType,
  type NamedGroup,
  type ProtocolVersion,
} from './registry.ts';

/** Something that happened in a connection. Code points have their names by `nameOf`; sizes and counts are numbers. */
export type TraceEvent =
  /** A new state: which messages may come next. */
  | { readonly type: 'expecting'; readonly handshakeTypes: readonly HandshakeType[] }
  | {
      readonly type: 'message';
      readonly direction: 'sent' | 'received';
      readonly handshakeType: HandshakeType;
      /** In bytes, with the 4 of the header. */
      readonly length: number;
    }
  | {
      readonly type: 'alert';
      readonly direction: 'sent' | 'received';
      /** 1 for a warning, 2 for a fatal one. */
      readonly level: number;
      readonly description: AlertDescription;
    }
  /** What is sent, or received, from here on is under another key, or under one at all. */
  | {
      readonly type: 'key-change';
      readonly direction: 'sent' | 'received';
      /** Of this direction, under all keys up to now. */
      readonly protectedRecords: number;
    }
  /** What the hellos decided; how a session was resumed, if one was, is in the kind. */
  | {
      readonly type: 'negotiated';
      readonly protocolVersion: ProtocolVersion;
      readonly cipherSuite: CipherSuite;
      /** Where it is known by now: in TLS 1.2 a client hears of it later. */
      readonly keyExchangeGroup: NamedGroup | undefined;
      readonly handshakeKind: string | undefined;
    }
  /** The handshake is complete: application data may come and go. */
  | {
      readonly type: 'complete';
      readonly keyExchangeGroup: NamedGroup | undefined;
      readonly alpnProtocol: string | undefined;
    }
  /** Nothing more is received: the peer said close_notify, or the connection failed. */
  | {
      readonly type: 'ended';
      /** The `code` of the `TlsError`, if it failed. */
      readonly error: string | undefined;
      readonly protectedRecordsSent: number;
      readonly protectedRecordsReceived: number;
    };

/**
 * Takes the events of one connection, in order. It must not call the connection. What it throws is ignored, and it is
 * called no more for that connection, which goes on as if it had not been there.
 */
export type Trace = (event: TraceEvent) => void;

/** Called for each connection once, when it begins, or as soon as a server has chosen the configuration for it. */
export type Tracer = () => Trace;

/** What is known of a connection, which an event may have. */
interface TracedFacts {
  readonly protocolVersion?: ProtocolVersion;
  readonly cipherSuite?: CipherSuite;
  readonly keyExchangeGroup?: NamedGroup;
  readonly handshakeKind?: string;
  readonly alpnProtocol?: string;
}

export type TraceBeginning = (tracer: Tracer, facts: TracedFacts) => ConnectionTrace;

/**
 * Begins the trace of a connection. For a configuration to bring: a program without it is bundled without what makes the
 * events.
 *
 * @param facts that become known while it runs
 */
export function beginTrace(tracer: Tracer, facts: TracedFacts): ConnectionTrace {
  return new ConnectionTrace(tracer, facts);
}

/** Makes the events of one connection. Nothing that the tracer throws comes out. */
export class ConnectionTrace {
  readonly #facts: TracedFacts;
  #sink: Trace | undefined;
  #isNegotiated = false;

  constructor(tracer: Tracer, facts: TracedFacts) {
    this.#facts = facts;
    this.#attempt(() => (this.#sink = tracer()));
  }

  expecting(handshakeTypes: readonly HandshakeType[]): void {
    this.#tell({ type: 'expecting', handshakeTypes });
  }

  /** @param protectedRecords under all keys of this direction up to now */
  keyChanged(direction: 'sent' | 'received', protectedRecords: number): void {
    this.#tell({ type: 'key-change', direction, protectedRecords });
  }

  /** @param data of whole messages of the handshake, of an alert, or of a record of another type, which is no event */
  sent(type: ContentType, data: Uint8Array): void {
    if (type === ContentType.alert) {
      this.#tell({ type: 'alert', direction: 'sent', level: data[0]!, description: data[1]! });
    } else if (type === ContentType.handshake) {
      for (let at = 0; at < data.length;) {
        const length = 4 + ((data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!);
        this.#tell({ type: 'message', direction: 'sent', handshakeType: data[at]!, length });
        at += length;
      }
    }
  }

  messageReceived(handshakeType: HandshakeType, { length }: Uint8Array): void {
    this.#tell({ type: 'message', direction: 'received', handshakeType, length });
  }

  alertReceived(level: number, description: AlertDescription): void {
    this.#tell({ type: 'alert', direction: 'received', level, description });
  }

  complete(): void {
    const { keyExchangeGroup, alpnProtocol } = this.#facts;
    this.#tell({ type: 'complete', keyExchangeGroup, alpnProtocol });
  }

  ended(error: string | undefined, protectedRecordsSent: number, protectedRecordsReceived: number): void {
    this.#tell({ type: 'ended', error, protectedRecordsSent, protectedRecordsReceived });
  }

  #tell(event: TraceEvent): void {
    const { protocolVersion, cipherSuite, keyExchangeGroup, handshakeKind } = this.#facts;
    if (!this.#isNegotiated && protocolVersion !== undefined && cipherSuite !== undefined) {
      this.#isNegotiated = true;
      this.#tell({ type: 'negotiated', protocolVersion, cipherSuite, keyExchangeGroup, handshakeKind });
    }
    this.#attempt(() => this.#sink?.(event));
  }

  #attempt(act: () => void): void {
    try {
      act();
    } catch {
      this.#sink = undefined;
    }
  }
}
