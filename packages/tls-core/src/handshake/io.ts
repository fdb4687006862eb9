/** What a handshake works with: the two directions of its connection, and the facts it finds out for the user. */
import { type KeyLog, type KeyLogLabel } from '../keys/key_log.ts';
import { type Inbound } from '../record/inbound.ts';
import { type Outbound } from '../record/outbound.ts';
import {
  type CipherSuite,
  ContentType,
  type NamedGroup,
  type ProtocolVersion,
  type SignatureScheme,
} from '../registry.ts';
import { type Tls13CipherSuite } from '../crypto/provider.ts';

/** How the handshake went. */
export type HandshakeKind = 'full' | 'full-with-hello-retry-request';

/** What was negotiated, filled in as it becomes known. */
export interface Facts {
  protocolVersion?: ProtocolVersion;
  cipherSuite?: CipherSuite;
  keyExchangeGroup?: NamedGroup;
  alpnProtocol?: string;
  serverName?: string;
  handshakeKind?: HandshakeKind;
  peerCertificates?: readonly Uint8Array[];
  peerSignatureScheme?: SignatureScheme;
}

export interface HandshakeIo {
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  readonly facts: Facts;
}

/** What a completed handshake hands over for the traffic that follows. Its secrets are wiped with the connection. */
export interface Traffic {
  readonly role: 'client' | 'server';
  readonly suite: Tls13CipherSuite;
  readSecret: Uint8Array;
  writeSecret: Uint8Array;
  readonly exporterSecret: Uint8Array;
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
