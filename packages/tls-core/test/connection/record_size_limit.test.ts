/** record_size_limit, RFC 8449: what each side tells, what it heeds, and what it refuses. */
import { Pair, recordsOf } from '@tyls/testing';
import { type ClientOptions, type ServerOptions } from '@tyls/tls-core';
import { describe, expect, it } from 'vitest';
import { AlertDescription, ContentType, ExtensionType, HandshakeType, ProtocolVersion } from '../../src/registry.ts';
import * as tls13 from '../hostile/scripted_peer.ts';
import { client as tls13Client, server as tls13Server } from '../hostile/fixtures.ts';
import { bytes, u16 } from '../hostile/wire.ts';
import * as tls12 from '../tls12/scripted_peer.ts';

const { record_size_limit } = ExtensionType;
const { illegal_parameter, record_overflow, unsupported_extension } = AlertDescription;
const { TLSv1_2, TLSv1_3 } = ProtocolVersion;
const tag = 16;
const explicitNonce = 8;

function run(version: ProtocolVersion, client: Partial<ClientOptions>, server: Partial<ServerOptions>): Pair {
  const pair = new Pair({
    client: tls12.client({ versions: [version], ...client }),
    server: tls12.server({ clientVerifier: tls12.optionalClientVerifier, ...server }),
  });
  void pair.run();
  void pair.client.send(new Uint8Array(5000));
  void pair.server.send(new Uint8Array(5000));
  void pair.run();
  expect(pair.client.error ?? pair.server.error).toBeUndefined();
  expect([pair.received('client').length, pair.received('server').length]).toEqual([5000, 5000]);
  return pair;
}

/** The longest plaintext under protection that was sent, with content type and padding where those belong to it. */
function longest(pair: Pair, from: 'client' | 'server', version: ProtocolVersion): number {
  const records = recordsOf(new Uint8Array(Buffer.concat(pair.sent[from])));
  const firstFinished = records.findIndex(([type]) => type === ContentType.change_cipher_spec);
  const isProtected = ([type]: Uint8Array, at: number): boolean =>
    version === TLSv1_3 ? type === ContentType.application_data : at > firstFinished;
  const overhead = 5 + tag + (version === TLSv1_3 ? 0 : explicitNonce);
  return Math.max(...records.filter(isProtected).map((record) => record.length - overhead));
}

describe.each([
  ['TLS 1.3', TLSv1_3],
  ['TLS 1.2', TLSv1_2],
])('%s', (_name, version) => {
  it.each([64, 100, 1500])('each side sends no more than the other accepts: %i', (recordSizeLimit) => {
    const pair = run(version, { recordSizeLimit }, { recordSizeLimit: recordSizeLimit + 1 });
    expect(longest(pair, 'server', version)).toBe(recordSizeLimit);
    expect(longest(pair, 'client', version)).toBe(recordSizeLimit + 1);
  });

  it('a server heeds it without an option of its own, and tells the most that there is', () => {
    const pair = run(version, { recordSizeLimit: 64 }, {});
    expect(longest(pair, 'server', version)).toBe(64);
    expect(longest(pair, 'client', version)).toBeGreaterThanOrEqual(5000);
  });

  it('a server does not speak of it to a client that does not', () => {
    const pair = run(version, {}, { recordSizeLimit: 64 });
    expect(longest(pair, 'client', version)).toBeGreaterThanOrEqual(5000);
    expect(longest(pair, 'server', version)).toBeGreaterThanOrEqual(5000);
  });

  it('maxFragmentSize holds besides, where it is less', () => {
    const pair = run(version, { recordSizeLimit: 100, maxFragmentSize: 40 }, { recordSizeLimit: 100 });
    expect(longest(pair, 'client', version)).toBe(version === TLSv1_3 ? 41 : 40);
  });
});

const limit = 4096;

describe('TLS 1.3 (RFC 8449 section 4)', () => {
  const offers = { append: [[record_size_limit, u16(limit)]] } as const;

  /** A client that was answered, in traffic. */
  function client(): tls13.ScriptedServer {
    const scripted = tls13.clientWaitingFor('EncryptedExtensions', tls13Client({ recordSizeLimit: limit }));
    scripted.peer.send(scripted.encryptedExtensions([[record_size_limit, u16(16_385)]]));
    scripted.peer.send(scripted.peer.certificate());
    scripted.peer.send(scripted.peer.certificateVerify());
    scripted.sendFinished();
    return scripted;
  }

  function server(): tls13.ScriptedClient {
    const scripted = new tls13.ScriptedClient(tls13Server({ recordSizeLimit: limit }));
    scripted.sendClientHello(offers);
    scripted.sendFinished();
    return scripted;
  }

  it.each([
    ['client', client],
    ['server', server],
  ])('a %s refuses a longer record, content type and padding counted', (_role, make) => {
    const scripted = make();
    const { peer } = scripted;
    peer.deliver(peer.writeKey!.record(ContentType.application_data, new Uint8Array(limit - 1)));
    peer.deliver(peer.writeKey!.record(ContentType.application_data, new Uint8Array(10), limit - 11));
    tls13.assertEstablished(peer);
    peer.deliver(peer.writeKey!.record(ContentType.application_data, new Uint8Array(10), limit - 10));
    expect(tls13.refusal(scripted)).toEqual(['PeerSentOversizedRecord', record_overflow]);
    const other = make();
    other.peer.sendData(new Uint8Array(limit));
    expect(tls13.refusal(other)).toEqual(['PeerSentOversizedRecord', record_overflow]);
  });

  it('a client that was not answered accepts all that the version allows', () => {
    const scripted = tls13.clientWaitingFor('traffic', tls13Client({ recordSizeLimit: limit }));
    scripted.peer.sendData(new Uint8Array(16_384));
    tls13.assertEstablished(scripted.peer);
    expect(scripted.connection.takePlaintext()).toHaveLength(1);
  });

  it('a limit under 64 is refused', () => {
    const scripted = tls13.clientWaitingFor('EncryptedExtensions', tls13Client({ recordSizeLimit: limit }));
    scripted.peer.send(scripted.encryptedExtensions([[record_size_limit, u16(63)]]));
    expect(tls13.refusal(scripted)).toEqual(['InvalidMessage.InvalidRecordSizeLimit', illegal_parameter]);
    const asked = new tls13.ScriptedClient();
    asked.sendClientHello({ append: [[record_size_limit, u16(63)]] });
    expect(tls13.refusal(asked)).toEqual(['InvalidMessage.InvalidRecordSizeLimit', illegal_parameter]);
  });

  it('an answer that nobody asked for is refused', () => {
    const scripted = tls13.clientWaitingFor('EncryptedExtensions');
    scripted.peer.send(scripted.encryptedExtensions([[record_size_limit, u16(limit)]]));
    expect(tls13.refusal(scripted)).toEqual(['PeerMisbehaved.UnsolicitedExtension', unsupported_extension]);
  });

  it('(RFC 8446 section 4.2) an answer in ServerHello is refused', () => {
    const scripted = new tls13.ScriptedServer(tls13Client({ recordSizeLimit: limit }));
    scripted.sendServerHello({ append: [[record_size_limit, u16(limit)]] });
    expect(tls13.refusal(scripted)).toEqual(['PeerMisbehaved.DisallowedExtension', illegal_parameter]);
  });

  it('(section 5) max_fragment_length beside it is refused', () => {
    const scripted = tls13.clientWaitingFor('EncryptedExtensions', tls13Client({ recordSizeLimit: limit }));
    const both = [
      [record_size_limit, u16(limit)],
      [ExtensionType.max_fragment_length, bytes(1)],
    ] as const;
    scripted.peer.send(scripted.encryptedExtensions(both));
    expect(tls13.refusal(scripted)).toEqual(['PeerMisbehaved.UnsolicitedExtension', unsupported_extension]);
  });
});

describe('TLS 1.2 (RFC 8449 section 4)', () => {
  function client(): tls12.ScriptedServer {
    const scripted = new tls12.ScriptedServer(tls12.client({ recordSizeLimit: limit }));
    scripted.sendHello({ append: [[record_size_limit, u16(16_384)]] });
    scripted.peer.send(scripted.peer.certificate());
    scripted.peer.send(scripted.keyExchange());
    scripted.peer.send(scripted.done());
    scripted.sendFinish();
    return scripted;
  }

  function server(): tls12.ScriptedClient {
    const scripted = new tls12.ScriptedClient(tls12.server({ recordSizeLimit: limit }));
    scripted.sendClientHello({ append: [[record_size_limit, u16(limit)]] });
    scripted.sendKeyExchange();
    scripted.peer.sendChangeCipherSpec();
    scripted.peer.send(scripted.peer.finished());
    return scripted;
  }

  it.each([
    ['client', client],
    ['server', server],
  ])('a %s refuses a longer record', (_role, make) => {
    const scripted = make();
    scripted.peer.sendData(new Uint8Array(limit));
    expect(tls12.established(scripted.peer)).toBe(true);
    scripted.peer.sendData(new Uint8Array(limit + 1));
    expect(tls12.refusal(scripted)).toEqual(['PeerSentOversizedRecord', record_overflow]);
  });

  it('a limit under 64 is refused', () => {
    const scripted = new tls12.ScriptedServer(tls12.client({ recordSizeLimit: limit }));
    scripted.sendHello({ append: [[record_size_limit, u16(63)]] });
    expect(tls12.refusal(scripted)).toEqual(['InvalidMessage.InvalidRecordSizeLimit', illegal_parameter]);
  });

  it.each([
    [[TLSv1_2], 16_384],
    [[TLSv1_2, TLSv1_3], 16_385],
  ])('a client of %j offers no more than its newest version has', (versions, most) => {
    const scripted = new tls12.ScriptedServer(tls12.client({ versions, recordSizeLimit: 16_385 }));
    expect(scripted.clientHello.extensions.recordSizeLimit).toBe(most);
  });

  it('a server answers no more than its version has', () => {
    const scripted = new tls12.ScriptedClient(tls12.server({ recordSizeLimit: 16_385 }));
    scripted.sendClientHello({ append: [[record_size_limit, u16(16_385)]] });
    const [hello] = scripted.peer.received.filter(({ type }) => type === HandshakeType.server_hello);
    expect(Buffer.from(hello!.raw).includes(Buffer.from([0, record_size_limit, 0, 2, 0x40, 0]))).toBe(true);
  });
});
