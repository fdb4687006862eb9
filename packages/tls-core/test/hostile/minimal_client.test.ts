/** A minimal client: its handshakes are full ones, and nothing that a server says of PSKs and compression is for it; nor has it a certificate. */
import { nodeProvider } from '@tyls/crypto-node';
import {
  type ClientOptions,
  type MinimalClientOptions,
  minimalClientConfig,
  clientSessionMemory,
} from '@tyls/tls-core';
import { Pair, testServerConfig } from '@tyls/testing';
import { describe, expect, it } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import {
  AlertDescription,
  CertificateType,
  ContentType,
  ExtensionType,
  HandshakeType,
  NamedGroup,
  ProtocolVersion,
} from '../../src/registry.ts';
import { connect, kindsOf } from '../resumption/sessions.ts';
import {
  client,
  clientVerifier,
  identity,
  optionalClientVerifier,
  provider,
  server,
  serverVerifier,
} from './fixtures.ts';
import { clientWaitingFor, refusal, ScriptedServer } from './scripted_peer.ts';
import { bytes, handshake, u16 } from './wire.ts';

const { certificate_required, handshake_failure, unsupported_extension, unexpected_message } = AlertDescription;
const { pre_shared_key, psk_key_exchange_modes, early_data, ticket_request, session_ticket } = ExtensionType;

const minimal = (options: Partial<MinimalClientOptions> = {}) =>
  minimalClientConfig({ provider, verifier: serverVerifier, ...options });

describe('between honest ends', () => {
  it.each([ProtocolVersion.TLSv1_3, ProtocolVersion.TLSv1_2])(
    'every handshake is a full one, in %i',
    async (version) => {
      const config = minimal({ provider: nodeProvider(), versions: [version] });
      expect(await kindsOf(2, config, await testServerConfig(nodeProvider()))).toEqual(['full', 'full']);
    },
  );

  it('a second ClientHello is as good as the first, and no group is remembered', async () => {
    const p384 = provider.keyExchangeGroups.filter(({ name }) => name === NamedGroup.secp384r1);
    const config = server({ provider: { ...provider, keyExchangeGroups: p384 } });
    const retried = 'full-with-hello-retry-request';
    expect(await kindsOf(2, minimal(), config)).toEqual([retried, retried]);
  });

  describe.each([ProtocolVersion.TLSv1_3, ProtocolVersion.TLSv1_2])(
    'asked for a certificate it has none, in %i',
    (version) => {
      const config = minimal({ provider: nodeProvider(), versions: [version] });

      it('(4.4.2) which it says, and may go on if that is allowed', async () => {
        const asking = server({ provider: nodeProvider(), clientVerifier: optionalClientVerifier });
        const { server: other } = await connect(config, asking);
        expect(other.isHandshaking).toBe(false);
        expect(other.peerCertificates).toBeUndefined();
      });

      it('and is refused by a server that demands one', async () => {
        const pair = new Pair({ client: config, server: server({ provider: nodeProvider(), clientVerifier }) });
        await pair.run();
        expect(pair.server.error?.code).toBe('NoCertificatesPresented');
        const alert = version === ProtocolVersion.TLSv1_2 ? handshake_failure : certificate_required;
        expect(pair.client.error?.detail).toEqual({ code: 'AlertReceived', alert });
      });
    },
  );

  it('there is no early data', async () => {
    const pair = new Pair({ client: minimal(), server: server({ maxEarlyDataSize: 100 }) });
    await pair.client.start();
    expect(pair.client.earlyDataLimit).toBeUndefined();
    expect(await pair.client.sendEarlyData(bytes(1))).toBe(0);
    await pair.run();
    expect(pair.client.earlyDataAccepted).toBeUndefined();
    // ServerHello to Finished: who offers no PSK mode gets no tickets (RFC 8446 section 4.2.9).
    expect(pair.sent.server).toHaveLength(1);
  });
});

it('the ClientHello says nothing of PSKs, and all else as ever', () => {
  const extensions = ({ clientHello }: ScriptedServer) => new Set(clientHello.extensions.types);
  const without = extensions(new ScriptedServer(minimal({ grease: false })));
  const ticketRequest = { newSessionCount: 1, resumptionCount: 1 };
  const withSessions = extensions(new ScriptedServer(client({ grease: false, ticketRequest })));
  for (const type of [psk_key_exchange_modes, ticket_request]) expect(withSessions.delete(type)).toBe(true);
  expect(without).toEqual(withSessions);
  for (const type of [pre_shared_key, early_data, session_ticket]) expect(without.has(type)).toBe(false);
});

describe('from a server that does not heed that', () => {
  it('(4.2.11) a chosen PSK is refused', () => {
    const scripted = new ScriptedServer(minimal());
    scripted.sendServerHello({ append: [[pre_shared_key, u16(0)]] });
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.UnsolicitedExtension', unsupported_extension]);
  });

  it('(4.2.10) so is early data that was never offered', () => {
    const scripted = clientWaitingFor('EncryptedExtensions', minimal());
    scripted.peer.send(scripted.encryptedExtensions([[early_data, bytes()]]));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.UnsolicitedExtension', unsupported_extension]);
  });

  it('(RFC 8879 section 4) a compressed certificate is refused', () => {
    const scripted = clientWaitingFor('Certificate or CertificateRequest', minimal());
    scripted.peer.send(handshake(HandshakeType.compressed_certificate, bytes(0, 2, 0, 0, 1, 0, 0, 1, 0)));
    expect(refusal(scripted)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });

  it('(4.6.1) tickets are read and dropped, 32 without data between them', () => {
    const scripted = clientWaitingFor('traffic', minimal());
    const { peer, connection } = scripted;
    const ticket = handshake(HandshakeType.new_session_ticket, bytes(...new Uint8Array(8), 0, 0, 1, 1, 0, 0));
    peer.deliver(peer.protect(ContentType.handshake, concat(Array.from({ length: 32 }, () => ticket))));
    expect(connection.error).toBeUndefined();
    peer.send(ticket);
    const reason = 'PeerMisbehaved.TooManyConsecutiveHandshakeMessagesAfterHandshake';
    expect(refusal(scripted)).toEqual([reason, unexpected_message]);
  });

  it('(4.6.1) a ticket that cannot be read is refused', () => {
    const scripted = clientWaitingFor('traffic', minimal());
    scripted.peer.send(handshake(HandshakeType.new_session_ticket, bytes(1)));
    expect(refusal(scripted)[0]).toBe('InvalidMessage.MissingData');
  });
});

it.each([
  { sessionStore: clientSessionMemory() },
  { ticketRequest: { newSessionCount: 1, resumptionCount: 1 } },
  { earlyData: true },
  { externalPsks: [] },
  { certificateCompressors: [] },
  { certificateDecompressors: [] },
  { certificate: identity },
  { certificateType: CertificateType.RawPublicKey },
  { trace: () => () => {} },
  { enableSecretExtraction: true },
] satisfies Partial<ClientOptions>[])('what it does without cannot be asked of it: %o', (option) => {
  expect(() => minimal(option as object)).toThrow('use clientConfig');
});
