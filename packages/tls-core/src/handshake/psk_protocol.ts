/** What a client does with PSKs as its handshake knows it: as what its configuration brings. */
import { type ClientConfig, type ClientPskProtocol } from '../config.ts';
import { type KeyExchangeGroup, type Tls13CipherSuite } from '../crypto/provider.ts';
import { type ClientExtensions } from '../messages/client_hello.ts';
import { type NamedGroup } from '../registry.ts';
import { type ServerName } from '../server_name.ts';
import { type PeerIdentity } from '../sessions/peer_identity.ts';
import { type SessionsOfServer } from '../sessions/scope.ts';
import { type Step, wait } from '../step/step.ts';
import { type Offer } from './hellos.ts';
import { type HandshakeIo } from './io.ts';
import { type OfferedPsk, type SelectedPsk } from './psk.ts';
import { type TicketSink } from './traffic_tls13.ts';
import { type Transcript } from './transcript.ts';

export type PskExtensions = Pick<ClientExtensions, 'pskModes' | 'ticketRequest' | 'earlyData' | 'preSharedKey'>;

/** What a client learned in its handshake, for the sessions that go on from it. */
export interface HandshakeOutcome {
  readonly suite: Tls13CipherSuite;
  readonly protocol: Uint8Array | undefined;
  readonly peer: PeerIdentity;
  readonly psk: SelectedPsk | undefined;
}

export interface ClientPsks {
  /** Where the sessions are that are shared with the server; `undefined` where none are kept. */
  readonly sessionsOf: (config: ClientConfig, serverName: ServerName) => SessionsOfServer | undefined;
  /** The PSKs to offer, for the handshake to wipe. */
  readonly choosePsks: (config: ClientConfig, sessions: SessionsOfServer | undefined) => Step<OfferedPsk[]>;
  /** The groups for the first key shares. */
  readonly firstGroups: (
    config: ClientConfig,
    sessions: SessionsOfServer | undefined,
  ) => Step<readonly KeyExchangeGroup[]>;
  /** The server asked for another group. */
  readonly keepGroupHint: (
    config: ClientConfig,
    sessions: SessionsOfServer | undefined,
    group: NamedGroup,
  ) => Step<void>;
  /** What a ClientHello says of PSKs. */
  readonly pskExtensions: (config: ClientConfig, psks: readonly OfferedPsk[], isRetry: boolean) => PskExtensions;
  /** Fills in the binders of a ClientHello, and adds it to the transcript. */
  readonly addBoundHello: (transcript: Transcript, message: Uint8Array, psks: readonly OfferedPsk[]) => void;
  /** Early data may follow the ClientHello at once, if it offers any; whether it does. */
  readonly startEarlyData: (io: HandshakeIo, config: ClientConfig, offer: Offer, transcript: Transcript) => boolean;
  /**
   * What becomes of tickets.
   *
   * @param resumptionSecret derives the resumption_master_secret, which stays the caller's
   */
  readonly ticketSink: (
    config: ClientConfig,
    sessions: SessionsOfServer | undefined,
    outcome: HandshakeOutcome,
    resumptionSecret: () => Uint8Array,
  ) => TicketSink;
}

/** Closes it, for configurations to bring. They lie below the handshakes, and cannot name their types. */
export function clientPskProtocolOf(psks: ClientPsks): ClientPskProtocol {
  return psks as unknown as ClientPskProtocol;
}

export function clientPsksOf({ pskProtocol }: ClientConfig): ClientPsks {
  return pskProtocol as unknown as ClientPsks;
}

/** Servers send tickets unasked. */
export const ignoredTickets: TicketSink = { keep: () => wait(undefined), wipe() {} };

/** That of a client that knows neither sessions nor keys from elsewhere. */
export const withoutPsks: ClientPskProtocol = /* @__PURE__ */ clientPskProtocolOf({
  sessionsOf: () => undefined,
  choosePsks: () => wait([]),
  firstGroups: ({ keyShareGroups }) => wait(keyShareGroups),
  keepGroupHint: () => wait(undefined),
  pskExtensions: () => ({}),
  addBoundHello: (transcript, message) => transcript.add(message),
  startEarlyData: () => false,
  ticketSink: () => ignoredTickets,
});
