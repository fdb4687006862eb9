/** What the exchange of hellos found out, for the version that goes on from there. */
import { type ClientConfig, type ClientHelloInfo, type ServerConfig } from '../config.ts';
import { type ActiveKeyExchange, type KeyExchangeGroup, type Tls13CipherSuite } from '../crypto/provider.ts';
import { type ClientHello } from '../messages/client_hello.ts';
import { type HandshakeMessage } from '../messages/handshake.ts';
import { type ServerHello } from '../messages/server_hello.ts';
import { type ExtensionType, type NamedGroup } from '../registry.ts';
import { type ServerName } from '../server_name.ts';
import { type SessionsOfServer } from '../sessions/scope.ts';
import { type ClientSession, type Resumable } from '../sessions/session.ts';
import { type HelloShape } from './hello_shape.ts';
import { type OfferedPsk, type SelectedPsk, type VerifiedPsk } from './psk.ts';
import { type Transcript } from './transcript.ts';

/** A key exchange that a key share was sent for. */
export interface OfferedKeyExchange {
  readonly group: NamedGroup;
  readonly keyShare: Uint8Array;
  readonly complete: ActiveKeyExchange['complete'];
}

/** A ClientHello that was sent, and what has to be remembered of it. */
export interface Offer {
  /** 32 bytes. */
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly keyExchanges: readonly OfferedKeyExchange[];
  readonly shape: HelloShape;
  /** A session of TLS 1.2 that it offers to resume. */
  readonly tls12Session: Resumable<ClientSession> | undefined;
  readonly psks: readonly OfferedPsk[];
  /** The code points of its extensions, those of GREASE left out: nothing may answer them. */
  readonly extensionTypes: readonly ExtensionType[];
}

/** The hellos are exchanged, and TLS 1.3 was chosen. */
export interface ClientHellos {
  readonly config: ClientConfig;
  readonly serverName: ServerName;
  /** `undefined` where none are kept. */
  readonly sessions: SessionsOfServer | undefined;
  readonly offer: Offer;
  readonly suite: Tls13CipherSuite;
  readonly serverHello: ServerHello;
  /** The one of ours that the server chose, if it did. */
  readonly psk: SelectedPsk | undefined;
  /** By a HelloRetryRequest. */
  readonly requestedGroup: NamedGroup | undefined;
  readonly transcript: Transcript;
  /** Whether change_cipher_spec is still to be sent before the second flight. */
  readonly changeCipherSpecDue: boolean;
}

/** The last ClientHello is here, and TLS 1.3 was chosen. */
export interface ServerHellos {
  readonly config: ServerConfig;
  readonly hello: ClientHello;
  readonly info: ClientHelloInfo;
  readonly suite: Tls13CipherSuite;
  readonly group: KeyExchangeGroup;
  /** The client's, of that group. */
  readonly clientShare: Uint8Array;
  /** The client's that we chose, if we did. */
  readonly psk: VerifiedPsk | undefined;
  readonly resumptionData: ResumptionData;
  /** Up to the ClientHello. */
  readonly transcript: Transcript;
  /** Whether change_cipher_spec is still to be sent after ServerHello. */
  readonly changeCipherSpecDue: boolean;
}

/** A server has chosen TLS 1.2. */
export interface Tls12ClientHellos {
  readonly config: ClientConfig;
  readonly serverName: ServerName;
  /** `undefined` where none are kept. */
  readonly sessions: SessionsOfServer | undefined;
  readonly offer: Offer;
  /** ServerHello, not in the transcript yet. */
  readonly message: HandshakeMessage;
  /** Up to the ClientHello. */
  readonly transcript: Transcript;
}

/** What a server's application has kept with sessions. */
export interface ResumptionData {
  /** For the session that this handshake makes. */
  toKeep: Uint8Array;
  /** Of the session that it resumes. */
  received: Uint8Array | undefined;
}

/** A ClientHello is here, and a version was chosen. */
export interface ReceivedHello {
  readonly config: ServerConfig;
  readonly hello: ClientHello;
  readonly info: ClientHelloInfo;
  /** The ClientHello, not in the transcript yet. */
  readonly message: HandshakeMessage;
  /** Empty. */
  readonly transcript: Transcript;
  readonly resumptionData: ResumptionData;
}

/** That version is TLS 1.2. */
export type Tls12ServerHellos = ReceivedHello;
