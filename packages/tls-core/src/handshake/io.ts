/** What a handshake works with: the two directions of its connection, and the facts it finds out for the user. */
import { type KeyLog, type KeyLogLabel } from '../keys/key_log.ts';
import { type Inbound } from '../record/inbound.ts';
import { type Outbound } from '../record/outbound.ts';
import { type SecretExtraction, type TrafficKeysOfBoth } from '../record/secret_extraction.ts';
import {
  type AlertDescription,
  type CipherSuite,
  ContentType,
  type KeyUpdateRequest,
  type NamedGroup,
  type ProtocolVersion,
  type SignatureScheme,
} from '../registry.ts';
import { type Step } from '../step/step.ts';
import { type ConnectionTrace, type TraceBeginning, type Tracer } from '../trace.ts';
import { type EarlyData, type EarlyDataFacts } from './early_data.ts';

/**
 * How the handshake went: with certificates, by resuming a session or by an external PSK; and whether it took a second
 * ClientHello.
 */
export type HandshakeKind =
  | 'full'
  | 'full-with-hello-retry-request'
  | 'resumed'
  | 'resumed-with-hello-retry-request'
  | 'external-psk'
  | 'external-psk-with-hello-retry-request';

/** What was negotiated, filled in as it becomes known. */
export interface Facts extends EarlyDataFacts {
  protocolVersion?: ProtocolVersion;
  cipherSuite?: CipherSuite;
  keyExchangeGroup?: NamedGroup;
  alpnProtocol?: string;
  serverName?: string;
  handshakeKind?: HandshakeKind;
  peerCertificates?: readonly Uint8Array[];
  peerSignatureScheme?: SignatureScheme;
  pskIdentity?: Uint8Array;
}

export interface HandshakeIo {
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  readonly facts: Facts;
  /** Where a client has offered early data, or a server accepts it. */
  early?: EarlyData;
  /** Lets application data of a server go out before the client's Finished is here (0.5-RTT). */
  readonly sendHalfRttData: () => void;
  /** Where the configuration lets secrets out. */
  extractSecrets?: SecretExtraction | undefined;
  /** Where there is one; set by {@link startTrace}. */
  trace?: ConnectionTrace;
}

/** Of a configuration. */
interface Tracing {
  readonly trace: Tracer | undefined;
  /** There where `trace` may be. */
  readonly beginTrace: TraceBeginning | undefined;
}

/** Tells a tracer, if there is one, what happens from here on. */
export function startTrace(io: HandshakeIo, { trace, beginTrace }: Tracing): void {
  if (trace === undefined || beginTrace === undefined) return;
  io.trace = beginTrace(trace, io.facts);
  io.inbound.setTrace(io.trace);
  io.outbound.setTrace(io.trace);
}

/** What the connection does with what comes. */
export interface TrafficSink {
  /** Application data; now the sink's own. */
  readonly deliver: (content: readonly Uint8Array[]) => void;
  /** The peer asked for a KeyUpdate of ours. */
  readonly keyUpdateRequested: () => void;
  /** Sends an alert that is not the end, unless nothing may be sent any more. */
  readonly warn: (alert: AlertDescription) => void;
}

/** What a completed handshake hands over: the version's part in the traffic that follows. */
export interface Traffic {
  /** Receives until the peer's close_notify. */
  readonly receive: (sink: TrafficSink) => Step<void>;
  /** Changes the key of what is sent (RFC 8446 section 4.6.3); not there in a version that cannot. */
  readonly updateKeys?: (request: KeyUpdateRequest) => void;
  /** The key of what is sent has reached its limit, and there is more application data. Throws where that is the end. */
  readonly replaceExhaustedKey: () => void;
  readonly exportKeyingMaterial: (length: number, label: string, context: Uint8Array | undefined) => Uint8Array;
  /** Copies of the keys of the moment. */
  readonly keys: () => TrafficKeysOfBoth;
  /** Wipes its secrets: the connection is over. */
  readonly wipe: () => void;
}

/** Sends the dummy record of middlebox compatibility mode (section D.4). */
export function sendChangeCipherSpec(outbound: Outbound): void {
  outbound.sendPlaintextRecord(ContentType.change_cipher_spec, Uint8Array.of(1));
}

/** Logs secrets for one connection, if there is a log. */
export class SecretLog {
  readonly #log: KeyLog | undefined;
  readonly #clientRandom: Uint8Array;

  constructor(log: KeyLog | undefined, clientRandom: Uint8Array) {
    this.#log = log;
    this.#clientRandom = clientRandom;
  }

  log(label: KeyLogLabel, secret: Uint8Array): void {
    this.#log?.log(label, this.#clientRandom, secret);
  }
}
