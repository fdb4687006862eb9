/** Hands the keys of a connection over, for something else to go on with it. */
import { type CipherSuite, type ProtocolVersion } from '../registry.ts';
import { isPromise } from '../step/step.ts';
import { type Inbound } from './inbound.ts';
import { type Outbound } from './outbound.ts';

/** What protects the records of one direction. */
export interface DirectionSecrets {
  /** Of the next record: how many this key has protected. */
  readonly sequenceNumber: number;
  /** As long as the suite's AEAD has it. */
  readonly key: Uint8Array;
  /**
   * 12 bytes that the sequence number is XORed into (RFC 8446 section 5.3, RFC 7905 section 2); for AES-GCM in TLS 1.2 the
   * 4 bytes of salt, whose explicit nonces are the sequence numbers when sending (RFC 5288 section 3).
   */
  readonly iv: Uint8Array;
}

/** Of both directions: `tx` for what is sent, `rx` for what is received. */
export interface TrafficKeysOfBoth {
  readonly tx: Omit<DirectionSecrets, 'sequenceNumber'>;
  readonly rx: Omit<DirectionSecrets, 'sequenceNumber'>;
}

/** What {@link Connection.extractSecrets} hands over. */
export interface ExtractedSecrets {
  readonly protocolVersion: ProtocolVersion;
  readonly cipherSuite: CipherSuite;
  /** For what is sent. */
  readonly tx: DirectionSecrets;
  /** For what is received. */
  readonly rx: DirectionSecrets;
  /** The beginning of a record that was received before its end: belongs before what the transport brings next. */
  readonly partialRecord: Uint8Array;
}

/** A connection whose handshake is complete. */
export interface ExtractableConnection {
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  readonly facts: { readonly protocolVersion?: ProtocolVersion; readonly cipherSuite?: CipherSuite };
  /** Copies of the keys of the moment. */
  readonly keys: () => TrafficKeysOfBoth;
  readonly writeClosed: boolean;
  /** Whether there is plaintext that is not taken. */
  readonly hasPlaintext: boolean;
  /** Whether there is nothing to do before there is more input. */
  readonly needsInput: boolean;
}

export type SecretExtraction = (connection: ExtractableConnection) => ExtractedSecrets;

/**
 * For a configuration to bring: a program without it is bundled without the code.
 *
 * @throws TypeError where what goes on with it would not have all that there is, or a direction is closed
 */
export function extractSecrets(connection: ExtractableConnection): ExtractedSecrets {
  const { inbound, outbound, facts } = connection;
  if (connection.writeClosed || inbound.closed) throw new TypeError('extractSecrets() needs a connection that is open');
  const idle = outbound.idle();
  if (outbound.outputBytes > 0 || isPromise(idle)) {
    throw new TypeError('extractSecrets() needs all output to be taken');
  }
  if (connection.hasPlaintext) throw new TypeError('extractSecrets() needs all plaintext to be taken');
  // A record that is being opened, or whose message waits for a store, would be in neither of the two.
  if (!connection.needsInput) {
    throw new TypeError('extractSecrets() cannot be while what was received is still being worked on');
  }
  const partialRecord = inbound.takePartialRecord();
  if (partialRecord === undefined) throw new TypeError('extractSecrets() cannot be between the parts of a message');
  const { tx, rx } = connection.keys();
  return {
    protocolVersion: facts.protocolVersion!,
    cipherSuite: facts.cipherSuite!,
    tx: { ...tx, sequenceNumber: outbound.sequenceNumber },
    rx: { ...rx, sequenceNumber: inbound.sequenceNumber },
    partialRecord,
  };
}
