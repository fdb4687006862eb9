/**
 * Every state and everything that must not come there: RFC 8446 section 4 ("a peer which receives a handshake message in
 * an unexpected order MUST abort the handshake with an unexpected_message alert"), section 5 (records of an unexpected
 * type) and section 6 (alerts).
 */
import { describe, expect, it } from 'vitest';
import { AlertDescription, AlertLevel, ContentType, ExtensionType, HandshakeType } from '../../src/registry.ts';
import { client, clientVerifier, server } from './fixtures.ts';
import { pskStates, type State } from './psk_states.ts';
import {
  type ClientState,
  clientWaitingFor,
  refusal,
  ScriptedClient,
  type ScriptedPeer,
  ScriptedServer,
  type ServerState,
  serverWaitingFor,
} from './scripted_peer.ts';
import { bytes, changeCipherSpec, extensionBlock, handshake, record, u16, vec16, vec8 } from './wire.ts';

const { unexpected_message } = AlertDescription;

/** What each state accepts. */
const clientStates: Readonly<Record<ClientState, readonly (keyof typeof HandshakeType)[]>> = {
  ServerHello: ['server_hello'],
  'second ServerHello': ['server_hello'],
  EncryptedExtensions: ['encrypted_extensions'],
  'Certificate or CertificateRequest': ['certificate', 'certificate_request'],
  Certificate: ['certificate'],
  CertificateVerify: ['certificate_verify'],
  Finished: ['finished'],
  traffic: ['key_update', 'new_session_ticket'],
};

const serverStates: Readonly<Record<ServerState, readonly (keyof typeof HandshakeType)[]>> = {
  ClientHello: ['client_hello'],
  'second ClientHello': ['client_hello'],
  Certificate: ['certificate'],
  CertificateVerify: ['certificate_verify'],
  Finished: ['finished'],
  'Finished after Certificate': ['finished'],
  traffic: ['key_update'],
};

/** A server that asks for a certificate, in the states that need one. */
function serverIn(state: ServerState): ScriptedClient {
  return serverWaitingFor(state, state.includes('Certificate') ? server({ clientVerifier }) : server());
}

/** Of every type a message: as it would be right elsewhere, where it needs no keys, else with an empty body. */
function message(type: number, peer: ScriptedPeer): Uint8Array {
  switch (type) {
    case HandshakeType.client_hello:
      return serverWaitingFor('ClientHello').clientHello();
    case HandshakeType.server_hello: {
      const scripted = new ScriptedServer();
      return scripted.hello({}, [[ExtensionType.supported_versions, u16(0x0304)]]);
    }
    case HandshakeType.encrypted_extensions:
      return handshake(type, extensionBlock([]));
    case HandshakeType.certificate_request:
      return new ScriptedServer().certificateRequest();
    case HandshakeType.certificate:
      return peer.certificate();
    case HandshakeType.certificate_verify:
      return peer.suite.hash.outputLength > 0 && peer.handshakeSecrets !== undefined
        ? peer.certificateVerify()
        : handshake(type, bytes());
    case HandshakeType.finished:
      return peer.handshakeSecrets === undefined ? handshake(type, new Uint8Array(48)) : peer.finished();
    case HandshakeType.key_update:
      return handshake(type, bytes(0));
    case HandshakeType.new_session_ticket:
      return handshake(type, Uint8Array.from([...new Uint8Array(8), 0, 0, 1, 1, 0, 0]));
    default:
      return handshake(type, bytes());
  }
}

const unknownType = 99;
const types: readonly (readonly [string, number])[] = [...Object.entries(HandshakeType), ['unknown type', unknownType]];

type NamedState = readonly [name: string, state: State];
const handshakeStates = [
  ...Object.entries(clientStates).map(([state, accepts]): NamedState => {
    return [`a client waiting for ${state}`, { start: () => clientWaitingFor(state as ClientState), accepts }];
  }),
  ...Object.entries(serverStates).map(([state, accepts]): NamedState => {
    return [`a server waiting for ${state}`, { start: () => serverIn(state as ServerState), accepts }];
  }),
  ...Object.entries(pskStates),
].filter(([name]) => !name.endsWith('traffic'));
const trafficStates: readonly NamedState[] = [
  ['a client in traffic', { start: () => clientWaitingFor('traffic'), accepts: clientStates.traffic }],
  ['a server in traffic', { start: () => serverWaitingFor('traffic'), accepts: serverStates.traffic }],
];
const allStates = [...handshakeStates, ...trafficStates];

describe.each(allStates)('%s (section 4)', (_state, { start, accepts }) => {
  it.each(types.filter(([name]) => !(accepts as readonly string[]).includes(name)))('refuses %s', (_name, type) => {
    const scripted = start();
    scripted.peer.send(message(type, scripted.peer));
    expect(refusal(scripted)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });
});

describe.each(handshakeStates.filter(([, { acceptsData }]) => acceptsData !== true))('%s', (_state, { start }) => {
  it('refuses application data (section 5)', () => {
    const scripted = start();
    scripted.peer.sendData(bytes(1, 2, 3));
    expect(refusal(scripted)).toEqual(['InappropriateMessage', unexpected_message]);
    expect(scripted.connection.takePlaintext()).toEqual([]);
  });

  it('refuses empty application data (section 5)', () => {
    const scripted = start();
    scripted.peer.sendData(bytes());
    expect(refusal(scripted)).toEqual(['InappropriateMessage', unexpected_message]);
  });
});

describe.each(handshakeStates)('%s', (_state, { start }) => {
  it('ends at close_notify, and says so (section 6.1)', () => {
    const scripted = start();
    scripted.peer.sendAlert(AlertLevel.warning, AlertDescription.close_notify);
    expect(refusal(scripted)).toEqual(['AlertReceived', undefined]);
    expect(scripted.connection.error?.detail).toMatchObject({ alert: AlertDescription.close_notify });
  });

  it('fails when the transport ends (section 6.1)', () => {
    const scripted = start();
    scripted.peer.input(() => scripted.connection.receiveEnd());
    expect(refusal(scripted)).toEqual(['UnexpectedEof', undefined]);
    expect(scripted.connection.error?.detail).toMatchObject({ during: 'handshake' });
  });

  it('knows no keying material (RFC 5705)', () => {
    expect(() => start().connection.exportKeyingMaterial(32, 'EXPORTER-test')).toThrow('not complete');
  });

  it('tells nothing yet about who the peer is', () => {
    const { connection } = start();
    expect(connection.peerCertificates).toBeUndefined();
    expect(connection.peerSignatureScheme).toBeUndefined();
    expect(connection.alpnProtocol).toBeUndefined();
  });
});

const afterClientHello = handshakeStates.filter(([name]) => !name.endsWith('for ClientHello'));

describe('change_cipher_spec in the handshake (section 5)', () => {
  it.each(afterClientHello)('is dropped by %s', (_state, { start }) => {
    const { peer, connection } = start();
    peer.deliver(changeCipherSpec);
    expect(connection.error).toBeUndefined();
  });

  it('is refused before a ClientHello', () => {
    const scripted = new ScriptedClient();
    scripted.peer.deliver(changeCipherSpec);
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IllegalMiddleboxChangeCipherSpec', unexpected_message]);
  });
});

describe.each(trafficStates)('%s', (_state, { start }) => {
  it('refuses change_cipher_spec (section 5)', () => {
    const scripted = start();
    scripted.peer.deliver(changeCipherSpec);
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IllegalMiddleboxChangeCipherSpec', unexpected_message]);
  });

  it('refuses handshake and alert records in the clear (section 5.2)', () => {
    for (const plain of [
      record(ContentType.handshake, handshake(HandshakeType.key_update, bytes(0))),
      record(ContentType.alert, bytes(AlertLevel.warning, AlertDescription.close_notify)),
      record(ContentType.alert, bytes(AlertLevel.fatal, AlertDescription.internal_error)),
    ]) {
      const scripted = start();
      scripted.peer.deliver(plain);
      expect(refusal(scripted)).toEqual(['DecryptError', AlertDescription.bad_record_mac]);
    }
  });

  it('ends at close_notify, and ignores what follows (section 6.1)', () => {
    const { peer, connection } = start();
    peer.deliver(
      peer.protect(ContentType.application_data, bytes(1)),
      peer.protect(ContentType.alert, bytes(AlertLevel.warning, AlertDescription.close_notify)),
      peer.protect(ContentType.application_data, bytes(2)),
      bytes(0xff, 0xff, 0xff),
    );
    peer.deliver(bytes(1, 2, 3, 4, 5, 6));
    peer.input(() => connection.receiveEnd());
    expect(peer.thrown).toBeUndefined();
    expect(connection.peerClosed).toBe(true);
    expect(connection.takePlaintext()).toEqual([bytes(1)]);
  });

  it('still sends after the peer has closed (section 6.1)', () => {
    const { peer, connection } = start();
    peer.sendAlert(AlertLevel.warning, AlertDescription.close_notify);
    peer.input(() => connection.send(bytes(4)));
    peer.input(() => connection.close());
    expect(peer.applicationData).toEqual([bytes(4)]);
    const { close_notify } = AlertDescription;
    expect(peer.alerts).toEqual([{ level: AlertLevel.warning, description: close_notify, isProtected: true }]);
  });

  it('fails when the transport ends without close_notify, and keeps what came before (section 6.1)', () => {
    const scripted = start();
    scripted.peer.sendData(bytes(1));
    scripted.peer.input(() => scripted.connection.receiveEnd());
    expect(refusal(scripted)).toEqual(['UnexpectedEof', undefined]);
    expect(scripted.connection.error?.detail).toMatchObject({ during: 'traffic' });
    expect(scripted.connection.takePlaintext()).toEqual([bytes(1)]);
  });

  it('sends no alert after its own close_notify (section 6.1)', () => {
    const { peer, connection } = start();
    peer.input(() => connection.close());
    peer.deliver(changeCipherSpec);
    expect(connection.error?.code).toBe('PeerMisbehaved.IllegalMiddleboxChangeCipherSpec');
    expect(peer.alerts.map(({ description }) => description)).toEqual([AlertDescription.close_notify]);
  });
});

describe.each(allStates)('%s', (_state, { start }) => {
  const errorAlerts = Object.entries(AlertDescription).filter(
    ([name]) => name !== 'close_notify' && name !== 'user_canceled',
  );
  it.each([...errorAlerts, ['unknown alert', 222] as const])(
    'ends at %s of either level (section 6)',
    (_alert, alert) => {
      for (const level of [AlertLevel.warning, AlertLevel.fatal]) {
        const scripted = start();
        scripted.peer.sendAlert(level, alert);
        expect(refusal(scripted)).toEqual(['AlertReceived', undefined]);
        expect(scripted.connection.error?.detail).toMatchObject({ alert });
      }
    },
  );

  it.each([0, 3, 42, 255])('refuses an alert of level %i, which there is not (section 6)', (level) => {
    const scripted = start();
    scripted.peer.sendAlert(level, AlertDescription.unexpected_message);
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IllegalAlertLevel', AlertDescription.illegal_parameter]);
  });

  it('goes on after user_canceled (section 6.1)', () => {
    const { peer, connection } = start();
    peer.sendAlert(AlertLevel.warning, AlertDescription.user_canceled);
    expect(connection.error).toBeUndefined();
  });

  it.each([
    ['an empty alert', bytes(), 'InvalidMessage.EmptyRecord', unexpected_message],
    ['half an alert', bytes(2), 'InvalidMessage.InvalidAlert', AlertDescription.decode_error],
    ['two alerts in a record', bytes(1, 90, 1, 90), 'InvalidMessage.InvalidAlert', AlertDescription.decode_error],
    ['three bytes', bytes(2, 40, 0), 'InvalidMessage.InvalidAlert', AlertDescription.decode_error],
  ])('refuses %s (sections 5.1 and 5.4)', (_what, content, code, alert) => {
    const scripted = start();
    scripted.peer.deliver(scripted.peer.protect(ContentType.alert, content));
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it('refuses an empty handshake record (sections 5.1 and 5.4)', () => {
    const scripted = start();
    scripted.peer.deliver(scripted.peer.protect(ContentType.handshake, bytes()));
    expect(refusal(scripted)).toEqual(['InvalidMessage.EmptyRecord', unexpected_message]);
  });

  it.each([19, 24, 25, 0, 255])('refuses records of type %i (section 5)', (type) => {
    const scripted = start();
    scripted.peer.deliver(record(type, bytes(1)));
    expect(refusal(scripted)).toEqual(['InvalidMessage.InvalidContentType', unexpected_message]);
  });

  it.each([
    ['another value', bytes(2)],
    ['no byte', bytes()],
    ['two bytes', bytes(1, 1)],
  ])('refuses change_cipher_spec with %s (section 5)', (_what, payload) => {
    const scripted = start();
    scripted.peer.deliver(record(ContentType.change_cipher_spec, payload));
    expect(refusal(scripted)).toEqual(['InvalidMessage.InvalidChangeCipherSpec', unexpected_message]);
  });

  it('refuses a record that says it is of no version 3.x', () => {
    const scripted = start();
    scripted.peer.deliver(record(ContentType.handshake, bytes(1, 0, 0, 0), { version: 0x0200 }));
    expect(refusal(scripted)).toEqual(['InvalidMessage.UnknownProtocolVersion', AlertDescription.protocol_version]);
  });

  it('wants no more when it is given up', () => {
    const { connection, peer } = start();
    connection.abandon();
    expect(() => connection.receive(bytes(1))).toThrow(connection.error);
    expect(connection.error?.code).toBe('Closed');
    expect(peer.alerts).toEqual([]);
    expect(connection.takeOutput()).toEqual([]);
  });
});

const protectedStates = allStates.filter(([name]) => !name.endsWith('Hello'));

describe.each(protectedStates)('%s, under keys', (_state, { start }) => {
  it('refuses change_cipher_spec under protection (section 5)', () => {
    const scripted = start();
    scripted.peer.deliver(scripted.peer.protect(ContentType.change_cipher_spec, bytes(1)));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IllegalTlsInnerPlaintext', unexpected_message]);
  });

  it.each([1, 19, 24, 255])('refuses the inner content type %i (section 5.2)', (type) => {
    const scripted = start();
    scripted.peer.deliver(scripted.peer.writeKey!.record(type, bytes(1)));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IllegalTlsInnerPlaintext', unexpected_message]);
  });

  it.each([0, 1, 16_385])('refuses an inner plaintext of %i zeros (section 5.4)', (length) => {
    const scripted = start();
    scripted.peer.deliver(scripted.peer.writeKey!.inner(new Uint8Array(length)));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IllegalTlsInnerPlaintext', unexpected_message]);
  });

  it('refuses a handshake message in the clear (section 5.2)', () => {
    const scripted = start();
    scripted.peer.deliver(record(ContentType.handshake, handshake(HandshakeType.finished, new Uint8Array(48))));
    expect(refusal(scripted)).toEqual(['DecryptError', AlertDescription.bad_record_mac]);
  });

  it.each([
    ['nothing', 0],
    ['less than a tag', 15],
    ['noise', 64],
  ])('refuses ciphertext that is %s (section 5.2)', (_what, length) => {
    const scripted = start();
    scripted.peer.deliver(record(ContentType.application_data, new Uint8Array(length).fill(0xa5)));
    expect(refusal(scripted)).toEqual(['DecryptError', AlertDescription.bad_record_mac]);
  });
});

describe('the alert of a peer that failed before it had keys', () => {
  it.each([
    ['a client', () => clientWaitingFor('EncryptedExtensions')],
    ['a server', () => serverWaitingFor('Finished')],
  ])('is read in the clear by %s until something was under protection', (_name, start) => {
    const scripted = start();
    scripted.peer.deliver(record(ContentType.alert, bytes(AlertLevel.fatal, AlertDescription.decode_error)));
    expect(refusal(scripted)).toEqual(['AlertReceived', undefined]);
  });

  it('is not believed afterwards', () => {
    const scripted = clientWaitingFor('Certificate or CertificateRequest');
    scripted.peer.deliver(record(ContentType.alert, bytes(AlertLevel.fatal, AlertDescription.decode_error)));
    expect(refusal(scripted)).toEqual(['DecryptError', AlertDescription.bad_record_mac]);
  });
});

describe('orders that would skip a proof', () => {
  it('CertificateVerify before Certificate', () => {
    const scripted = clientWaitingFor('Certificate or CertificateRequest');
    scripted.peer.send(scripted.peer.certificateVerify());
    expect(refusal(scripted)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });

  it('Finished right after EncryptedExtensions, as with a PSK that was not offered', () => {
    const scripted = clientWaitingFor('Certificate or CertificateRequest');
    scripted.sendFinished();
    expect(refusal(scripted)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });

  it('Finished after Certificate without CertificateVerify, of a server', () => {
    const scripted = clientWaitingFor('CertificateVerify');
    scripted.sendFinished();
    expect(refusal(scripted)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });

  it('Finished after Certificate without CertificateVerify, of a client', () => {
    const scripted = serverWaitingFor('CertificateVerify', server({ clientVerifier }));
    scripted.sendFinished();
    expect(refusal(scripted)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });

  it('Finished of a client that was asked for a certificate', () => {
    const scripted = serverWaitingFor('Certificate', server({ clientVerifier }));
    scripted.sendFinished();
    expect(refusal(scripted)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });

  it('CertificateVerify after an empty Certificate', () => {
    const scripted = serverWaitingFor(
      'Certificate',
      server({ clientVerifier: { ...clientVerifier, mandatory: false } }),
    );
    scripted.peer.send(handshake(HandshakeType.certificate, bytes(0, 0, 0, 0)), scripted.peer.certificateVerify());
    expect(refusal(scripted)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });

  it('a Certificate that was not asked for', () => {
    const scripted = serverWaitingFor('Finished');
    scripted.peer.send(scripted.peer.certificate());
    expect(refusal(scripted)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });

  it('CertificateRequest after the handshake, without post_handshake_auth (section 4.6.2)', () => {
    const scripted = clientWaitingFor('traffic', client());
    scripted.peer.send(scripted.certificateRequest({}, vec8(bytes(1))));
    expect(refusal(scripted)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });

  it('a ClientHello after the handshake: no renegotiation (section 4.1.2)', () => {
    const scripted = serverWaitingFor('traffic');
    scripted.peer.send(scripted.clientHello({ replace: { [ExtensionType.key_share]: vec16() } }));
    expect(refusal(scripted)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });
});
