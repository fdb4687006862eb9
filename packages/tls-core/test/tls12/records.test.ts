/** Records of TLS 1.2: their form, their limits and their keys (RFC 5246 section 6.2, RFC 5288, RFC 7905). */
import { webcryptoProvider } from '@tyls/crypto-webcrypto';
import { Pair, recordsOf, testClientConfig, testServerConfig } from '@tyls/testing';
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import { type ServerOptions } from '../../src/config.ts';
import { type CryptoProvider, type Tls12CipherSuite } from '../../src/crypto/provider.ts';
import { Deframer, maxPlaintext, maxTls12Ciphertext } from '../../src/record/deframer.ts';
import { Tls12RecordOpener, Tls12RecordSealer } from '../../src/record/protection_tls12.ts';
import { AlertDescription, AlertLevel, ContentType, HandshakeType, ProtocolVersion } from '../../src/registry.ts';
import { bytes, flipped, handshake, record } from '../hostile/wire.ts';
import {
  client,
  clientWaitingFor,
  provider,
  refusal,
  ScriptedClient,
  ScriptedServer,
  server,
  serverWaitingFor,
  suites,
} from './scripted_peer.ts';

const { application_data } = ContentType;
const versions = [ProtocolVersion.TLSv1_2];
const aesSuite = suites.find(({ nonce }) => nonce === 'explicit')!;

function keysOf(suite: Tls12CipherSuite): { key: Uint8Array; iv: Uint8Array } {
  const ivLength = suite.nonce === 'explicit' ? 4 : 12;
  return { key: new Uint8Array(suite.aead.keyLength).fill(1), iv: new Uint8Array(ivLength).fill(2) };
}

function opened(opener: Tls12RecordOpener, pieces: readonly Uint8Array[]): Uint8Array | undefined {
  const deframer = new Deframer();
  for (const piece of pieces) deframer.push(piece);
  const plaintext = opener.open(deframer.next(() => maxTls12Ciphertext)!) as readonly Uint8Array[] | undefined;
  return plaintext === undefined ? undefined : concat(plaintext);
}

function sealed(sealer: Tls12RecordSealer, content: Uint8Array): Uint8Array {
  return concat(sealer.prepare(application_data, content)() as readonly Uint8Array[]);
}

describe('nothing stands behind a flight in the same record', () => {
  const refused = ['PeerMisbehaved.KeyEpochWithPendingFragment', AlertDescription.unexpected_message];

  it('not behind ClientHello', () => {
    const scripted = new ScriptedClient();
    scripted.peer.deliver(record(ContentType.handshake, concat([scripted.clientHello(), bytes(16)])));
    expect(refusal(scripted)).toEqual(refused);
  });

  it('not behind ServerHelloDone', () => {
    const scripted = clientWaitingFor('ServerHelloDone');
    const done = handshake(HandshakeType.server_hello_done, bytes());
    scripted.peer.deliver(record(ContentType.handshake, concat([done, bytes(20)])));
    expect(refusal(scripted)).toEqual(refused);
  });

  it.each([
    ['a client', () => serverWaitingFor('Finished')],
    ['a server that resumes a session', () => clientWaitingFor('Finished of a resumption')],
  ])('not behind Finished of %s', (_who, start) => {
    const scripted = start();
    const { peer } = scripted;
    peer.deliver(peer.protect(ContentType.handshake, concat([peer.finished(), bytes(20)])));
    expect(refusal(scripted)).toEqual(refused);
  });
});

describe('what stands behind the last Finished', () => {
  it.each([
    ['a server', () => clientWaitingFor('Finished'), handshake(HandshakeType.hello_request, bytes())],
    [
      'a client that resumes a session',
      () => serverWaitingFor('Finished of a resumption'),
      handshake(HandshakeType.client_hello, new Uint8Array(50)),
    ],
  ])('of %s is a renegotiation that is declined', (_who, start, request) => {
    const { peer, connection } = start();
    peer.deliver(peer.protect(ContentType.handshake, concat([peer.finished(), request])));
    expect(peer.alerts).toEqual([{ level: AlertLevel.warning, description: AlertDescription.no_renegotiation }]);
    peer.sendData(bytes(1));
    expect(connection.takePlaintext()).toEqual([bytes(1)]);
  });
});

describe.each(suites.map((suite) => ({ name: suite.id.toString(16), suite })))('suite $name', ({ suite }) => {
  const content = Uint8Array.from({ length: 40 }, (_, i) => i);
  const isAes = suite.nonce === 'explicit';

  it('makes the records that its RFC describes', () => {
    const sealer = new Tls12RecordSealer(suite, keysOf(suite));
    for (let sequence = 0; sequence < 3; sequence++) {
      const sent = sealed(sealer, content);
      const { key, iv } = keysOf(suite);
      const number = bytes(0, 0, 0, 0, 0, 0, 0, sequence);
      const nonce = isAes
        ? concat([iv, number])
        : concat([iv.subarray(4, 8), iv])
            .map((b, i) => b ^ (i === 15 ? sequence : 0))
            .subarray(4);
      const algorithm = isAes ? `aes-${8 * key.length}-gcm` : 'chacha20-poly1305';
      const cipher = createCipheriv(algorithm as 'aes-128-gcm', key, nonce, { authTagLength: 16 });
      cipher.setAAD(concat([number, bytes(23, 3, 3, 0, content.length)]));
      const ciphertext = concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
      const payload = isAes ? concat([number, ciphertext]) : ciphertext;
      expect(sent).toEqual(record(application_data, payload));
    }
  });

  it('opens records that came in any two pieces', () => {
    const sent = sealed(new Tls12RecordSealer(suite, keysOf(suite)), content);
    for (let at = 0; at <= sent.length; at++) {
      const opener = new Tls12RecordOpener(suite, keysOf(suite));
      expect(opened(opener, [sent.subarray(0, at), sent.subarray(at)])).toEqual(content);
    }
    const opener = new Tls12RecordOpener(suite, keysOf(suite));
    expect(
      opened(
        opener,
        [...sent].map((byte) => bytes(byte)),
      ),
    ).toEqual(content);
  });

  it('gives the ciphertext on in the pieces in which it came', () => {
    const seen: (readonly Uint8Array[])[] = [];
    const watching: Tls12CipherSuite = {
      ...suite,
      aead: {
        ...suite.aead,
        opener: (key) => {
          const opener = suite.aead.opener(key);
          return {
            open(nonce, additionalData, ciphertext) {
              seen.push(ciphertext);
              return opener.open(nonce, additionalData, ciphertext);
            },
          };
        },
      },
    };
    const sent = sealed(new Tls12RecordSealer(suite, keysOf(suite)), content);
    const pieces = [sent.subarray(0, 9), sent.subarray(9, 30), sent.subarray(30)];
    expect(opened(new Tls12RecordOpener(watching, keysOf(suite)), pieces)).toEqual(content);
    for (const part of seen[0]!) expect(part.buffer).toBe(sent.buffer);
  });

  it('does not open what was altered, in its header too, nor what is out of order', () => {
    const sealer = new Tls12RecordSealer(suite, keysOf(suite));
    const [first, second] = [sealed(sealer, content), sealed(sealer, content)];
    for (const at of [0, 2, ...Array.from({ length: first.length - 5 }, (_, i) => i + 5)]) {
      expect(opened(new Tls12RecordOpener(suite, keysOf(suite)), [flipped(first, at)])).toBeUndefined();
    }
    expect(opened(new Tls12RecordOpener(suite, keysOf(suite)), [second])).toBeUndefined();
    const opener = new Tls12RecordOpener(suite, keysOf(suite));
    expect(opened(opener, [first])).toEqual(content);
    expect(opened(opener, [first])).toBeUndefined();
  });

  it.each([0, 1, 15, 16, 23])('does not open %i bytes', (length) => {
    const opener = new Tls12RecordOpener(suite, keysOf(suite));
    expect(opened(opener, [record(application_data, new Uint8Array(length))])).toBeUndefined();
  });

  it('wipes the key that it was made with', () => {
    const keys = keysOf(suite);
    expect(new Tls12RecordSealer(suite, keys).exhausted).toBe(false);
    expect(keys.key.every((byte) => byte === 0)).toBe(true);
  });
});

describe('limits', () => {
  it.each([
    ['a client', () => clientWaitingFor('traffic')],
    ['a server', () => serverWaitingFor('traffic')],
  ])('%s takes 16 384 bytes of plaintext and no more', (_name, start) => {
    const scripted = start();
    scripted.peer.sendData(new Uint8Array(maxPlaintext).fill(1));
    expect(concat(scripted.connection.takePlaintext())).toHaveLength(maxPlaintext);
    scripted.peer.sendData(new Uint8Array(maxPlaintext + 1));
    expect(refusal(scripted)).toEqual(['PeerSentOversizedRecord', AlertDescription.record_overflow]);
  });

  it('ciphertext of 2048 bytes more is too long by its header alone', () => {
    const fits = clientWaitingFor('traffic');
    fits.peer.deliver(record(application_data, bytes(), { claimed: maxPlaintext + 2048 }));
    expect(fits.connection.error).toBeUndefined();
    const scripted = clientWaitingFor('traffic');
    scripted.peer.deliver(record(application_data, bytes(), { claimed: maxPlaintext + 2049 }));
    expect(refusal(scripted)).toEqual(['PeerSentOversizedRecord', AlertDescription.record_overflow]);
  });

  it('before the key is changed there is no ciphertext', () => {
    const scripted = clientWaitingFor('Certificate');
    scripted.peer.deliver(record(ContentType.handshake, bytes(), { claimed: maxPlaintext + 1 }));
    expect(refusal(scripted)).toEqual(['PeerSentOversizedRecord', AlertDescription.record_overflow]);
  });

  it.each([
    [32, 1],
    [100, 7],
    [16_384, 16_383],
  ])('handshake and data in fragments of %i bytes, arriving %i at a time', (maxFragmentSize, size) => {
    const pair = new Pair({
      client: client({ versions, maxFragmentSize, certificate: undefined }),
      server: server({ maxFragmentSize }),
      chop: [size],
    });
    void pair.run();
    void pair.client.send(new Uint8Array(300).fill(1));
    void pair.run();
    expect(pair.client.error ?? pair.server.error).toBeUndefined();
    expect(pair.received('server')).toEqual(new Uint8Array(300).fill(1));
    for (const flight of [...pair.sent.client, ...pair.sent.server]) {
      for (const one of recordsOf(flight)) expect(one.length).toBeLessThanOrEqual(5 + 8 + maxFragmentSize + 16);
    }
  });
});

/** Keys that wear out after a few records. */
function limited(limit: number, base: CryptoProvider = provider): CryptoProvider {
  return {
    ...base,
    cipherSuites: base.cipherSuites.map((suite) => ({
      ...suite,
      aead: { ...suite.aead, confidentialityLimit: limit },
    })),
  };
}

describe('a key that has reached its limit', () => {
  it('AES-GCM keys protect 2^24 records', () => {
    expect(aesSuite.aead.confidentialityLimit).toBe(2 ** 24);
  });

  it.each([
    ['at once', provider],
    ['later', webcryptoProvider()],
  ])('ends the connection with close_notify, with a provider that answers %s', async (_how, base) => {
    const options: Partial<ServerOptions> = { provider: limited(10, base) };
    const pair = new Pair({
      client: await testClientConfig(base, { versions }),
      server: await testServerConfig(base, options),
    });
    await pair.run();
    // Finished was one, and the last two are for alerts.
    for (let i = 0; i < 7; i++) void pair.server.send(bytes(i));
    await pair.run();
    expect(pair.server.error).toBeUndefined();
    await expect(async () => pair.server.send(bytes(7))).rejects.toThrow('open a new one');
    await pair.run();
    expect(pair.server.error?.code).toBe('KeyExhausted');
    expect(pair.client.peerClosed).toBe(true);
    expect(pair.client.error).toBeUndefined();
    expect(pair.received('client')).toEqual(bytes(0, 1, 2, 3, 4, 5, 6));
  });

  it('sends close_notify as a warning', () => {
    const scripted = serverWaitingFor('traffic', server({ provider: limited(4) }));
    const { peer, connection } = scripted;
    peer.input(() => connection.send(bytes(1)));
    peer.input(() => connection.send(bytes(2)));
    const { close_notify } = AlertDescription;
    expect(peer.alerts).toEqual([{ level: AlertLevel.warning, description: close_notify }]);
    expect(peer.applicationData).toEqual([bytes(1)]);
  });
});

it('what a client sends can be decrypted with the logged master secret alone', () => {
  const logged: Record<string, Uint8Array> = {};
  const keyLog = {
    log: (label: string, clientRandom: Uint8Array, secret: Uint8Array) => {
      logged[label] = secret.slice();
      logged['random'] = clientRandom.slice();
    },
  };
  const scripted = new ScriptedServer(client({ keyLog }), aesSuite);
  const { peer } = scripted;
  scripted.sendHello();
  peer.send(peer.certificate(), scripted.keyExchange(), scripted.done());
  scripted.sendFinish();
  expect(Object.keys(logged)).toEqual(['CLIENT_RANDOM', 'random']);
  expect(logged['random']).toEqual(scripted.clientHello.random);
  expect(logged['CLIENT_RANDOM']).toEqual(peer.secrets!.masterSecret);
  peer.input(() => scripted.connection.send(bytes(1, 2, 3)));
  const { key, iv } = peer.secrets!.keyBlock().client;
  const last = peer.records.at(-1)!;
  const nonce = concat([iv, last.subarray(5, 13)]);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
  decipher.setAAD(concat([bytes(0, 0, 0, 0, 0, 0, 0, 1, 23, 3, 3, 0, 3)]));
  decipher.setAuthTag(last.subarray(-16));
  expect(concat([decipher.update(last.subarray(13, -16)), decipher.final()])).toEqual(bytes(1, 2, 3));
});
