/** Peers that misuse early data (RFC 8446 sections 4.2.10 and 4.5). */
import { nodeProvider } from '@tyls/crypto-node';
import { Pair } from '@tyls/testing';
import { describe, expect, it } from 'vitest';
import { concat, hex } from '../../src/codec/bytes.ts';
import { type ServerConfig } from '../../src/config.ts';
import { ticketPsk } from '../../src/keys/tls13_key_schedule.ts';
import { Tls13RecordOpener } from '../../src/record/protection_tls13.ts';
import { AlertDescription, AlertLevel, ContentType, ExtensionType, HandshakeType } from '../../src/registry.ts';
import { client, provider, server } from './fixtures.ts';
import {
  assertEstablished,
  clientWaitingFor,
  type OfferableTicket,
  refusal,
  ScriptedClient,
  ScriptedServer,
} from './scripted_peer.ts';
import { bytes, type Extension, extensionBlock, handshake, type RawSealer, u16, vec16, vec8 } from './wire.ts';

const { bad_record_mac, decode_error, illegal_parameter, protocol_version, unexpected_message, unsupported_extension } =
  AlertDescription;
const { early_data, pre_shared_key, key_share, psk_key_exchange_modes, supported_versions } = ExtensionType;
const endOfEarlyData = handshake(HandshakeType.end_of_early_data, bytes());

const config = server({ maxEarlyDataSize: 1000 });

function ticketsOf(from: ServerConfig): readonly OfferableTicket[] {
  const scripted = new ScriptedClient(from);
  scripted.sendClientHello({ append: [[psk_key_exchange_modes, vec8(bytes(1))]] });
  scripted.sendFinished();
  assertEstablished(scripted.peer);
  return scripted.tickets;
}

/** A client that offers early data, up to the server's flight. */
function offering(psks: readonly OfferableTicket[] = ticketsOf(config).slice(0, 1)): {
  readonly scripted: ScriptedClient;
  readonly key: RawSealer;
} {
  const scripted = new ScriptedClient(config);
  scripted.sendBoundHello(psks, { changes: { replace: { [early_data]: bytes() } } });
  return { scripted, key: scripted.earlyKey! };
}

function end({ peer }: ScriptedClient, key: RawSealer): void {
  peer.transcript.add(endOfEarlyData);
  peer.deliver(key.record(ContentType.handshake, endOfEarlyData));
}

describe('a server that accepts early data', () => {
  it('takes it up to EndOfEarlyData, and then Finished', () => {
    const { scripted, key } = offering();
    expect(scripted.connection.earlyDataAccepted).toBe(true);
    scripted.peer.deliver(key.record(ContentType.application_data, bytes(1, 2)));
    scripted.peer.deliver(key.record(ContentType.application_data, bytes(3), 100));
    end(scripted, key);
    scripted.sendFinished();
    assertEstablished(scripted.peer);
    expect(concat(scripted.connection.takeEarlyData())).toEqual(bytes(1, 2, 3));
    expect(scripted.connection.takePlaintext()).toEqual([]);
  });

  it.each([[[1000]], [[999, 1]], [Array.from({ length: 1000 }, () => 0)]])(
    '(4.2.10) takes as much as it said, and no further (%#)',
    (lengths) => {
      const within = offering();
      const records = (key: RawSealer): Uint8Array =>
        concat(lengths.map((length) => key.record(ContentType.application_data, new Uint8Array(length), 40)));
      within.scripted.peer.deliver(records(within.key));
      end(within.scripted, within.key);
      within.scripted.sendFinished();
      assertEstablished(within.scripted.peer);
      const over = offering();
      over.scripted.peer.deliver(records(over.key), over.key.record(ContentType.application_data, bytes(1)));
      expect(refusal(over.scripted)).toEqual(['PeerMisbehaved.TooMuchEarlyDataReceived', unexpected_message]);
    },
  );

  it('(4.5) refuses Finished without EndOfEarlyData, under either key', () => {
    const { scripted } = offering();
    scripted.sendFinished();
    expect(refusal(scripted)).toEqual(['DecryptError', bad_record_mac]);
    const early = offering();
    early.scripted.peer.deliver(early.key.record(ContentType.handshake, early.scripted.peer.finished()));
    expect(refusal(early.scripted)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });

  it('(4.5) refuses EndOfEarlyData with a body', () => {
    const { scripted, key } = offering();
    scripted.peer.deliver(key.record(ContentType.handshake, handshake(HandshakeType.end_of_early_data, bytes(0))));
    expect(refusal(scripted)).toEqual(['InvalidMessage.TrailingData', decode_error]);
  });

  it('(5.1) refuses anything behind EndOfEarlyData in its record', () => {
    const { scripted, key } = offering();
    const both = concat([endOfEarlyData, scripted.peer.finished()]);
    scripted.peer.deliver(key.record(ContentType.handshake, both));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.KeyEpochWithPendingFragment', unexpected_message]);
  });

  it('(5.1) refuses early data between the fragments of EndOfEarlyData', () => {
    const { scripted, key } = offering();
    scripted.peer.deliver(key.record(ContentType.handshake, endOfEarlyData.subarray(0, 2)));
    scripted.peer.deliver(key.record(ContentType.application_data, bytes(1)));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.MessageInterleavedWithHandshakeMessage', unexpected_message]);
  });

  it('refuses early data after EndOfEarlyData, and under any other key', () => {
    const { scripted, key } = offering();
    end(scripted, key);
    scripted.peer.deliver(key.record(ContentType.application_data, bytes(1)));
    expect(refusal(scripted)).toEqual(['DecryptError', bad_record_mac]);
    const other = offering();
    const strange = offering();
    other.scripted.peer.deliver(strange.key.record(ContentType.application_data, bytes(1)));
    expect(refusal(other.scripted)).toEqual(['DecryptError', bad_record_mac]);
  });

  it('refuses application data under the handshake key, and EndOfEarlyData again', () => {
    const { scripted, key } = offering();
    end(scripted, key);
    scripted.peer.sendData(bytes(1));
    expect(refusal(scripted)).toEqual(['InappropriateMessage', unexpected_message]);
    const twice = offering();
    end(twice.scripted, twice.key);
    twice.scripted.peer.send(endOfEarlyData);
    expect(refusal(twice.scripted)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });

  it('ends with the alert of a client that gives up', () => {
    const { scripted, key } = offering();
    scripted.peer.deliver(key.record(ContentType.alert, bytes(AlertLevel.warning, AlertDescription.close_notify)));
    expect(refusal(scripted)).toEqual(['AlertReceived', undefined]);
  });

  it('keeps what came before an error', () => {
    const { scripted, key } = offering();
    scripted.peer.deliver(key.record(ContentType.application_data, bytes(7)));
    scripted.peer.deliver(key.record(ContentType.handshake, handshake(HandshakeType.key_update, bytes(0))));
    expect(scripted.connection.error).toBeDefined();
    expect(concat(scripted.connection.takeEarlyData())).toEqual(bytes(7));
  });
});

describe('a server that does not accept early data', () => {
  it.each([
    ['with the second PSK', () => [{ ticket: new Uint8Array(32), psk: new Uint8Array(48) }, ticketsOf(config)[0]!]],
    ['with a PSK that it does not know', () => [{ ticket: new Uint8Array(32), psk: new Uint8Array(48) }]],
    ['of a ticket that is too old', () => [{ ...ticketsOf(config)[0]!, ageAdd: 0 }]],
  ] as const)('%s skips it, and refuses EndOfEarlyData', (_why, psks) => {
    const rejected = (): ScriptedClient => {
      const { scripted, key } = offering(psks());
      expect(scripted.connection.earlyDataAccepted).toBe(false);
      scripted.peer.deliver(key.record(ContentType.application_data, bytes(1, 2, 3)));
      return scripted;
    };
    const honest = rejected();
    honest.sendFinished();
    assertEstablished(honest.peer);
    expect(honest.connection.takeEarlyData()).toEqual([]);
    const ending = rejected();
    ending.peer.send(endOfEarlyData);
    expect(refusal(ending)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });

  it('refuses early_data again after a HelloRetryRequest', () => {
    const psks = ticketsOf(config).slice(0, 1);
    const scripted = new ScriptedClient(config);
    const replace = { [early_data]: bytes() };
    scripted.sendBoundHello(psks, { changes: { replace: { ...replace, [key_share]: vec16() } } });
    scripted.sendBoundHello(psks, { changes: { replace } });
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.VariedClientHelloAfterRetry', illegal_parameter]);
  });
});

describe('a client that sends early data', () => {
  const nonce = bytes(1);
  const ticket = handshake(
    HandshakeType.new_session_ticket,
    concat([u16(0, 3600, 0, 7), vec8(nonce), vec16(bytes(9)), extensionBlock([[early_data, bytes(0, 0, 0, 100)]])]),
  );
  const accept = { replace: { [pre_shared_key]: u16(0) } };

  /** A client that has sent some early data. */
  function sending(options: Parameters<typeof client>[0] = {}): {
    readonly scripted: ScriptedServer;
    readonly psk: Uint8Array;
  } {
    const its = client({ earlyData: true, ...options });
    const first = clientWaitingFor('traffic', its);
    first.peer.deliver(first.peer.protect(ContentType.handshake, ticket));
    const psk = ticketPsk(first.peer.suite, first.peer.resumptionSecret!, nonce);
    const scripted = new ScriptedServer(its);
    const { peer, connection } = scripted;
    peer.earlyOpener = new Tls13RecordOpener(peer.suite, peer.earlySecret(psk));
    peer.input(() => void connection.sendEarlyData(bytes(5, 5)));
    expect(peer.applicationData).toEqual([bytes(5, 5)]);
    peer.psk = psk;
    return { scripted, psk };
  }

  const answered = (scripted: ScriptedServer, extensions: readonly Extension[]): ScriptedServer => {
    scripted.peer.send(scripted.encryptedExtensions(extensions));
    return scripted;
  };

  it('ends it with EndOfEarlyData after the server Finished', () => {
    const { scripted } = sending();
    scripted.sendServerHello(accept);
    answered(scripted, [[early_data, bytes()]]);
    expect(scripted.connection.earlyDataAccepted).toBeUndefined();
    scripted.peer.input(() => void scripted.connection.sendEarlyData(bytes(6)));
    expect(scripted.peer.applicationData).toEqual([bytes(5, 5), bytes(6)]);
    scripted.sendFinished();
    assertEstablished(scripted.peer);
    expect(scripted.connection.earlyDataAccepted).toBe(true);
    const types = scripted.peer.received.map(({ type }) => type);
    expect(types).toEqual([HandshakeType.client_hello, HandshakeType.end_of_early_data, HandshakeType.finished]);
  });

  it('sends none after EncryptedExtensions that do not accept it', () => {
    const { scripted } = sending();
    scripted.peer.earlyOpener = undefined;
    scripted.sendServerHello(accept);
    answered(scripted, []);
    expect(scripted.connection.sendEarlyData(bytes(6))).toBe(0);
    scripted.sendFinished();
    assertEstablished(scripted.peer);
    expect(scripted.connection.earlyDataAccepted).toBe(false);
    expect(scripted.peer.received.map(({ type }) => type)).not.toContain(HandshakeType.end_of_early_data);
  });

  it('does not have it accepted by a server that does not know the PSK', () => {
    const { scripted } = sending();
    scripted.sendServerHello(accept);
    answered(scripted, [[early_data, bytes()]]);
    scripted.sendFinished(handshake(HandshakeType.finished, new Uint8Array(48)));
    expect(refusal(scripted)[0]).toBe('PeerMisbehaved.IncorrectFinished');
    expect(scripted.connection.earlyDataAccepted).toBeUndefined();
  });

  it('(4.2.10) refuses to have it accepted without the PSK', () => {
    const { scripted } = sending();
    scripted.peer.psk = undefined;
    scripted.peer.earlyOpener = undefined;
    scripted.sendServerHello();
    answered(scripted, [[early_data, bytes()]]);
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.EarlyDataExtensionWithoutResumption', illegal_parameter]);
  });

  it('(4.2.10) refuses to have it accepted under another suite or protocol', () => {
    const [aes256] = provider.cipherSuites;
    // Another suite with the same hash.
    const twin = { ...aes256!, id: 0x1304 };
    const both = { ...provider, cipherSuites: [aes256!, twin] };
    const { scripted, psk } = sending({ provider: both });
    scripted.sendServerHello({ ...accept, cipherSuite: twin.id });
    expect(psk).toHaveLength(48);
    answered(scripted, [[early_data, bytes()]]);
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.EarlyDataOfferedWithVariedCipherSuite', illegal_parameter]);

    const other = sending({ alpnProtocols: ['h2'] });
    other.scripted.sendServerHello(accept);
    answered(other.scripted, [
      [early_data, bytes()],
      [ExtensionType.application_layer_protocol_negotiation, vec16(vec8(bytes(0x68, 0x32)))],
    ]);
    expect(refusal(other.scripted)).toEqual([
      'PeerMisbehaved.EarlyDataOfferedWithVariedApplicationProtocol',
      illegal_parameter,
    ]);
  });

  it('(4.2.10) refuses to have it accepted after a HelloRetryRequest, or with data', () => {
    const { scripted } = sending();
    scripted.peer.earlyOpener = undefined;
    scripted.sendHelloRetryRequest();
    expect(scripted.clientHello.extensions.earlyData).toBeUndefined();
    expect(scripted.connection.sendEarlyData(bytes(1))).toBe(0);
    expect(scripted.connection.earlyDataAccepted).toBe(false);
    scripted.sendServerHello(accept);
    answered(scripted, [[early_data, bytes()]]);
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.UnsolicitedExtension', unsupported_extension]);
    const withData = sending();
    withData.scripted.sendServerHello(accept);
    answered(withData.scripted, [[early_data, bytes(0)]]);
    expect(refusal(withData.scripted)).toEqual(['InvalidMessage.TrailingData', decode_error]);
  });

  it('sends the alert for a bad HelloRetryRequest in the clear', () => {
    const { scripted } = sending();
    scripted.peer.earlyOpener = undefined;
    scripted.sendHelloRetryRequest();
    scripted.sendHelloRetryRequest();
    expect(refusal(scripted)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });

  it('(D.3) refuses a server that speaks TLS 1.2', () => {
    // It offers both.
    const { scripted } = sending({ provider: nodeProvider() });
    scripted.sendServerHello({ replace: { [supported_versions]: undefined } });
    expect(scripted.connection.error?.code).toBe('PeerMisbehaved.OfferedEarlyDataWithOldProtocolVersion');
    expect(scripted.connection.error?.alert).toBe(protocol_version);
  });
});

describe('whatever byte changes on the way of a resumed connection with early data', () => {
  it.each(['client', 'server'] as const)('from the %s, each end says so or is not concerned', async (role) => {
    const configs = { client: client({ earlyData: true }), server: server({ maxEarlyDataSize: 100 }) };
    const resumed = async (at: number | undefined): Promise<Pair> => {
      await new Pair(configs).run();
      let isFirst = true;
      const pair = new Pair({
        ...configs,
        alter(from, flight) {
          if (from === role && isFirst && at !== undefined) flight[at % flight.length]! ^= 0x10;
          if (from === role) isFirst = false;
          return flight;
        },
      });
      void pair.client.start();
      void pair.client.sendEarlyData(bytes(1, 2, 3));
      await pair.run();
      return pair;
    };
    const honest = await resumed(undefined);
    expect(honest.client.earlyDataAccepted).toBe(true);
    const { length } = honest.sent[role][0]!;
    for (let at = 0; at < length; at += 11) {
      const pair = await resumed(at);
      const ends = [pair.client, pair.server];
      for (const side of ends) expect(side.error?.detail.code).not.toBe('General');
      // The version in the header of an unprotected record means nothing: who passes over it is not concerned.
      const complete = ends.filter(({ error, isHandshaking }) => error === undefined && !isHandshaking);
      const secrets = new Set(complete.map((side) => hex(side.exportKeyingMaterial(32, 'EXPORTER-test'))));
      expect([0, 2]).toContain(complete.length);
      expect(secrets.size).toBeLessThan(2);
      const early = concat(pair.server.takeEarlyData());
      expect([bytes(), bytes(1, 2, 3)]).toContainEqual(early);
    }
  });
});
