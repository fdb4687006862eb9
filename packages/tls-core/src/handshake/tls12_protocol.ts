/** The handshakes of TLS 1.2 as the core knows them: as what a cipher suite brings. */
import { type ClientConfig } from '../config.ts';
import { type Tls12CipherSuite, type Tls12Protocol } from '../crypto/provider.ts';
import { type SessionsOfServer } from '../sessions/scope.ts';
import { type ClientSession, type Resumable } from '../sessions/session.ts';
import { type Step } from '../step/step.ts';
import { type Tls12ClientHellos, type Tls12ServerHellos } from './hellos.ts';
import { type HandshakeIo, type Traffic } from './io.ts';

export interface Tls12Handshakes {
  /** The handshake of a client that can speak TLS 1.2, given the session that it is to offer. */
  readonly offeringSession: (
    config: ClientConfig,
    sessions: SessionsOfServer | undefined,
    handshake: (session: Resumable<ClientSession> | undefined) => Step<Traffic>,
  ) => Step<Traffic>;
  readonly client: (io: HandshakeIo, hellos: Tls12ClientHellos) => Step<Traffic>;
  readonly server: (io: HandshakeIo, hellos: Tls12ServerHellos) => Step<Traffic>;
}

/** Closes them, for suites to bring. The seam of the providers lies below the handshakes, and cannot name their types. */
export function tls12ProtocolOf(handshakes: Tls12Handshakes): Tls12Protocol {
  return handshakes as unknown as Tls12Protocol;
}

/** @param suites of a configuration that has TLS 1.2: not empty */
export function tls12HandshakesOf(suites: readonly Tls12CipherSuite[]): Tls12Handshakes {
  return suites[0]!.protocol as unknown as Tls12Handshakes;
}
