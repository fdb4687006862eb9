/** Every state of a TLS 1.2 handshake, and everything that must not come there (RFC 5246 sections 7.1, 7.2 and 7.3). */
import { describe, expect, it } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import { AlertDescription, AlertLevel, ContentType, HandshakeType } from '../../src/registry.ts';
import { bytes, changeCipherSpec, handshake, record } from '../hostile/wire.ts';
import {
  type ClientState,
  clientStates,
  clientWaitingFor,
  refusal,
  type ScriptedClient,
  ScriptedServer,
  type ServerState,
  serverStates,
  serverWaitingFor,
} from './scripted_peer.ts';

const { unexpected_message, bad_record_mac } = AlertDescription;
type Types = readonly (keyof typeof HandshakeType)[];

/** What each state accepts. */
const clientAccepts: Readonly<Record<ClientState, Types>> = {
  ServerHello: ['server_hello'],
  Certificate: ['certificate'],
  ServerKeyExchange: ['server_key_exchange'],
  CertificateStatus: ['certificate_status', 'server_key_exchange'],
  'CertificateRequest or ServerHelloDone': ['certificate_request', 'server_hello_done'],
  ServerHelloDone: ['server_hello_done'],
  NewSessionTicket: ['new_session_ticket'],
  ChangeCipherSpec: [],
  Finished: ['finished'],
  'NewSessionTicket of a resumption': ['new_session_ticket'],
  'ChangeCipherSpec of a resumption': [],
  'Finished of a resumption': ['finished'],
  traffic: ['hello_request'],
};

const serverAccepts: Readonly<Record<ServerState, Types>> = {
  ClientHello: ['client_hello'],
  Certificate: ['certificate'],
  ClientKeyExchange: ['client_key_exchange'],
  'ClientKeyExchange after Certificate': ['client_key_exchange'],
  CertificateVerify: ['certificate_verify'],
  ChangeCipherSpec: [],
  'ChangeCipherSpec after CertificateVerify': [],
  Finished: ['finished'],
  'ChangeCipherSpec of a resumption': [],
  'Finished of a resumption': ['finished'],
  traffic: ['client_hello'],
};

const types: readonly (readonly [string, number])[] = [...Object.entries(HandshakeType), ['unknown type', 99]];
type Scripted = ScriptedServer | ScriptedClient;
type State = readonly [name: string, start: () => Scripted, accepts: Types];
const states: readonly State[] = [
  ...clientStates.map((s): State => [`a client waiting for ${s}`, () => clientWaitingFor(s), clientAccepts[s]]),
  ...serverStates.map((s): State => [`a server waiting for ${s}`, () => serverWaitingFor(s), serverAccepts[s]]),
];
const handshakeStates = states.filter(([name]) => !name.endsWith('traffic'));

const awaitsChangeCipherSpec = (name: string): boolean => name.includes('waiting for ChangeCipherSpec');

describe.each(states)('%s', (name, start, accepts) => {
  it.each(types.filter(([type]) => !(accepts as readonly string[]).includes(type)))('refuses %s', (_name, type) => {
    const scripted = start();
    scripted.peer.send(handshake(type, bytes()));
    const code = awaitsChangeCipherSpec(name) ? 'InappropriateMessage' : 'InappropriateHandshakeMessage';
    expect(refusal(scripted)).toEqual([code, unexpected_message]);
  });

  it('refuses an empty handshake record', () => {
    const scripted = start();
    scripted.peer.deliver(scripted.peer.protect(ContentType.handshake, bytes()));
    expect(refusal(scripted)).toEqual(['InvalidMessage.EmptyRecord', unexpected_message]);
  });

  it.each([
    ['another value', bytes(2)],
    ['no byte', bytes()],
    ['two bytes', bytes(1, 1)],
  ])('refuses change_cipher_spec with %s', (_what, payload) => {
    const scripted = start();
    scripted.peer.deliver(scripted.peer.protect(ContentType.change_cipher_spec, payload));
    expect(refusal(scripted)).toEqual(['InvalidMessage.InvalidChangeCipherSpec', unexpected_message]);
  });

  it('ends at a fatal alert', () => {
    const scripted = start();
    scripted.peer.sendAlert(AlertLevel.fatal, AlertDescription.internal_error);
    expect(refusal(scripted)).toEqual(['AlertReceived', undefined]);
  });

  it('refuses half an alert', () => {
    const scripted = start();
    scripted.peer.deliver(scripted.peer.protect(ContentType.alert, bytes(2)));
    expect(refusal(scripted)).toEqual(['InvalidMessage.InvalidAlert', AlertDescription.decode_error]);
  });

  it('wants no more when it is given up', () => {
    const { connection } = start();
    connection.abandon();
    expect(() => connection.receive(bytes(1))).toThrow(connection.error);
    expect(connection.takeOutput()).toEqual([]);
  });
});

describe.each(handshakeStates)('%s', (_name, start) => {
  it('refuses application data', () => {
    const scripted = start();
    scripted.peer.sendData(bytes(1, 2, 3));
    expect(refusal(scripted)).toEqual(['InappropriateMessage', unexpected_message]);
    expect(scripted.connection.takePlaintext()).toEqual([]);
  });

  it('ends at close_notify, and says so', () => {
    const scripted = start();
    scripted.peer.sendAlert(AlertLevel.warning, AlertDescription.close_notify);
    expect(refusal(scripted)).toEqual(['AlertReceived', undefined]);
  });

  it('fails when the transport ends', () => {
    const scripted = start();
    scripted.peer.input(() => scripted.connection.receiveEnd());
    expect(refusal(scripted)).toEqual(['UnexpectedEof', undefined]);
  });

  it('tells nothing yet about who the peer is, nor keying material', () => {
    const { connection } = start();
    expect(connection.peerCertificates).toBeUndefined();
    expect(connection.alpnProtocol).toBeUndefined();
    expect(() => connection.exportKeyingMaterial(32, 'EXPORTER-test')).toThrow('not complete');
  });
});

/** Whoever has not said yet which version it speaks waits for a hello. */
const tls12States = states.filter(([name]) => !name.endsWith('Hello'));

describe.each(tls12States.filter(([name]) => !awaitsChangeCipherSpec(name)))('%s', (_name, start) => {
  it('refuses change_cipher_spec', () => {
    const scripted = start();
    scripted.peer.deliver(scripted.peer.protect(ContentType.change_cipher_spec, bytes(1)));
    expect(refusal(scripted)).toEqual(['InappropriateMessage', unexpected_message]);
  });

  it('refuses it also between the fragments of a message', () => {
    const scripted = start();
    const half = handshake(HandshakeType.finished, new Uint8Array(12)).subarray(0, 7);
    scripted.peer.deliver(scripted.peer.protect(ContentType.handshake, half));
    scripted.peer.deliver(scripted.peer.protect(ContentType.change_cipher_spec, bytes(1)));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.MessageInterleavedWithHandshakeMessage', unexpected_message]);
  });
});

describe.each(tls12States)('%s', (_name, start) => {
  it('goes on after 4 warnings of any kind, and not after the fifth (RFC 5246 section 7.2)', () => {
    const scripted = start();
    const { no_renegotiation, unrecognized_name, user_canceled } = AlertDescription;
    for (const alert of [user_canceled, unrecognized_name, no_renegotiation, 222]) {
      scripted.peer.sendAlert(AlertLevel.warning, alert);
    }
    expect(scripted.connection.error).toBeUndefined();
    scripted.peer.sendAlert(AlertLevel.warning, user_canceled);
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.TooManyWarningAlerts', AlertDescription.decode_error]);
  });
});

describe('change_cipher_spec', () => {
  it('must not come before ServerHello when that chooses TLS 1.2', () => {
    const scripted = new ScriptedServer();
    scripted.peer.deliver(changeCipherSpec);
    expect(scripted.connection.error).toBeUndefined();
    scripted.sendHello();
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IllegalMiddleboxChangeCipherSpec', unexpected_message]);
  });

  it.each([
    ['a client', () => clientWaitingFor('ChangeCipherSpec')],
    ['a server', () => serverWaitingFor('ChangeCipherSpec')],
  ])('twice is refused by %s: the second is no record under the key', (_name, start) => {
    const scripted = start();
    scripted.peer.deliver(changeCipherSpec, changeCipherSpec);
    expect(refusal(scripted)).toEqual(['DecryptError', bad_record_mac]);
  });

  it.each([
    ['a client', () => clientWaitingFor('ChangeCipherSpec')],
    ['a server', () => serverWaitingFor('ChangeCipherSpec')],
  ])('must not be missing before Finished, says %s', (_name, start) => {
    const scripted = start();
    const finished = scripted.peer.finished();
    scripted.peer.deliver(record(ContentType.handshake, finished));
    expect(refusal(scripted)).toEqual(['InappropriateMessage', unexpected_message]);
  });

  it.each([
    ['a client', () => clientWaitingFor('ChangeCipherSpec')],
    ['a server', () => serverWaitingFor('ChangeCipherSpec')],
  ])('is not straddled by Finished, says %s', (_name, start) => {
    const scripted = start();
    const finished = scripted.peer.finished();
    scripted.peer.deliver(record(ContentType.handshake, finished.subarray(0, 3)), changeCipherSpec);
    expect(refusal(scripted)[1]).toBe(unexpected_message);
  });

  it.each([
    ['a client', () => clientWaitingFor('ChangeCipherSpec')],
    ['a server', () => serverWaitingFor('ChangeCipherSpec')],
  ])('does not stand behind another message in the flight, says %s', (_name, start) => {
    const scripted = start();
    const early = handshake(HandshakeType.new_session_ticket, new Uint8Array(6));
    scripted.peer.deliver(record(ContentType.handshake, early), changeCipherSpec);
    expect(refusal(scripted)).toEqual(['InappropriateMessage', unexpected_message]);
  });

  it.each([
    ['a client', () => clientWaitingFor('Finished')],
    ['a server', () => serverWaitingFor('Finished')],
    ['a client in traffic', () => clientWaitingFor('traffic')],
    ['a server in traffic', () => serverWaitingFor('traffic')],
  ])('is the end of records in the clear for %s', (_name, start) => {
    for (const plain of [
      record(ContentType.handshake, handshake(HandshakeType.finished, new Uint8Array(12))),
      record(ContentType.alert, bytes(AlertLevel.fatal, AlertDescription.internal_error)),
      record(ContentType.alert, bytes(AlertLevel.warning, AlertDescription.close_notify)),
      record(ContentType.application_data, new Uint8Array(40)),
      changeCipherSpec,
    ]) {
      const scripted = start();
      scripted.peer.deliver(plain);
      expect(refusal(scripted)).toEqual(['DecryptError', bad_record_mac]);
    }
  });
});

describe.each([
  ['a client', () => clientWaitingFor('traffic'), handshake(HandshakeType.hello_request, bytes())],
  ['a server', () => serverWaitingFor('traffic'), handshake(HandshakeType.client_hello, new Uint8Array(300))],
] as const)('%s refuses renegotiation', (_name, start, request) => {
  it('with a warning, and goes on', () => {
    const { peer, connection } = start();
    peer.deliver(peer.protect(ContentType.handshake, request));
    expect(connection.error).toBeUndefined();
    expect(peer.alerts).toEqual([{ level: AlertLevel.warning, description: AlertDescription.no_renegotiation }]);
    peer.sendData(bytes(1, 2));
    expect(connection.takePlaintext()).toEqual([bytes(1, 2)]);
    peer.input(() => connection.send(bytes(3)));
    expect(concat(peer.applicationData)).toEqual(bytes(3));
  });

  it('for good the second time', () => {
    for (const separate of [true, false]) {
      const scripted = start();
      const { peer } = scripted;
      if (separate) for (const one of [request, request]) peer.deliver(peer.protect(ContentType.handshake, one));
      else peer.deliver(peer.protect(ContentType.handshake, concat([request, request])));
      expect(refusal(scripted)).toEqual(['PeerMisbehaved.TooManyRenegotiationRequests', unexpected_message]);
    }
  });

  it('without a word after its own close_notify', () => {
    const { peer, connection } = start();
    peer.input(() => connection.close());
    peer.deliver(peer.protect(ContentType.handshake, request));
    expect(connection.error).toBeUndefined();
    expect(peer.alerts).toEqual([{ level: AlertLevel.warning, description: AlertDescription.close_notify }]);
  });
});

it('a HelloRequest has no body', () => {
  const scripted = clientWaitingFor('traffic');
  scripted.peer.deliver(scripted.peer.protect(ContentType.handshake, handshake(HandshakeType.hello_request, bytes(1))));
  expect(refusal(scripted)).toEqual(['InvalidMessage.TrailingData', AlertDescription.decode_error]);
});

describe.each([
  ['a client', () => clientWaitingFor('traffic')],
  ['a server', () => serverWaitingFor('traffic')],
])('%s in traffic', (_name, start) => {
  it('ends at close_notify, and ignores what follows', () => {
    const { peer, connection } = start();
    peer.deliver(
      peer.protect(ContentType.application_data, bytes(1)),
      peer.protect(ContentType.alert, bytes(AlertLevel.warning, AlertDescription.close_notify)),
      bytes(0xff, 0xff, 0xff),
    );
    expect(peer.thrown).toBeUndefined();
    expect(connection.peerClosed).toBe(true);
    expect(connection.takePlaintext()).toEqual([bytes(1)]);
  });

  it('fails when the transport ends without close_notify', () => {
    const scripted = start();
    scripted.peer.sendData(bytes(1));
    scripted.peer.input(() => scripted.connection.receiveEnd());
    expect(refusal(scripted)).toEqual(['UnexpectedEof', undefined]);
    expect(scripted.connection.takePlaintext()).toEqual([bytes(1)]);
  });

  it('has no KeyUpdate', () => {
    expect(() => start().connection.updateKeys()).toThrow(TypeError);
  });

  it('counts empty records', () => {
    const scripted = start();
    for (let i = 0; i < 32; i++) scripted.peer.sendData(bytes());
    expect(scripted.connection.error).toBeUndefined();
    scripted.peer.sendData(bytes());
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.TooManyEmptyRecords', unexpected_message]);
  });
});
