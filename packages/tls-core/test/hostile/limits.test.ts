/** Every limit that keeps a peer from hurting us: reached exactly it is accepted, and exceeded by one it is refused. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import { type CryptoProvider } from '../../src/crypto/provider.ts';
import { AlertDescription, AlertLevel, ContentType, ExtensionType, HandshakeType } from '../../src/registry.ts';
import { ServerConnection } from '../../src/server.ts';
import { client, provider, server } from './fixtures.ts';
import { clientWaitingFor, refusal, ScriptedClient, type ScriptedServer, serverWaitingFor } from './scripted_peer.ts';
import { bytes, changeCipherSpec, handshake, record, u16, vec16, vec24 } from './wire.ts';

const { bad_certificate, decode_error, record_overflow, unexpected_message } = AlertDescription;

type Start = () => ScriptedServer | ScriptedClient;

const inTraffic: readonly (readonly [string, Start])[] = [
  ['a client', () => clientWaitingFor('traffic')],
  ['a server', () => serverWaitingFor('traffic')],
];

describe('the length of a record (5.1, 5.2, 5.4)', () => {
  /** A header that claims so much. */
  function claim(type: ContentType, claimed: number): Uint8Array {
    return record(type, bytes(), { claimed });
  }

  it.each([ContentType.handshake, ContentType.alert, ContentType.change_cipher_spec, ContentType.application_data])(
    'in the clear is at most 16 384 (type %i)',
    (type) => {
      const within = new ScriptedClient();
      within.peer.deliver(claim(type, 16_384));
      expect(within.connection.error).toBeUndefined();
      const over = new ScriptedClient();
      over.peer.deliver(claim(type, 16_385));
      expect(refusal(over)).toEqual(['PeerSentOversizedRecord', record_overflow]);
    },
  );

  it.each(inTraffic)('under protection is at most 16 640, for %s', (_name, start) => {
    const within = start();
    within.peer.deliver(claim(ContentType.application_data, 16_384 + 256));
    expect(within.connection.error).toBeUndefined();
    const over = start();
    over.peer.deliver(claim(ContentType.application_data, 16_384 + 257));
    expect(refusal(over)).toEqual(['PeerSentOversizedRecord', record_overflow]);
  });

  it.each(inTraffic)('of the content is at most 16 384, with type and padding 16 385, for %s', (_name, start) => {
    for (const [content, padding] of [
      [16_384, 0],
      [16_000, 384],
      [1, 16_383],
    ] as const) {
      const { peer, connection } = start();
      peer.deliver(peer.writeKey!.record(ContentType.application_data, new Uint8Array(content).fill(7), padding));
      expect(connection.error).toBeUndefined();
      expect(concat(connection.takePlaintext())).toEqual(new Uint8Array(content).fill(7));
    }
    for (const [content, padding] of [
      [16_385, 0],
      [16_384, 1],
      [1, 16_384],
      [0, 16_385],
    ] as const) {
      const scripted = start();
      const { writeKey } = scripted.peer;
      scripted.peer.deliver(writeKey!.record(ContentType.application_data, new Uint8Array(content).fill(7), padding));
      expect(refusal(scripted)).toEqual(['PeerSentOversizedRecord', record_overflow]);
      expect(scripted.connection.takePlaintext()).toEqual([]);
    }
  });
});

describe('the length of a handshake message', () => {
  /** A ClientHello with a body of so many bytes. */
  function clientHello(scripted: ScriptedClient, length: number): Uint8Array {
    const bare = scripted.clientHello().length - 4;
    return scripted.clientHello({ append: [[ExtensionType.padding, new Uint8Array(length - bare - 4)]] });
  }

  it('is at most 65 535', () => {
    const scripted = new ScriptedClient();
    // Extensions can have 65 535 bytes by themselves, so the longest ClientHello is shorter by what is before them.
    scripted.peer.send(clientHello(scripted, 65_535));
    scripted.sendFinished();
    expect(scripted.connection.isHandshaking).toBe(false);
  });

  it.each([
    ['client_hello', 65_536, 'InvalidMessage.HandshakePayloadTooLarge', decode_error],
    ['client_hello', 0xff_ffff, 'InvalidMessage.HandshakePayloadTooLarge', decode_error],
    ['certificate', 65_536, 'InvalidMessage.CertificatePayloadTooLarge', bad_certificate],
  ] as const)('over that is refused at its header: %s of %i', (type, claimed, code, alert) => {
    const scripted = new ScriptedClient();
    const header = handshake(HandshakeType[type], bytes(), claimed);
    scripted.peer.deliver(record(ContentType.handshake, header.subarray(0, 3)));
    expect(scripted.connection.error).toBeUndefined();
    scripted.peer.deliver(record(ContentType.handshake, header.subarray(3)));
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it('is so in traffic too', () => {
    const scripted = clientWaitingFor('traffic');
    const header = handshake(HandshakeType.new_session_ticket, bytes(), 65_536);
    scripted.peer.deliver(scripted.peer.protect(ContentType.handshake, header));
    expect(refusal(scripted)).toEqual(['InvalidMessage.HandshakePayloadTooLarge', decode_error]);
  });
});

describe('what a Certificate claims (4.4.2)', () => {
  /** A vector that claims so much and has nothing. */
  function u24(claimed: number): Uint8Array {
    return bytes(claimed >> 16, claimed >> 8, claimed);
  }

  it.each([
    ['list', 65_536, concat([bytes(0), u24(65_536)]), 'InvalidMessage.MissingData', decode_error],
    ['list', 65_537, concat([bytes(0), u24(65_537)]), 'InvalidMessage.CertificatePayloadTooLarge', bad_certificate],
    ['certificate', 65_536, concat([bytes(0), vec24(u24(65_536))]), 'InvalidMessage.MissingData', decode_error],
    [
      'certificate',
      65_537,
      concat([bytes(0), vec24(u24(65_537))]),
      'InvalidMessage.CertificatePayloadTooLarge',
      bad_certificate,
    ],
  ])('a %s of %i', (_what, _claimed, body, code, alert) => {
    const scripted = clientWaitingFor('Certificate');
    scripted.peer.send(handshake(HandshakeType.certificate, body));
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it('a list of ten thousand certificates of one byte each comes to an end', () => {
    const scripted = clientWaitingFor('Certificate');
    const entry = bytes(0, 0, 1, 0x30, 0, 0);
    const entries = vec24(...Array.from({ length: 10_000 }, () => entry));
    scripted.peer.send(handshake(HandshakeType.certificate, concat([bytes(0), entries])));
    scripted.peer.send(scripted.peer.certificateVerify());
    expect(refusal(scripted)).toEqual(['InvalidCertificate.BadEncoding', bad_certificate]);
  });
});

describe.each(inTraffic)('%s takes', (_name, start) => {
  it('32 empty records in a row, and no more', () => {
    const scripted = start();
    const { peer, connection } = scripted;
    for (let i = 0; i < 32; i++) peer.sendData(bytes());
    peer.sendData(bytes(1));
    for (let i = 0; i < 32; i++) peer.deliver(peer.writeKey!.record(ContentType.application_data, bytes(), i));
    expect(connection.error).toBeUndefined();
    expect(connection.takePlaintext()).toEqual([bytes(1)]);
    peer.sendData(bytes());
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.TooManyEmptyRecords', unexpected_message]);
  });

  it('32 KeyUpdates without data between them, and no more (4.6.3)', () => {
    const scripted = start();
    const { peer, connection } = scripted;
    for (let i = 0; i < 32; i++) peer.updateKeys(0);
    peer.sendData(bytes(1));
    for (let i = 0; i < 32; i++) peer.updateKeys(0);
    expect(connection.error).toBeUndefined();
    // An empty record is no data.
    peer.sendData(bytes());
    peer.updateKeys(0);
    const reason = 'PeerMisbehaved.TooManyConsecutiveHandshakeMessagesAfterHandshake';
    expect(refusal(scripted)).toEqual([reason, unexpected_message]);
  });

  it('4 warnings in all, and no more (6.1)', () => {
    const scripted = start();
    const { peer, connection } = scripted;
    for (let i = 0; i < 4; i++) {
      peer.sendAlert(AlertLevel.warning, AlertDescription.user_canceled);
      peer.sendData(bytes(1));
    }
    expect(connection.error).toBeUndefined();
    peer.sendAlert(AlertLevel.warning, AlertDescription.user_canceled);
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.TooManyWarningAlerts', decode_error]);
  });
});

it('a client takes 32 tickets without data between them, and no more (4.6.1)', () => {
  const scripted = clientWaitingFor('traffic');
  const ticket = handshake(HandshakeType.new_session_ticket, bytes(...new Uint8Array(8), 0, 0, 1, 1, 0, 0));
  scripted.peer.deliver(scripted.peer.protect(ContentType.handshake, concat(Array.from({ length: 32 }, () => ticket))));
  expect(scripted.connection.error).toBeUndefined();
  scripted.peer.send(ticket);
  const reason = 'PeerMisbehaved.TooManyConsecutiveHandshakeMessagesAfterHandshake';
  expect(refusal(scripted)).toEqual([reason, unexpected_message]);
});

describe('warnings during the handshake', () => {
  it.each([
    ['a client', () => clientWaitingFor('ServerHello')],
    ['a server', () => serverWaitingFor('ClientHello')],
    ['a client with keys', () => clientWaitingFor('Certificate')],
    ['a server with keys', () => serverWaitingFor('Finished')],
  ])('are 4 at most, for %s (6.1)', (_name, start) => {
    const scripted = start();
    for (let i = 0; i < 4; i++) scripted.peer.sendAlert(AlertLevel.warning, AlertDescription.user_canceled);
    expect(scripted.connection.error).toBeUndefined();
    scripted.peer.sendAlert(AlertLevel.warning, AlertDescription.user_canceled);
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.TooManyWarningAlerts', decode_error]);
  });
});

describe('change_cipher_spec during the handshake', () => {
  it.each([
    ['a client', () => clientWaitingFor('ServerHello')],
    ['a client with keys', () => clientWaitingFor('Certificate')],
    ['a server', () => serverWaitingFor('second ClientHello')],
    ['a server with keys', () => serverWaitingFor('Finished')],
  ])('may come twice, for %s (5, D.4)', (_name, start) => {
    const scripted = start();
    scripted.peer.deliver(changeCipherSpec);
    scripted.peer.deliver(changeCipherSpec);
    expect(scripted.connection.error).toBeUndefined();
    scripted.peer.deliver(changeCipherSpec);
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IllegalMiddleboxChangeCipherSpec', unexpected_message]);
  });
});

describe('early data that is not accepted (4.2.10)', () => {
  function offeringEarlyData(withKeyShare: boolean): ScriptedClient {
    const scripted = new ScriptedClient();
    const keyShare = withKeyShare ? vec16(scripted.keyShare()) : vec16();
    const replace = { [ExtensionType.early_data]: bytes(), [ExtensionType.key_share]: keyShare };
    scripted.sendClientHello({ replace });
    return scripted;
  }
  const tooMuch = ['PeerMisbehaved.TooMuchEarlyDataReceived', unexpected_message];

  it.each([[16_384], [1, 16_383], Array.from({ length: 64 }, () => 256), Array.from({ length: 1024 }, () => 16)])(
    'is skipped up to 16 384 bytes, and no further (%i bytes first)',
    (...lengths) => {
      const scripted = offeringEarlyData(true);
      scripted.peer.deliver(changeCipherSpec);
      for (const length of lengths) {
        scripted.peer.deliver(record(ContentType.application_data, new Uint8Array(length).fill(3)));
      }
      scripted.sendFinished();
      expect(scripted.connection.isHandshaking).toBe(false);
      expect(scripted.connection.takePlaintext()).toEqual([]);

      const over = offeringEarlyData(true);
      for (const length of [...lengths, 1]) {
        over.peer.deliver(record(ContentType.application_data, new Uint8Array(length).fill(3)));
      }
      expect(refusal(over)).toEqual(tooMuch);
    },
  );

  it('is skipped before a second ClientHello, and not after it', () => {
    const scripted = offeringEarlyData(false);
    const { peer } = scripted;
    peer.deliver(record(ContentType.application_data, new Uint8Array(16_384).fill(3)));
    scripted.sendClientHello();
    expect(scripted.connection.error).toBeUndefined();
    peer.deliver(record(ContentType.application_data, new Uint8Array(40).fill(3)));
    expect(refusal(scripted)).toEqual(['DecryptError', AlertDescription.bad_record_mac]);
  });

  it('is skipped no further in the clear', () => {
    const scripted = offeringEarlyData(false);
    scripted.peer.deliver(record(ContentType.application_data, new Uint8Array(16_384).fill(3)));
    scripted.peer.deliver(record(ContentType.application_data, bytes(3)));
    expect(refusal(scripted)).toEqual(tooMuch);
  });

  it('is not skipped for ever because it is empty', () => {
    const scripted = offeringEarlyData(true);
    const empty = record(ContentType.application_data, bytes());
    scripted.peer.deliver(...Array.from({ length: 16_384 }, () => empty));
    expect(scripted.connection.error).toBeUndefined();
    scripted.peer.deliver(empty);
    expect(refusal(scripted)).toEqual(tooMuch);
  });

  it('is not skipped once a record was authentic', () => {
    const scripted = offeringEarlyData(true);
    scripted.peer.sendAlert(AlertLevel.warning, AlertDescription.user_canceled);
    scripted.peer.deliver(record(ContentType.application_data, new Uint8Array(40).fill(3)));
    expect(refusal(scripted)).toEqual(['DecryptError', AlertDescription.bad_record_mac]);
  });

  it('is not skipped if it was not announced', () => {
    const scripted = serverWaitingFor('Finished');
    scripted.peer.deliver(record(ContentType.application_data, new Uint8Array(40).fill(3)));
    expect(refusal(scripted)).toEqual(['DecryptError', AlertDescription.bad_record_mac]);
  });
});

describe('records under one key (5.5)', () => {
  const limit = 6;
  const sealed: number[] = [];
  /** A provider with that limit, which counts the records under each key. */
  const limited: CryptoProvider = {
    ...provider,
    cipherSuites: provider.cipherSuites.map((suite) => ({
      ...suite,
      aead: {
        ...suite.aead,
        confidentialityLimit: limit,
        sealer(key) {
          const sealer = suite.aead.sealer(key);
          const generation = sealed.push(0) - 1;
          return {
            seal(...input) {
              sealed[generation]!++;
              return sealer.seal(...input);
            },
          };
        },
      },
    })),
  };
  afterEach(() => sealed.splice(0));

  it.each([
    ['a client', () => clientWaitingFor('traffic', client({ provider: limited, maxFragmentSize: 64 }))],
    ['a server', () => serverWaitingFor('traffic', server({ provider: limited, maxFragmentSize: 2048 }))],
  ])('of %s never exceed the limit, though it sends without end', (_name, start) => {
    const { peer, connection } = start();
    const data = new Uint8Array(10 * 2048).fill(1);
    peer.input(() => connection.send(data));
    for (let i = 0; i < 20; i++) peer.input(() => connection.send(bytes(i)));
    peer.input(() => connection.close());
    expect(connection.error).toBeUndefined();
    expect(concat(peer.applicationData)).toEqual(concat([data, Uint8Array.from({ length: 20 }, (_, i) => i)]));
    const traffic = sealed.slice(2);
    expect(Math.max(...traffic)).toBeLessThanOrEqual(limit);
    expect(traffic.length).toBeGreaterThan(5);
  });

  it('leave room for the alert', () => {
    const scripted = serverWaitingFor('traffic', server({ provider: limited }));
    for (let i = 0; i < limit - 2; i++) scripted.peer.input(() => scripted.connection.send(bytes(i)));
    scripted.peer.deliver(changeCipherSpec);
    expect(scripted.peer.alerts).toHaveLength(1);
    expect(Math.max(...sealed)).toBeLessThanOrEqual(limit);
  });
});

describe.each(inTraffic)('requests for a KeyUpdate of %s (4.6.3)', (_name, start) => {
  it('without end make no output without end', () => {
    const { peer, connection } = start();
    const requests: Uint8Array[] = [];
    for (let i = 0; i < 1000; i++) {
      requests.push(peer.protect(ContentType.handshake, handshake(HandshakeType.key_update, bytes(1))));
      peer.nextWriteKey();
      requests.push(peer.protect(ContentType.application_data, bytes(1)));
    }
    for (const request of requests) void connection.receive(request);
    const output = concat(connection.takeOutput());
    expect(output).toHaveLength(5 + 5 + 1 + 16);
  });

  it('are answered once while nothing is sent, and again after that', () => {
    const { peer, connection } = start();
    const request = (): void => {
      const message = peer.protect(ContentType.handshake, handshake(HandshakeType.key_update, bytes(1)));
      peer.nextWriteKey();
      void connection.receive(message);
    };
    request();
    request();
    void connection.send(bytes(1));
    request();
    request();
    void connection.send(bytes(2));
    peer.input(() => {});
    const updates = peer.received.filter(({ type }) => type === HandshakeType.key_update);
    expect(updates.map(({ raw }) => raw)).toEqual([bytes(24, 0, 0, 1, 0), bytes(24, 0, 0, 1, 0)]);
    expect(peer.applicationData).toEqual([bytes(1), bytes(2)]);
  });
});

describe('work and memory are linear in what comes', () => {
  const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
  afterEach(() => vi.restoreAllMocks());

  /** How many bytes `act` copies from array to array. */
  function copied(act: () => void): number {
    const set = vi.spyOn(typedArray, 'set');
    const slice = vi.spyOn(typedArray, 'slice');
    act();
    const results = slice.mock.results.map(({ value }) => value as Uint8Array);
    const count = [...set.mock.calls.map(([source]) => source), ...results].reduce((n, { length }) => n + length, 0);
    vi.restoreAllMocks();
    return count;
  }

  it('for a message of n bytes in records of one byte, in chunks of one byte', () => {
    const work = (length: number): number => {
      const connection = new ServerConnection(server());
      const message = handshake(HandshakeType.client_hello, new Uint8Array(length), length + 1);
      return copied(() => {
        for (const byte of message) {
          for (const part of record(ContentType.handshake, bytes(byte))) void connection.receive(bytes(part));
        }
      });
    };
    const small = work(5000);
    expect(work(20_000) / small).toBeLessThan(5);
    expect(small / 5000).toBeLessThan(100);
  });

  it('for n bytes of records in chunks of one byte', () => {
    const work = (records: number): number => {
      const { peer, connection } = serverWaitingFor('traffic');
      const stream = Array.from({ length: records }, () =>
        peer.protect(ContentType.application_data, new Uint8Array(8192).fill(1)),
      );
      return copied(() => {
        for (const byte of concat(stream)) void connection.receive(bytes(byte));
      });
    };
    const small = work(1);
    expect(work(4) / small).toBeLessThan(5);
    expect(small / 8192).toBeLessThan(200);
  });

  it('and nothing is allocated for what is merely claimed', () => {
    const claims = [
      record(ContentType.handshake, bytes(), { claimed: 16_384 }),
      record(ContentType.handshake, handshake(HandshakeType.client_hello, bytes(), 65_535)),
      record(ContentType.handshake, handshake(HandshakeType.client_hello, u16(0x0303), 65_535)),
    ];
    const config = server();
    const before = process.memoryUsage().arrayBuffers;
    const connections = claims.flatMap((claim) =>
      Array.from({ length: 1000 }, () => {
        const connection = new ServerConnection(config);
        void connection.receive(claim);
        return connection;
      }),
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(3_000_000);
    expect(connections.every(({ error }) => error === undefined)).toBe(true);
  });

  it('and a connection that has failed keeps nothing more', () => {
    const connection = new ServerConnection(server());
    expect(() => connection.receive(bytes(1, 1, 1, 1, 1))).toThrow('corrupt');
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 200; i++) expect(() => connection.receive(new Uint8Array(100_000))).toThrow('corrupt');
    globalThis.gc?.();
    expect(connection.takeOutput().length).toBeGreaterThan(0);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(25_000_000);
  });
});
