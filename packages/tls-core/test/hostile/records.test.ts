/** The record layer: fragments, interleaving, changes of the key, forgeries, replays. RFC 8446 sections 5 and D.4. */
import { describe, expect, it } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import { helloRetryRequestRandom } from '../../src/messages/server_hello.ts';
import {
  AlertDescription,
  AlertLevel,
  ContentType,
  ExtensionType,
  HandshakeType,
  NamedGroup,
} from '../../src/registry.ts';
import { client, server } from './fixtures.ts';
import {
  assertEstablished,
  clientWaitingFor,
  refusal,
  ScriptedClient,
  ScriptedServer,
  serverWaitingFor,
} from './scripted_peer.ts';
import { bytes, changeCipherSpec, handshake, RawSealer, record, u16, vec16 } from './wire.ts';

const { bad_record_mac, unexpected_message } = AlertDescription;

type Start = () => ScriptedServer | ScriptedClient;

/** Where a message may come in fragments, and the message: without keys, with keys, and in traffic. */
const fragmented: readonly (readonly [string, Start, (scripted: ScriptedServer | ScriptedClient) => Uint8Array])[] = [
  ['ServerHello', () => clientWaitingFor('ServerHello'), (s) => (s as ScriptedServer).hello({}, [])],
  ['EncryptedExtensions', () => clientWaitingFor('EncryptedExtensions'), () => handshake(8, bytes(0, 0))],
  ['Certificate', () => clientWaitingFor('Certificate'), ({ peer }) => peer.certificate()],
  ['ClientHello', () => serverWaitingFor('ClientHello'), (s) => (s as ScriptedClient).clientHello()],
  ['a second ClientHello', () => serverWaitingFor('second ClientHello'), (s) => (s as ScriptedClient).clientHello()],
  ['Finished', () => serverWaitingFor('Finished'), ({ peer }) => peer.finished()],
  ['a KeyUpdate to a client', () => clientWaitingFor('traffic'), () => handshake(HandshakeType.key_update, bytes(0))],
  ['a KeyUpdate to a server', () => serverWaitingFor('traffic'), () => handshake(HandshakeType.key_update, bytes(0))],
];

describe.each(fragmented)('between the fragments of %s (5.1)', (_name, start, message) => {
  it.each([
    ['application data', ContentType.application_data, bytes(1)],
    ['empty application data', ContentType.application_data, bytes()],
    ['a warning', ContentType.alert, bytes(AlertLevel.warning, AlertDescription.user_canceled)],
    ['close_notify', ContentType.alert, bytes(AlertLevel.warning, AlertDescription.close_notify)],
    ['a fatal alert', ContentType.alert, bytes(AlertLevel.fatal, AlertDescription.internal_error)],
  ])('%s is refused', (_what, type, content) => {
    const scripted = start();
    const { peer } = scripted;
    peer.deliver(peer.protect(ContentType.handshake, message(scripted).subarray(0, 3)));
    expect(scripted.connection.error).toBeUndefined();
    peer.deliver(peer.protect(type, content));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.MessageInterleavedWithHandshakeMessage', unexpected_message]);
    expect(scripted.connection.takePlaintext()).toEqual([]);
  });

  it('change_cipher_spec is refused', () => {
    const scripted = start();
    scripted.peer.deliver(scripted.peer.protect(ContentType.handshake, message(scripted).subarray(0, 3)));
    scripted.peer.deliver(changeCipherSpec);
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.MessageInterleavedWithHandshakeMessage', unexpected_message]);
  });

  it('an empty handshake record is refused', () => {
    const scripted = start();
    scripted.peer.deliver(scripted.peer.protect(ContentType.handshake, message(scripted).subarray(0, 3)));
    scripted.peer.deliver(scripted.peer.protect(ContentType.handshake, bytes()));
    expect(refusal(scripted)).toEqual(['InvalidMessage.EmptyRecord', unexpected_message]);
  });

  it('the end of the transport is no end', () => {
    const scripted = start();
    scripted.peer.deliver(scripted.peer.protect(ContentType.handshake, message(scripted).subarray(0, 3)));
    scripted.peer.input(() => scripted.connection.receiveEnd());
    expect(refusal(scripted)).toEqual(['UnexpectedEof', undefined]);
  });
});

it('early data that is skipped may not stand between the fragments of the second ClientHello either (5.1)', () => {
  const scripted = new ScriptedClient();
  scripted.sendClientHello({
    replace: { [ExtensionType.key_share]: vec16(), [ExtensionType.early_data]: bytes() },
  });
  const { peer } = scripted;
  peer.deliver(record(ContentType.application_data, new Uint8Array(50)));
  peer.deliver(record(ContentType.handshake, scripted.clientHello().subarray(0, 100)));
  expect(scripted.connection.error).toBeUndefined();
  peer.deliver(record(ContentType.application_data, new Uint8Array(50)));
  expect(refusal(scripted)).toEqual(['PeerMisbehaved.MessageInterleavedWithHandshakeMessage', unexpected_message]);
});

describe('no message spans a change of the key (5.1), or an answer', () => {
  const refused = ['PeerMisbehaved.KeyEpochWithPendingFragment', unexpected_message];

  it.each([
    ['one byte', (s: ScriptedServer) => s.encryptedExtensions().subarray(0, 1)],
    ['EncryptedExtensions in the clear', (s: ScriptedServer) => s.encryptedExtensions()],
  ])('behind ServerHello: %s', (_what, more) => {
    const scripted = new ScriptedServer();
    const hello = honestServerHello(scripted);
    scripted.peer.deliver(record(ContentType.handshake, concat([hello, more(scripted)])));
    expect(refusal(scripted)).toEqual(refused);
  });

  it('behind ClientHello', () => {
    const scripted = new ScriptedClient();
    const hello = scripted.clientHello();
    scripted.peer.transcript.add(hello);
    scripted.peer.deliver(record(ContentType.handshake, concat([hello, bytes(20)])));
    expect(refusal(scripted)).toEqual(refused);
  });

  it('behind a ClientHello that is to be followed by another', () => {
    const scripted = new ScriptedClient();
    const hello = scripted.clientHello({ replace: { [ExtensionType.key_share]: vec16() } });
    scripted.peer.deliver(record(ContentType.handshake, concat([hello, bytes(1)])));
    expect(refusal(scripted)).toEqual(refused);
  });

  it('behind a HelloRetryRequest', () => {
    const scripted = new ScriptedServer();
    const retry = scripted.hello({ random: helloRetryRequestRandom }, [
      [ExtensionType.supported_versions, bytes(3, 4)],
      [ExtensionType.key_share, u16(NamedGroup.secp384r1)],
    ]);
    scripted.peer.deliver(record(ContentType.handshake, concat([retry, bytes(2)])));
    expect(refusal(scripted)).toEqual(refused);
  });

  it('behind the Finished of a server', () => {
    const scripted = clientWaitingFor('Finished');
    const ticket = handshake(HandshakeType.new_session_ticket, bytes());
    const finished = scripted.peer.finished();
    scripted.peer.deliver(scripted.peer.protect(ContentType.handshake, concat([finished, ticket])));
    expect(refusal(scripted)).toEqual(refused);
    expect(scripted.connection.isHandshaking).toBe(true);
  });

  it('behind the Finished of a client', () => {
    const scripted = serverWaitingFor('Finished');
    const update = handshake(HandshakeType.key_update, bytes(0));
    scripted.peer.deliver(scripted.peer.protect(ContentType.handshake, concat([scripted.peer.finished(), update])));
    expect(refusal(scripted)).toEqual(refused);
    expect(scripted.connection.isHandshaking).toBe(true);
  });

  it('begun before a KeyUpdate and ended after it', () => {
    const scripted = clientWaitingFor('traffic');
    const { peer } = scripted;
    const update = handshake(HandshakeType.key_update, bytes(0));
    peer.deliver(peer.protect(ContentType.handshake, concat([update, update.subarray(0, 2)])));
    expect(refusal(scripted)).toEqual(refused);
  });
});

function honestServerHello(scripted: ScriptedServer): Uint8Array {
  const { group, keyShare } = scripted.answer();
  return scripted.hello({}, [
    [ExtensionType.supported_versions, bytes(3, 4)],
    [ExtensionType.key_share, concat([bytes(group >> 8, group), vec16(keyShare)])],
  ]);
}

describe('messages and records need not coincide (5.1)', () => {
  it('a client takes a flight in one record', () => {
    const scripted = clientWaitingFor('EncryptedExtensions');
    const { peer } = scripted;
    const flight: Uint8Array[] = [];
    const add = (message: Uint8Array): void => {
      peer.transcript.add(message);
      flight.push(message);
    };
    add(scripted.encryptedExtensions());
    add(peer.certificate());
    add(peer.certificateVerify());
    add(peer.finished());
    peer.deriveApplicationSecrets();
    peer.deliver(peer.protect(ContentType.handshake, concat(flight)));
    assertEstablished(peer);
    expect(scripted.connection.isHandshaking).toBe(false);
  });

  it('a client takes a flight in records of one byte, in chunks of one byte', () => {
    const scripted = new ScriptedServer();
    const { peer } = scripted;
    const trickle = (data: Uint8Array): void => {
      for (const byte of data) peer.deliver(bytes(byte));
    };
    const send = (message: Uint8Array): void => {
      peer.transcript.add(message);
      for (const byte of message) trickle(peer.protect(ContentType.handshake, bytes(byte)));
    };
    const { group, keyShare, sharedSecret } = scripted.answer();
    peer.transcript.start(peer.suite.hash);
    send(
      scripted.hello({}, [
        [ExtensionType.supported_versions, bytes(3, 4)],
        [ExtensionType.key_share, concat([bytes(group >> 8, group), vec16(keyShare)])],
      ]),
    );
    peer.enterHandshake(sharedSecret);
    send(scripted.encryptedExtensions());
    send(peer.certificate());
    send(peer.certificateVerify());
    const finished = peer.finished();
    peer.transcript.add(finished);
    peer.deriveApplicationSecrets();
    for (const byte of finished) trickle(peer.protect(ContentType.handshake, bytes(byte)));
    expect(scripted.connection.error).toBeUndefined();
    expect(scripted.connection.isHandshaking).toBe(false);
  });

  it('a server takes a ClientHello in records of one byte', () => {
    const scripted = new ScriptedClient();
    const hello = scripted.clientHello();
    scripted.peer.transcript.add(hello);
    for (const byte of hello) scripted.peer.deliver(record(ContentType.handshake, bytes(byte)));
    scripted.sendFinished();
    expect(scripted.connection.isHandshaking).toBe(false);
  });
});

describe('legacy_record_version is ignored (5.1, 5.2)', () => {
  it.each([0x0300, 0x0301, 0x0304, 0x03ff])('%i of a ClientHello', (version) => {
    const scripted = new ScriptedClient();
    const hello = scripted.clientHello();
    scripted.peer.transcript.add(hello);
    scripted.peer.deliver(record(ContentType.handshake, hello, { version }));
    scripted.sendFinished();
    expect(scripted.connection.isHandshaking).toBe(false);
  });

  it('of a protected record, which it is authenticated with', () => {
    const scripted = serverWaitingFor('traffic');
    const inner = bytes(1, 2, ContentType.application_data);
    scripted.peer.deliver(scripted.peer.writeKey!.inner(inner, { version: 0x0301 }));
    expect(scripted.connection.takePlaintext()).toEqual([bytes(1, 2)]);
  });
});

const inTraffic: readonly (readonly [string, Start])[] = [
  ['a client', () => clientWaitingFor('traffic')],
  ['a server', () => serverWaitingFor('traffic')],
];

describe.each(inTraffic)('%s in traffic refuses', (_name, start) => {
  const refused = ['DecryptError', bad_record_mac];

  it('a record twice (5.3)', () => {
    const scripted = start();
    const data = scripted.peer.protect(ContentType.application_data, bytes(1));
    scripted.peer.deliver(data, data);
    expect(refusal(scripted)).toEqual(refused);
    expect(scripted.connection.takePlaintext()).toEqual([bytes(1)]);
  });

  it('records in another order (5.3)', () => {
    const scripted = start();
    const first = scripted.peer.protect(ContentType.application_data, bytes(1));
    const second = scripted.peer.protect(ContentType.application_data, bytes(2));
    scripted.peer.deliver(second, first);
    expect(refusal(scripted)).toEqual(refused);
    expect(scripted.connection.takePlaintext()).toEqual([]);
  });

  it('records of which one is missing (5.3)', () => {
    const scripted = start();
    scripted.peer.protect(ContentType.application_data, bytes(1));
    scripted.peer.sendData(bytes(2));
    expect(refusal(scripted)).toEqual(refused);
  });

  it('its own records', () => {
    const scripted = start();
    scripted.peer.input(() => scripted.connection.send(bytes(1)));
    scripted.peer.deliver(scripted.peer.records.at(-1)!);
    expect(refusal(scripted)).toEqual(refused);
  });

  it('records of another connection', () => {
    const elsewhere = start().peer.protect(ContentType.application_data, bytes(1));
    const scripted = start();
    scripted.peer.deliver(elsewhere);
    expect(refusal(scripted)).toEqual(refused);
  });

  it('records under the key of the handshake', () => {
    const scripted = start();
    const { suite, handshakeSecrets, role } = scripted.peer;
    const old = new RawSealer(suite, handshakeSecrets![role]);
    for (const sequenceNumber of [0, 1, 4]) {
      old.sequenceNumber = sequenceNumber;
      const again = start();
      again.peer.deliver(old.record(ContentType.application_data, bytes(1)));
      expect(refusal(again)).toEqual(refused);
    }
  });

  it('records under the next key without a KeyUpdate (4.6.3)', () => {
    const scripted = start();
    scripted.peer.nextWriteKey();
    scripted.peer.sendData(bytes(1));
    expect(refusal(scripted)).toEqual(refused);
  });

  it('a record with any bit changed, and delivers nothing of it', () => {
    const { length } = start().peer.protect(ContentType.application_data, bytes(1, 2, 3));
    for (let at = 0; at < length; at++) {
      const scripted = start();
      const changed = scripted.peer.protect(ContentType.application_data, bytes(1, 2, 3));
      changed[at]! ^= 4;
      // Where the length has grown the rest of the record is to come.
      scripted.peer.deliver(changed, new Uint8Array(2000));
      // The version is authenticated too; 3 is what makes it TLS.
      expect(scripted.connection.error, `byte ${at}`).toBeDefined();
      expect(scripted.peer.alerts, `byte ${at}`).toHaveLength(1);
      expect(scripted.connection.takePlaintext(), `byte ${at}`).toEqual([]);
    }
  });

  it('what is not application_data outside (5.2)', () => {
    for (const type of [ContentType.handshake, ContentType.alert]) {
      const scripted = start();
      const inner = bytes(1, ContentType.application_data);
      scripted.peer.deliver(scripted.peer.writeKey!.inner(inner, { type }));
      expect(refusal(scripted)).toEqual(['InappropriateMessage', unexpected_message]);
    }
  });
});

describe('application data under the traffic key before Finished', () => {
  it('is refused by a server that sends its own already', () => {
    const scripted = serverWaitingFor('Finished');
    scripted.peer.enterTraffic();
    scripted.peer.sendData(bytes(1));
    expect(refusal(scripted)).toEqual(['DecryptError', bad_record_mac]);
  });

  it('is refused by a client', () => {
    const scripted = clientWaitingFor('Finished');
    scripted.peer.transcript.add(scripted.peer.finished());
    scripted.peer.deriveApplicationSecrets();
    scripted.peer.enterTraffic();
    scripted.peer.sendData(bytes(1));
    expect(refusal(scripted)).toEqual(['DecryptError', bad_record_mac]);
  });
});

describe('what a connection sends', () => {
  it.each([
    ['client', () => new ScriptedServer(client()), [0x0301]],
    ['client', () => clientWaitingFor('traffic'), [0x0301, 0x0303, 0x0303]],
    ['client', () => clientWaitingFor('second ServerHello'), [0x0301, 0x0303, 0x0303]],
    ['server', () => serverWaitingFor('traffic', server()), [0x0303, 0x0303, 0x0303]],
  ] as const)('of a %s has the legacy_record_version of section 5.1', (_role, start, versions) => {
    const sent = start().peer.records.map((raw) => (raw[1]! << 8) | raw[2]!);
    expect(sent).toEqual(versions);
  });
});
