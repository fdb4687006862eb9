/**
 * What connections under test wait for in the handshakes that need something beforehand: resumed ones, with early data or
 * without, those with an external PSK, and those whose certificates may be compressed.
 */
import { certificateCompression } from '@tyls/tls-node';
import { serverSessionMemory } from '@tyls/tls-core';
import { deflateSync } from 'node:zlib';
import { concat } from '../../src/codec/bytes.ts';
import { type ClientConfig } from '../../src/config.ts';
import { type ExternalPsk } from '../../src/keys/external_psk.ts';
import { ticketPsk } from '../../src/keys/tls13_key_schedule.ts';
import { Tls13RecordOpener } from '../../src/record/protection_tls13.ts';
import { CertificateCompressionAlgorithm, ContentType, ExtensionType, HandshakeType } from '../../src/registry.ts';
import { shownMemory } from '../resumption/sessions.ts';
import { client, clientVerifier, server } from './fixtures.ts';
import {
  assertEstablished,
  clientWaitingFor,
  type OfferableTicket,
  ScriptedClient,
  type ScriptedPeer,
  ScriptedServer,
  serverWaitingFor,
} from './scripted_peer.ts';
import { bytes, extensionBlock, handshake, u16, u32, vec16, vec24, vec8 } from './wire.ts';

/** A state: what its connection accepts, and a peer that has brought it there. */
export interface State {
  readonly start: () => ScriptedServer | ScriptedClient;
  readonly accepts: readonly (keyof typeof HandshakeType)[];
  /** Whether it takes application data, early data that is. */
  readonly acceptsData?: true;
}

const { early_data, pre_shared_key } = ExtensionType;
const accept = { replace: { [pre_shared_key]: u16(0) } };
const externalPsk: ExternalPsk = { identity: bytes(1, 2), secret: new Uint8Array(48).fill(3), hash: 'sha384' };

/** A client's configuration whose store has the same ticket for ever, and the PSK that goes with it. */
function withTicket(earlyData: boolean): { readonly config: ClientConfig; readonly psk: Uint8Array } {
  const sessionStore = shownMemory();
  const config = client({ earlyData, sessionStore });
  const nonce = bytes(1);
  const allowed = extensionBlock(earlyData ? [[early_data, u32(100)]] : []);
  const ticket = concat([u32(3600), u32(7), vec8(nonce), vec16(bytes(9)), allowed]);
  const { peer } = clientWaitingFor('traffic', config);
  peer.deliver(peer.protect(ContentType.handshake, handshake(HandshakeType.new_session_ticket, ticket)));
  const [stored] = sessionStore.added;
  sessionStore.override = () => stored!.slice();
  return { config, psk: ticketPsk(peer.suite, peer.resumptionSecret!, nonce) };
}

const tickets = { plain: withTicket(false), early: withTicket(true) };

/** A client that resumes, and a server that takes its PSK; with early data sent if there is to be some. */
function resumingClient(earlyData: boolean): ScriptedServer {
  const { config, psk } = earlyData ? tickets.early : tickets.plain;
  const scripted = new ScriptedServer(config);
  const { peer, connection } = scripted;
  peer.psk = psk;
  if (earlyData) {
    peer.earlyOpener = new Tls13RecordOpener(peer.suite, peer.earlySecret(psk));
    peer.input(() => void connection.sendEarlyData(bytes(5)));
  }
  scripted.sendServerHello(accept);
  return scripted;
}

function externalPskClient(): ScriptedServer {
  const scripted = new ScriptedServer(client({ externalPsks: [externalPsk] }));
  scripted.peer.psk = externalPsk.secret;
  scripted.sendServerHello(accept);
  return scripted;
}

function afterEncryptedExtensions(scripted: ScriptedServer, earlyData: boolean = false): ScriptedServer {
  scripted.peer.send(scripted.encryptedExtensions(earlyData ? [[early_data, bytes()]] : []));
  return scripted;
}

/** A server whose store gives a session away again and again. */
const memory = serverSessionMemory();
const resumable = server({ maxEarlyDataSize: 1000, sessionStore: { ...memory, take: memory.get } });
const offered: readonly OfferableTicket[] = (() => {
  const scripted = new ScriptedClient(resumable);
  scripted.sendBoundHello([{ ticket: bytes(1), psk: new Uint8Array(48) }]);
  scripted.sendFinished();
  assertEstablished(scripted.peer);
  return scripted.tickets.slice(0, 1);
})();

function resumingServer(earlyData: boolean): ScriptedClient {
  const scripted = new ScriptedClient(resumable);
  scripted.sendBoundHello(offered, { changes: { replace: earlyData ? { [early_data]: bytes() } : {} } });
  return scripted;
}

/** Sends under the key of early data from here on. */
function sendingEarlyData(): ScriptedClient {
  const scripted = resumingServer(true);
  scripted.peer.writeKey = scripted.earlyKey;
  return scripted;
}

function afterEndOfEarlyData(): ScriptedClient {
  const scripted = resumingServer(true);
  const { peer } = scripted;
  const handshakeKey = peer.writeKey;
  peer.writeKey = scripted.earlyKey;
  peer.send(handshake(HandshakeType.end_of_early_data, bytes()));
  peer.writeKey = handshakeKey;
  return scripted;
}

function externalPskServer(): ScriptedClient {
  const scripted = new ScriptedClient(server({ resolveExternalPsk: () => externalPsk }));
  const { identity: ticket, secret: psk } = externalPsk;
  scripted.sendBoundHello([{ ticket, psk, binderLabel: 'ext binder' }]);
  return scripted;
}

const { certificateDecompressors } = certificateCompression(['zlib']);
const decompressingClient = client({ certificateDecompressors });
const decompressingServer = server({ certificateDecompressors, clientVerifier });

function compressedCertificate(peer: ScriptedPeer): Uint8Array {
  const body = peer.certificate().subarray(4);
  const length = bytes(0, body.length >> 8, body.length & 0xff);
  const { zlib } = CertificateCompressionAlgorithm;
  return handshake(HandshakeType.compressed_certificate, concat([u16(zlib), length, vec24(deflateSync(body))]));
}

function afterCompressedCertificate<T extends ScriptedServer | ScriptedClient>(scripted: T): T {
  scripted.peer.send(compressedCertificate(scripted.peer));
  return scripted;
}

/** By name. */
export const pskStates: Readonly<Record<string, State>> = {
  'a client that resumes, waiting for EncryptedExtensions': {
    start: () => resumingClient(false),
    accepts: ['encrypted_extensions'],
  },
  'a client that resumes, waiting for Finished': {
    start: () => afterEncryptedExtensions(resumingClient(false)),
    accepts: ['finished'],
  },
  'a client that sends early data, waiting for EncryptedExtensions': {
    start: () => resumingClient(true),
    accepts: ['encrypted_extensions'],
  },
  'a client whose early data is accepted, waiting for Finished': {
    start: () => afterEncryptedExtensions(resumingClient(true), true),
    accepts: ['finished'],
  },
  'a client with an external PSK, waiting for EncryptedExtensions': {
    start: externalPskClient,
    accepts: ['encrypted_extensions'],
  },
  'a client with an external PSK, waiting for Finished': {
    start: () => afterEncryptedExtensions(externalPskClient()),
    accepts: ['finished'],
  },
  'a client that decompresses, waiting for a certificate or CertificateRequest': {
    start: () => clientWaitingFor('Certificate or CertificateRequest', decompressingClient),
    accepts: ['certificate', 'compressed_certificate', 'certificate_request'],
  },
  'a client that decompresses, waiting for a certificate': {
    start: () => clientWaitingFor('Certificate', decompressingClient),
    accepts: ['certificate', 'compressed_certificate'],
  },
  'a client that decompressed, waiting for CertificateVerify': {
    start: () => afterCompressedCertificate(clientWaitingFor('Certificate or CertificateRequest', decompressingClient)),
    accepts: ['certificate_verify'],
  },
  'a server that resumes, waiting for Finished': {
    start: () => resumingServer(false),
    accepts: ['finished'],
  },
  'a server that accepts early data, waiting for EndOfEarlyData': {
    start: sendingEarlyData,
    accepts: ['end_of_early_data'],
    acceptsData: true,
  },
  'a server that accepted early data, waiting for Finished': {
    start: afterEndOfEarlyData,
    accepts: ['finished'],
  },
  'a server with an external PSK, waiting for Finished': {
    start: externalPskServer,
    accepts: ['finished'],
  },
  'a server that decompresses, waiting for a certificate': {
    start: () => serverWaitingFor('Certificate', decompressingServer),
    accepts: ['certificate', 'compressed_certificate'],
  },
  'a server that decompressed, waiting for CertificateVerify': {
    start: () => afterCompressedCertificate(serverWaitingFor('Certificate', decompressingServer)),
    accepts: ['certificate_verify'],
  },
};
