/** Peers that misuse pre-shared keys and tickets (RFC 8446 sections 4.2.9, 4.2.11 and 4.6.1), and stores that fail. */
import { type Awaitable, clientSessionMemory, serverSessionMemory } from '@tyls/tls-core';
import { Pair, testName } from '@tyls/testing';
import { describe, expect, it } from 'vitest';
import { concat, hex } from '../../src/codec/bytes.ts';
import { type ClientConfig, type ServerConfig } from '../../src/config.ts';
import { type ExternalPsk } from '../../src/keys/external_psk.ts';
import { ticketPsk } from '../../src/keys/tls13_key_schedule.ts';
import {
  AlertDescription,
  ContentType,
  ExtensionType,
  HandshakeType,
  NamedGroup,
  ProtocolVersion,
} from '../../src/registry.ts';
import { parseServerName } from '../../src/server_name.ts';
import { serverScope } from '../../src/sessions/scope.ts';
import { decodeClientSession, encodeClientSession } from '../../src/sessions/session.ts';
import { later } from '../helpers/intercepted.ts';
import { settled } from '../helpers/promises.ts';
import { shownMemory, type ShownMemory } from '../resumption/sessions.ts';
import { client, clientVerifier, identity, provider, server, serverVerifier } from './fixtures.ts';
import {
  assertEstablished,
  clientWaitingFor,
  type OfferableTicket,
  refusal,
  ScriptedClient,
  ScriptedServer,
  serverWaitingFor,
} from './scripted_peer.ts';
import { clientWithSession } from '../tls12/scripted_peer.ts';
import { bytes, extensionBlock, flipped, handshake, u16, vec16, vec8 } from './wire.ts';

const { decode_error, decrypt_error, illegal_parameter, missing_extension, unexpected_message, unsupported_extension } =
  AlertDescription;
const { psk_key_exchange_modes, pre_shared_key, key_share, signature_algorithms, ticket_request } = ExtensionType;

/** Tickets of a server under test, as a client gets them. */
function ticketsOf(config: ServerConfig): readonly OfferableTicket[] {
  const scripted = new ScriptedClient(config);
  scripted.sendBoundHello([{ ticket: bytes(1), psk: new Uint8Array(32) }]);
  if (config.clientVerifier !== undefined) {
    scripted.peer.send(scripted.peer.certificate());
    scripted.peer.send(scripted.peer.certificateVerify());
  }
  scripted.sendFinished();
  assertEstablished(scripted.peer);
  return scripted.tickets;
}

/** Completes the handshake of a ClientHello that was sent, and says how it went. */
function kindOf(scripted: ScriptedClient): unknown {
  scripted.sendFinished();
  assertEstablished(scripted.peer);
  return scripted.connection.handshakeKind;
}

describe('a server that knows the PSK', () => {
  const unknown: OfferableTicket = { ticket: new Uint8Array(32), psk: new Uint8Array(48) };

  it('resumes with it', () => {
    const config = server();
    const scripted = new ScriptedClient(config);
    scripted.sendBoundHello(ticketsOf(config).slice(0, 1));
    expect(kindOf(scripted)).toBe('resumed');
    expect(scripted.peer.received.map(({ type }) => type)).not.toContain(HandshakeType.certificate);
  });

  it('(4.2.11) refuses a binder that is wrong in any byte', () => {
    const config = server();
    for (const at of [0, 20, 47]) {
      const scripted = new ScriptedClient(config);
      scripted.sendBoundHello(ticketsOf(config).slice(0, 1), { binders: ([right]) => [flipped(right!, at)] });
      expect(refusal(scripted)).toEqual(['PeerMisbehaved.IncorrectBinder', decrypt_error]);
    }
  });

  it.each([1, 31, 32, 47, 49, 255])('(4.2.11) refuses a binder of %i bytes', (length) => {
    const config = server();
    const scripted = new ScriptedClient(config);
    scripted.sendBoundHello(ticketsOf(config).slice(0, 1), { binders: () => [new Uint8Array(length)] });
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IncorrectBinder', decrypt_error]);
  });

  it('(4.2.11) refuses a binder made with another PSK', () => {
    const config = server();
    const [ticket, other] = ticketsOf(config);
    const scripted = new ScriptedClient(config);
    scripted.sendBoundHello([{ ticket: ticket!.ticket, psk: other!.psk }]);
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IncorrectBinder', decrypt_error]);
  });

  it.each([
    ['more binders than identities', (right: readonly Uint8Array[]) => [...right, ...right]],
    ['fewer', (right: readonly Uint8Array[]) => right.slice(1)],
  ])('(4.2.11) refuses %s', (_what, binders) => {
    const config = server();
    const scripted = new ScriptedClient(config);
    scripted.sendBoundHello(ticketsOf(config), { binders });
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.PskExtensionWithMismatchedIdsAndBinders', illegal_parameter]);
  });

  it.each([
    ['no binders', () => []],
    ['an empty binder', () => [new Uint8Array(0)]],
  ])('(4.2.11) refuses %s as malformed', (_what, binders) => {
    const scripted = new ScriptedClient();
    scripted.sendBoundHello([unknown], { binders });
    expect(refusal(scripted)).toEqual(['InvalidMessage.IllegalEmptyList', decode_error]);
  });

  it('(4.2.11) refuses no identities, and one of no bytes', () => {
    for (const identities of [vec16(), vec16(vec16(), new Uint8Array(4))]) {
      const scripted = new ScriptedClient();
      const data = concat([identities, vec16(vec8(new Uint8Array(32)))]);
      scripted.sendClientHello({
        append: [
          [psk_key_exchange_modes, vec8(bytes(1))],
          [pre_shared_key, data],
        ],
      });
      expect(refusal(scripted)).toEqual(['InvalidMessage.IllegalEmptyList', decode_error]);
    }
  });

  it('does not verify the binders of those it does not take', () => {
    const config = server();
    const [ticket] = ticketsOf(config);
    const scripted = new ScriptedClient(config);
    scripted.sendBoundHello([ticket!, unknown], { binders: ([right]) => [right!, new Uint8Array(48)] });
    expect(kindOf(scripted)).toBe('resumed');
  });

  it('asks for eight identities at most', () => {
    for (const [before, kind] of [
      [7, 'resumed'],
      [8, 'full'],
    ] as const) {
      const memory = serverSessionMemory();
      let asked = 0;
      const config = server({
        sessionStore: {
          ...memory,
          take: (key) => {
            asked++;
            return memory.take(key);
          },
        },
      });
      const [ticket] = ticketsOf(config);
      const scripted = new ScriptedClient(config);
      const psks = [...Array.from({ length: before }, () => unknown), ticket!];
      scripted.sendBoundHello(psks);
      expect(kindOf(scripted)).toBe(kind);
      expect(asked).toBe(8);
    }
  });

  it('asks for eight external PSKs at most', () => {
    const secret = new Uint8Array(48).fill(3);
    for (const [before, asks, kind] of [
      [7, 8, 'external-psk'],
      [8, 8, 'full'],
      [200, 8, 'full'],
    ] as const) {
      let asked = 0;
      const resolveExternalPsk = (sought: Uint8Array): ExternalPsk | undefined => {
        asked++;
        return sought[0] === 17 ? { identity: sought, secret, hash: 'sha384' } : undefined;
      };
      const scripted = new ScriptedClient(server({ resolveExternalPsk }));
      const known: OfferableTicket = { ticket: bytes(17), psk: secret, binderLabel: 'ext binder' };
      scripted.sendBoundHello([...Array.from({ length: before }, () => unknown), known]);
      expect(kindOf(scripted)).toBe(kind);
      expect(asked).toBe(asks);
    }
  });

  it('does not ask the store for what cannot be a key of it', () => {
    const config = server({
      sessionStore: { ...serverSessionMemory(), take: () => expect.fail('asked') },
    });
    for (const length of [1, 31, 33, 1000]) {
      const scripted = new ScriptedClient(config);
      scripted.sendBoundHello([{ ticket: new Uint8Array(length), psk: new Uint8Array(48) }]);
      expect(kindOf(scripted)).toBe('full');
    }
  });

  it('(4.2.9) makes a full handshake if the client wants a PSK alone, and sends no tickets', () => {
    const config = server();
    const scripted = new ScriptedClient(config);
    scripted.sendBoundHello(ticketsOf(config).slice(0, 1), { modes: vec8(bytes(0)) });
    expect(kindOf(scripted)).toBe('full');
    expect(scripted.tickets).toEqual([]);
  });

  it('(4.2.9) passes over modes that it does not know', () => {
    const config = server();
    const scripted = new ScriptedClient(config);
    scripted.sendBoundHello(ticketsOf(config).slice(0, 1), { modes: vec8(bytes(7, 1, 0x2a)) });
    expect(kindOf(scripted)).toBe('resumed');
  });

  it('(4.2.11) still wants a key share', () => {
    const config = server();
    const scripted = new ScriptedClient(config);
    scripted.sendBoundHello(ticketsOf(config).slice(0, 1), { changes: { replace: { [key_share]: undefined } } });
    expect(refusal(scripted)).toEqual(['PeerIncompatible.KeyShareExtensionRequired', missing_extension]);
  });

  it('(4.2.3) wants signature_algorithms only of those with whom it goes on without a PSK', () => {
    const config = server();
    const changes = { replace: { [signature_algorithms]: undefined } };
    const scripted = new ScriptedClient(config);
    scripted.sendBoundHello(ticketsOf(config).slice(0, 1), { changes });
    expect(kindOf(scripted)).toBe('resumed');
    const stranger = new ScriptedClient(config);
    stranger.sendBoundHello([unknown], { changes });
    expect(refusal(stranger)).toEqual(['PeerIncompatible.SignatureAlgorithmsExtensionRequired', missing_extension]);
  });

  it('(4.4.2) refuses a Certificate after it', () => {
    const config = server({ clientVerifier });
    const tickets = ticketsOf(config);
    const scripted = new ScriptedClient(config);
    scripted.sendBoundHello(tickets.slice(0, 1));
    expect(scripted.peer.received.map(({ type }) => type)).not.toContain(HandshakeType.certificate_request);
    scripted.peer.send(scripted.peer.certificate());
    expect(refusal(scripted)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
    expect(scripted.connection.peerCertificates).toBeUndefined();
  });

  it('refuses the Finished of a client that does not know the PSK after all', () => {
    const config = server();
    const scripted = new ScriptedClient(config);
    scripted.sendBoundHello(ticketsOf(config).slice(0, 1));
    scripted.sendFinished(handshake(HandshakeType.finished, new Uint8Array(48)));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IncorrectFinished', decrypt_error]);
    expect(scripted.connection.receivedResumptionData).toBeUndefined();
  });

  it('(RFC 9149) refuses a ticket_request that is too short or too long', () => {
    for (const [data, reason] of [
      [bytes(1), 'MissingData'],
      [bytes(1, 2, 3), 'TrailingData'],
    ] as const) {
      const scripted = new ScriptedClient();
      scripted.sendClientHello({ append: [[ticket_request, data]] });
      expect(refusal(scripted)).toEqual([`InvalidMessage.${reason}`, decode_error]);
    }
  });

  describe('after a HelloRetryRequest', () => {
    const secondShare = (scripted: ScriptedClient) => ({
      replace: { [key_share]: vec16(scripted.keyShare(NamedGroup.X25519)) },
    });
    const retried = (config: ServerConfig, psks: readonly OfferableTicket[]): ScriptedClient => {
      const scripted = new ScriptedClient(config);
      scripted.sendBoundHello(psks, { changes: { replace: { [key_share]: vec16() } } });
      expect(scripted.connection.error).toBeUndefined();
      return scripted;
    };

    it('goes on with it, its binder made again', () => {
      const config = server();
      const tickets = ticketsOf(config).slice(0, 1);
      const scripted = retried(config, tickets);
      scripted.sendBoundHello(tickets, { changes: secondShare(scripted) });
      expect(kindOf(scripted)).toBe('resumed-with-hello-retry-request');
    });

    it('finds it at another place', () => {
      const config = server();
      const [ticket] = ticketsOf(config);
      const scripted = retried(config, [unknown, ticket!]);
      scripted.sendBoundHello([ticket!], { changes: secondShare(scripted) });
      expect(kindOf(scripted)).toBe('resumed-with-hello-retry-request');
    });

    it('(4.1.4) refuses a binder over the second ClientHello alone', () => {
      const config = server();
      const tickets = ticketsOf(config).slice(0, 1);
      const scripted = retried(config, tickets);
      scripted.sendBoundHello(tickets, { changes: secondShare(scripted), binders: ([right]) => [flipped(right!)] });
      expect(refusal(scripted)).toEqual(['PeerMisbehaved.IncorrectBinder', decrypt_error]);
    });

    it('goes on without it, if it is no longer offered or if another takes its place', () => {
      const config = server();
      const tickets = ticketsOf(config);
      const without = retried(config, tickets.slice(0, 1));
      without.sendClientHello({
        ...secondShare(without),
        replace: { ...secondShare(without).replace, [psk_key_exchange_modes]: vec8(bytes(1)) },
      });
      expect(kindOf(without)).toBe('full-with-hello-retry-request');
      const [, third] = ticketsOf(config);
      const other = retried(config, tickets.slice(1, 2));
      other.sendBoundHello([third!], { changes: secondShare(other) });
      expect(kindOf(other)).toBe('full-with-hello-retry-request');
    });
  });
});

/** A client that has a ticket of a scripted server, and what a server needs to know of it. */
function clientWithTicket(options: Parameters<typeof client>[0] = {}): {
  readonly config: ClientConfig;
  readonly psk: Uint8Array;
  readonly memory: ShownMemory;
} {
  const memory = shownMemory();
  const config = client({ sessionStore: memory, ...options });
  const first = clientWaitingFor('traffic', config);
  first.peer.deliver(first.peer.protect(ContentType.handshake, newSessionTicket()));
  const psk = ticketPsk(first.peer.suite, first.peer.resumptionSecret!, nonce);
  expect(decodeClientSession(memory.added[0]!)?.secret).toEqual(psk);
  return { config, psk, memory };
}

const nonce = bytes(1, 2, 3);

function newSessionTicket({
  lifetime = 3600,
  ticket = bytes(9, 9, 9),
  extensions = [],
}: {
  readonly lifetime?: number;
  readonly ticket?: Uint8Array;
  readonly extensions?: Parameters<typeof extensionBlock>[0];
} = {}): Uint8Array {
  return handshake(
    HandshakeType.new_session_ticket,
    concat([
      u16(lifetime >>> 16, lifetime & 0xffff),
      u16(0, 7),
      vec8(nonce),
      vec16(ticket),
      extensionBlock(extensions),
    ]),
  );
}

describe('a client that offers a PSK', () => {
  const accept = { replace: { [pre_shared_key]: u16(0) } };

  /** A server that takes it, up to its EncryptedExtensions. */
  function accepting(extensions: Parameters<typeof extensionBlock>[0] = []): ScriptedServer {
    const { config, psk } = clientWithTicket();
    const scripted = new ScriptedServer(config);
    scripted.peer.psk = psk;
    scripted.sendServerHello(accept);
    scripted.peer.send(scripted.encryptedExtensions(extensions));
    return scripted;
  }

  it('resumes, and offers it as the last extension, once', () => {
    const { config, psk } = clientWithTicket();
    const scripted = new ScriptedServer(config);
    expect(scripted.clientHello.extensions.types.at(-1)).toBe(pre_shared_key);
    expect(scripted.clientHello.extensions.preSharedKey?.identities.map(({ identity: id }) => id)).toEqual([
      bytes(9, 9, 9),
    ]);
    scripted.peer.psk = psk;
    scripted.sendServerHello(accept);
    scripted.peer.send(scripted.encryptedExtensions());
    scripted.sendFinished();
    assertEstablished(scripted.peer);
    expect(scripted.connection.handshakeKind).toBe('resumed');
    expect(scripted.connection.peerCertificates).toEqual(identity.certificates);
    expect(new ScriptedServer(config).clientHello.extensions.preSharedKey).toBeUndefined();
  });

  it('(4.2.11.1) hides the age of the ticket', () => {
    let now = Date.now();
    const { config } = clientWithTicket({ time: () => now });
    now += 1234;
    const [offered] = new ScriptedServer(config).clientHello.extensions.preSharedKey!.identities;
    expect(offered?.obfuscatedTicketAge).toBe(1234 + 7);
  });

  it('makes a full handshake with a server that does not take it', () => {
    const { config } = clientWithTicket();
    const scripted = new ScriptedServer(config);
    scripted.sendServerHello();
    scripted.peer.send(scripted.encryptedExtensions());
    scripted.peer.send(scripted.peer.certificate());
    scripted.peer.send(scripted.peer.certificateVerify());
    scripted.sendFinished();
    assertEstablished(scripted.peer);
    expect(scripted.connection.handshakeKind).toBe('full');
  });

  it.each([1, 0xffff])('(4.2.11) refuses selected_identity %i, which was not offered', (index) => {
    const { config } = clientWithTicket();
    const scripted = new ScriptedServer(config);
    scripted.sendServerHello({ replace: { [pre_shared_key]: u16(index) } });
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.SelectedInvalidPsk', illegal_parameter]);
  });

  it('(4.2.11) refuses a suite with another hash than the PSK has', () => {
    const { config } = clientWithTicket();
    const scripted = new ScriptedServer(config);
    scripted.peer.suite = provider.cipherSuites.find(({ hash }) => hash.outputLength === 32)!;
    scripted.sendServerHello(accept);
    expect(refusal(scripted)).toEqual([
      'PeerMisbehaved.ResumptionOfferedWithIncompatibleCipherSuite',
      illegal_parameter,
    ]);
  });

  it('(4.2.11) refuses the PSK without a key share', () => {
    const { config } = clientWithTicket();
    const scripted = new ScriptedServer(config);
    scripted.sendServerHello({ replace: { ...accept.replace, [key_share]: undefined } });
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.SelectedPskWithoutKeyShare', illegal_parameter]);
  });

  it.each([
    ['Certificate', (s: ScriptedServer) => s.peer.certificate()],
    ['CertificateRequest', (s: ScriptedServer) => s.certificateRequest()],
  ])('(4.3.2, 4.4.2) refuses %s with a PSK', (_what, message) => {
    const scripted = accepting();
    scripted.peer.send(message(scripted));
    expect(refusal(scripted)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });

  it('refuses a server that does not know the PSK', () => {
    const { config } = clientWithTicket();
    const scripted = new ScriptedServer(config);
    scripted.peer.psk = new Uint8Array(48);
    // Its alert is under a key that such a server does not have.
    expect(() => {
      scripted.sendServerHello(accept);
      scripted.peer.send(scripted.encryptedExtensions());
    }).toThrow('cannot open');
    expect(scripted.connection.error?.code).toBe('DecryptError');
    expect(scripted.connection.peerCertificates).toBeUndefined();
  });

  it('refuses a wrong Finished, and says nothing of who the server was', () => {
    const scripted = accepting();
    scripted.sendFinished(flipped(scripted.peer.finished()));
    expect(scripted.connection.error?.alert).toBe(decrypt_error);
    expect(scripted.connection.peerCertificates).toBeUndefined();
  });

  it('(4.2) refuses pre_shared_key where it does not belong, and ticket_request unasked', () => {
    const misplaced = accepting([[pre_shared_key, u16(0)]]);
    expect(refusal(misplaced)).toEqual(['PeerMisbehaved.DisallowedExtension', illegal_parameter]);
    const unasked = accepting([[ticket_request, bytes(1)]]);
    expect(refusal(unasked)).toEqual(['PeerMisbehaved.UnsolicitedExtension', unsupported_extension]);
    const { config } = clientWithTicket();
    const retry = new ScriptedServer(config);
    retry.sendHelloRetryRequest({ append: [[pre_shared_key, u16(0)]] });
    expect(refusal(retry)).toEqual(['PeerMisbehaved.DisallowedExtension', illegal_parameter]);
  });

  it('(RFC 9149) takes the number of tickets for what it is, and refuses another form', () => {
    const ticketRequest = { newSessionCount: 1, resumptionCount: 1 };
    for (const [data, error] of [
      [bytes(200), undefined],
      [bytes(), 'InvalidMessage.MissingData'],
      [bytes(1, 1), 'InvalidMessage.TrailingData'],
    ] as const) {
      const scripted = clientWaitingFor('EncryptedExtensions', client({ ticketRequest }));
      scripted.peer.send(scripted.encryptedExtensions([[ticket_request, data]]));
      expect(scripted.connection.error?.code).toBe(error);
    }
  });

  describe('after a HelloRetryRequest', () => {
    it('binds it again, to all that was said', () => {
      const { config, psk } = clientWithTicket();
      const scripted = new ScriptedServer(config);
      scripted.sendHelloRetryRequest();
      const [offered] = scripted.clientHello.extensions.preSharedKey!.identities;
      expect(offered?.identity).toEqual(bytes(9, 9, 9));
      scripted.peer.psk = psk;
      scripted.sendServerHello(accept);
      scripted.peer.send(scripted.encryptedExtensions());
      scripted.sendFinished();
      assertEstablished(scripted.peer);
      expect(scripted.connection.handshakeKind).toBe('resumed-with-hello-retry-request');
    });

    /** A client with the longest tickets of both versions, and with authorities of so many bytes in all. */
    function withLongest(authorities: number): { readonly scripted: ScriptedServer; readonly ticket: Uint8Array } {
      const ticket = new Uint8Array(12_288);
      const rootHintSubjects = Array.from({ length: authorities / 1024 }, () => new Uint8Array(1022));
      const config = clientWithSession({ ticket }, { verifier: { ...serverVerifier, rootHintSubjects } });
      const scope = serverScope(config, parseServerName(testName));
      const session = decodeClientSession(config.sessionStore.tls12Session(hex(scope)) as Uint8Array)!;
      // Its master secret is as long as a PSK of that suite.
      const [version, cipherSuite] = [ProtocolVersion.TLSv1_3, provider.cipherSuites[0]!.id];
      void config.sessionStore.addTicket(hex(scope), encodeClientSession({ ...session, version, cipherSuite })!);
      return { scripted: new ScriptedServer(config), ticket };
    }

    it.each([
      [4096, 32_768],
      [24_576, 12_288],
    ])('has room for the longest tickets of both versions, %i bytes of authorities and a cookie of %i', (own, most) => {
      const { scripted, ticket } = withLongest(own);
      scripted.sendHelloRetryRequest({ append: [[ExtensionType.cookie, vec16(new Uint8Array(most))]] });
      expect(scripted.connection.error).toBeUndefined();
      const { cookie, sessionTicket, preSharedKey } = scripted.clientHello.extensions;
      expect([cookie?.length, sessionTicket, preSharedKey?.identities[0]?.identity]).toEqual([most, ticket, ticket]);
      const over = withLongest(own).scripted;
      over.sendHelloRetryRequest({ append: [[ExtensionType.cookie, vec16(new Uint8Array(most + 1))]] });
      const code = 'PeerMisbehaved.IllegalHelloRetryRequestWithOversizedCookie';
      expect(refusal(over)).toEqual([code, illegal_parameter]);
    });

    it('(4.1.4) no longer offers it under a suite with another hash, nor takes it for offered', () => {
      const { config } = clientWithTicket();
      const scripted = new ScriptedServer(config);
      scripted.peer.suite = provider.cipherSuites.find(({ hash }) => hash.outputLength === 32)!;
      scripted.sendHelloRetryRequest();
      expect(scripted.clientHello.extensions.preSharedKey).toBeUndefined();
      scripted.sendServerHello(accept);
      expect(refusal(scripted)).toEqual(['PeerMisbehaved.UnsolicitedExtension', unsupported_extension]);
    });
  });
});

describe('tickets that a client gets', () => {
  function added(...messages: readonly Uint8Array[]): ReturnType<typeof decodeClientSession>[] {
    const memory = shownMemory();
    const now = Date.now();
    const config = client({ sessionStore: memory, time: () => now });
    const { peer, connection } = clientWaitingFor('traffic', config);
    for (const message of messages) {
      for (let at = 0; at < message.length; at += 16_384) {
        peer.deliver(peer.protect(ContentType.handshake, message.subarray(at, at + 16_384)));
      }
    }
    expect(connection.error).toBeUndefined();
    return memory.added.map((ticket) => decodeClientSession(ticket));
  }

  it('(4.6.1) are not kept with a lifetime of zero, and never longer than seven days', () => {
    expect(added(newSessionTicket({ lifetime: 0 }))).toEqual([]);
    expect(added(newSessionTicket({ lifetime: 604_800 }))[0]?.lifetimeSeconds).toBe(604_800);
    expect(added(newSessionTicket({ lifetime: 604_801 }))[0]?.lifetimeSeconds).toBe(604_800);
    expect(added(newSessionTicket({ lifetime: 0xffff_ffff }))[0]?.lifetimeSeconds).toBe(604_800);
  });

  it('are not kept if they are so large that they might not be sent again', () => {
    expect(added(newSessionTicket({ ticket: new Uint8Array(12_288) }))).toHaveLength(1);
    expect(added(newSessionTicket({ ticket: new Uint8Array(12_289) }))).toEqual([]);
  });

  it('are kept with max_early_data_size, and refused with one that is malformed', () => {
    const { early_data } = ExtensionType;
    const [session] = added(newSessionTicket({ extensions: [[early_data, bytes(0, 1, 0, 0)]] }));
    expect(session?.maxEarlyDataSize).toBe(65_536);
    for (const [data, reason] of [
      [bytes(), 'MissingData'],
      [bytes(1, 2, 3), 'MissingData'],
      [bytes(1, 2, 3, 4, 5), 'TrailingData'],
    ] as const) {
      const scripted = clientWaitingFor('traffic');
      scripted.peer.deliver(
        scripted.peer.protect(ContentType.handshake, newSessionTicket({ extensions: [[early_data, data]] })),
      );
      expect(refusal(scripted)).toEqual([`InvalidMessage.${reason}`, decode_error]);
    }
  });

  it('do not outlive the session that was resumed', () => {
    let now = Date.now();
    const { config, psk, memory } = clientWithTicket({ time: () => now });
    now += 3_000_000;
    const scripted = new ScriptedServer(config);
    scripted.peer.psk = psk;
    scripted.sendServerHello({ replace: { [pre_shared_key]: u16(0) } });
    scripted.peer.send(scripted.encryptedExtensions());
    scripted.sendFinished();
    now += 100_000;
    scripted.peer.deliver(scripted.peer.protect(ContentType.handshake, newSessionTicket()));
    expect(decodeClientSession(memory.added.at(-1)!)?.lifetimeSeconds).toBe(500);
    now += 600_000;
    scripted.peer.deliver(scripted.peer.protect(ContentType.handshake, newSessionTicket()));
    expect(memory.added).toHaveLength(2);
  });

  it('are kept in a bounded memory, however many come', () => {
    const memory = clientSessionMemory();
    const { peer, connection } = clientWaitingFor('traffic', client({ sessionStore: memory }));
    for (let i = 0; i < 200; i++) {
      peer.deliver(peer.protect(ContentType.handshake, newSessionTicket({ ticket: u16(i) })));
      if (i % 30 === 0) peer.sendData(bytes(1));
    }
    expect(connection.error).toBeUndefined();
  });

  it('are refused before the handshake is complete, and on a server', () => {
    const memory = shownMemory();
    const early = clientWaitingFor('Finished', client({ sessionStore: memory }));
    early.peer.send(newSessionTicket());
    expect(refusal(early)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
    expect(memory.added).toEqual([]);
    const onServer = serverWaitingFor('traffic');
    onServer.peer.deliver(onServer.peer.protect(ContentType.handshake, newSessionTicket()));
    expect(refusal(onServer)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });
});

describe('a store', () => {
  it('may answer later: nothing is lost, and the order stays', async () => {
    const order: number[] = [];
    const memory = clientSessionMemory();
    const slowly = async <T>(act: () => Awaitable<T>): Promise<T> => {
      await settled();
      return act();
    };
    const slow = {
      groupHint: (key: string) => slowly(() => memory.groupHint(key)),
      setGroupHint: (key: string, group: number) => slowly(() => memory.setGroupHint(key, group)),
      tls12Session: (key: string) => slowly(() => memory.tls12Session(key)),
      setTls12Session: (key: string, session: Uint8Array) => slowly(() => memory.setTls12Session(key, session)),
      removeTls12Session: (key: string) => slowly(() => memory.removeTls12Session(key)),
      takeTicket: (key: string) => slowly(() => memory.takeTicket(key)),
      addTicket: (key: string, ticket: Uint8Array) =>
        slowly(() => {
          order.push(decodeClientSession(ticket)!.ageAdd);
          return memory.addTicket(key, ticket);
        }),
    };
    const store = serverSessionMemory();
    const put: number[] = [];
    const slowServer = {
      get: (key: string) => slowly(() => store.get(key)),
      take: (key: string) => slowly(() => store.take(key)),
      put: (key: string, session: Uint8Array, lifetime: number) =>
        slowly(() => {
          put.push(lifetime);
          return store.put(key, session, lifetime);
        }),
    };
    const configs = {
      client: client({ sessionStore: slow, ticketRequest: { newSessionCount: 5, resumptionCount: 5 } }),
      server: server({ sessionStore: slowServer, ticketCount: 5 }),
    };
    for (const kind of ['full', 'resumed', 'resumed']) {
      const pair = new Pair(configs);
      void pair.client.send(bytes(1));
      await pair.run();
      void pair.server.send(bytes(2));
      void pair.client.close();
      await pair.run();
      expect([pair.client.error, pair.server.error]).toEqual([undefined, undefined]);
      expect([pair.client.handshakeKind, pair.received('server'), pair.received('client')]).toEqual([
        kind,
        bytes(1),
        bytes(2),
      ]);
    }
    expect(order).toHaveLength(15);
    expect(put).toHaveLength(15);
  });

  const failure = new Error('the database is gone');
  const fails = [
    [
      'at once',
      () => {
        throw failure;
      },
    ],
    [
      'later',
      () =>
        later.awaitable!('verify', () => {
          throw failure;
        }),
    ],
  ] as const;

  it.each(fails)('of a client that fails %s ends the connection', async (_when, fail) => {
    for (const call of ['groupHint', 'takeTicket', 'addTicket'] as const) {
      const config = client({ sessionStore: { ...clientSessionMemory(), [call]: fail } });
      const pair = new Pair({ client: config, server: server() });
      await pair.run();
      expect(pair.client.error?.detail).toMatchObject({ code: 'General', why: failure.message });
    }
  });

  it.each(fails)('of a server that fails %s ends the connection', async (_when, fail) => {
    for (const call of ['put', 'take'] as const) {
      const config = client();
      const store = serverSessionMemory();
      await new Pair({ client: config, server: server({ sessionStore: store }) }).run();
      const pair = new Pair({ client: config, server: server({ sessionStore: { ...store, [call]: fail } }) });
      await pair.run();
      expect(pair.server.error?.detail).toMatchObject({ code: 'General', why: failure.message });
    }
  });
});
