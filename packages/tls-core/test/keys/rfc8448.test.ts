/**
 * The example handshakes of RFC 8448, through tls-core's own modules. The hellos and EncryptedExtensions of the traces
 * have extensions that tyls does not send, so they go into the transcript as they are; what follows from them must come
 * out byte for byte. Every entry of the traces is either compared or listed with the reason why it cannot be.
 */
import { nodeProvider, TLS13_AES_128_GCM_SHA256 } from '@tyls/crypto-node';
import {
  type CryptoProvider,
  handshakeSignatureValid,
  HandshakeType,
  type KeyExchangeAnswer,
  type KeyExchangeGroup,
  NamedGroup,
  ProtocolVersion,
  ServerConnection,
  serverConfig,
  type SignatureVerifier,
  SignatureScheme,
  TlsError,
} from '@tyls/tls-core';
import { testCertifiedKey } from '@tyls/testing';
import { createPrivateKey, createPublicKey, diffieHellman, verify, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { concat, emptyBytes, hex } from '../../src/codec/bytes.ts';
import {
  finishedMessage,
  parseCertificateVerify,
  verifyFinished,
  verifyHandshakeSignature,
} from '../../src/handshake/authentication.ts';
import { SecretLog, sendChangeCipherSpec } from '../../src/handshake/io.ts';
import { applicationTrafficSecrets, earlySecrets, handshakeTrafficSecrets } from '../../src/handshake/tls13_secrets.ts';
import { Transcript } from '../../src/handshake/transcript.ts';
import {
  earlySecretOf,
  hkdfExpandLabel,
  KeySchedule,
  pskBinder,
  ticketPsk,
  trafficKeys,
} from '../../src/keys/tls13_key_schedule.ts';
import { certificate } from '../../src/messages/certificate.ts';
import { clientHello } from '../../src/messages/client_hello.ts';
import { encryptedExtensions } from '../../src/messages/encrypted_extensions.ts';
import { encodeMessage, type HandshakeMessage, parseBody } from '../../src/messages/handshake.ts';
import { endOfEarlyData, newSessionTicket } from '../../src/messages/post_handshake.ts';
import { bindersLength } from '../../src/messages/pre_shared_key.ts';
import { serverHello } from '../../src/messages/server_hello.ts';
import { Inbound } from '../../src/record/inbound.ts';
import { Outbound } from '../../src/record/outbound.ts';
import { Tls13RecordOpener, Tls13RecordSealer } from '../../src/record/protection_tls13.ts';
import { runToEnd } from '../../src/step/runner.ts';
import { type Step } from '../../src/step/step.ts';
import { vectors } from '../helpers/vectors.ts';

type Section = Readonly<Record<string, string>>;
const file = vectors('rfc8448.json') as Readonly<Record<string, Section>> | undefined;

const suite = TLS13_AES_128_GCM_SHA256;
const { hkdf } = suite;
const noLog = new SecretLog(undefined, new Uint8Array(32));
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

/** A trace, and what of it has been compared. */
class Trace {
  readonly #section: Section;
  readonly #compared = new Set<string>();

  constructor(section: Section) {
    this.#section = section;
  }

  /** An entry as input. */
  input(name: string): Uint8Array {
    return bytes(this.#section[name]!);
  }

  message(name: string): HandshakeMessage {
    const raw = this.input(name);
    return { type: raw[0]!, raw };
  }

  /** An entry in hexadecimal, to compare something of our own with. */
  entry(name: string): string {
    this.#compared.add(name);
    return this.#section[name]!;
  }

  /** The entries that nothing was compared with. */
  get left(): string[] {
    return Object.keys(this.#section).filter((name) => !this.#compared.has(name));
  }
}

interface FixedGroup extends KeyExchangeGroup {
  readonly start: () => { readonly keyShare: Uint8Array; readonly complete: (share: Uint8Array) => Uint8Array };
  readonly respond: (share: Uint8Array) => KeyExchangeAnswer;
}

/** X25519 with a private key that is given. */
function fixedX25519(privateKey: Uint8Array): FixedGroup {
  const der = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), privateKey]);
  const ours = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const keyShare = new Uint8Array(createPublicKey(ours).export({ format: 'der', type: 'spki' })).slice(-32);
  const complete = (share: Uint8Array): Uint8Array => {
    const key = { kty: 'OKP', crv: 'X25519', x: Buffer.from(share).toString('base64url') };
    const publicKey = createPublicKey({ key, format: 'jwk' });
    return new Uint8Array(diffieHellman({ privateKey: ours, publicKey }));
  };
  return {
    name: NamedGroup.X25519,
    start: () => ({ keyShare, complete }),
    respond: (share) => ({ keyShare, sharedSecret: complete(share) }),
  };
}

/** Verifies with the 1024-bit key of the traces, which is too short for any provider. */
const verifier: SignatureVerifier = {
  verifyTls12Signature: () => {
    throw new Error('the traces are of TLS 1.3');
  },
  schemes: [SignatureScheme.rsa_pss_rsae_sha256],
  verifyTls13Signature({ message, endEntity, scheme, signature }) {
    const key = { key: new X509Certificate(endEntity).publicKey, padding: 6, saltLength: 32 };
    if (!verify('sha256', message, key, signature)) throw new TlsError({ code: 'BadHandshakeSignature', scheme });
    return handshakeSignatureValid();
  },
};

/** The messages in a flight of one side, received and decrypted as a connection does. */
function receive(record: Uint8Array, secret: Uint8Array, types: readonly HandshakeType[]): HandshakeMessage[] {
  const inbound = new Inbound();
  inbound.setOpener(new Tls13RecordOpener(suite, secret));
  inbound.push(record);
  function* messages(): Step<HandshakeMessage[]> {
    const found: HandshakeMessage[] = [];
    for (const type of types) found.push(yield* inbound.message(type));
    return found;
  }
  return runToEnd(messages()) as HandshakeMessage[];
}

function sealed(secret: Uint8Array, message: Uint8Array): Uint8Array {
  const outbound = new Outbound();
  outbound.setSealer(new Tls13RecordSealer(suite, secret));
  outbound.send(22, message);
  return concat(outbound.take());
}

function transcriptHash(message: Uint8Array): Uint8Array {
  const transcript = new Transcript();
  transcript.add(message);
  transcript.start(suite.hash);
  return transcript.digest();
}

const finishedKey = (secret: Uint8Array): Uint8Array => hkdfExpandLabel(hkdf, secret, 'finished', emptyBytes, 32);

const serverFlight = [
  HandshakeType.encrypted_extensions,
  HandshakeType.certificate,
  HandshakeType.certificate_verify,
  HandshakeType.finished,
];

/** From the server's flight to the client's: the same in both traces. `transcript` is up to ServerHello. */
function completeHandshake(
  trace: Trace,
  transcript: Transcript,
  schedule: KeySchedule,
  handshake: { readonly client: Uint8Array; readonly server: Uint8Array },
): ReturnType<typeof applicationTrafficSecrets> {
  const flight = receive(trace.input('server_parameters_record'), handshake.server, serverFlight);
  const [extensionsMessage, certificateMessage, verifyMessage, finishedReceived] = flight;
  expect(hex(concat(flight.map(({ raw }) => raw)))).toBe(trace.entry('server_parameters'));
  expect(hex(sealed(handshake.server, trace.input('server_parameters')))).toBe(trace.entry('server_parameters_record'));
  expect(hex(extensionsMessage!.raw)).toBe(trace.entry('encrypted_extensions'));
  transcript.add(extensionsMessage!.raw);

  const { context, entries } = parseBody('Certificate', certificate, certificateMessage!);
  expect(hex(encodeMessage(HandshakeType.certificate, certificate, { context, entries }))).toBe(
    trace.entry('certificate'),
  );
  transcript.add(certificateMessage!.raw);

  expect(hex(verifyMessage!.raw)).toBe(trace.entry('certificate_verify'));
  const certificateVerify = parseCertificateVerify(verifier, verifyMessage!);
  const { certificate: endEntity } = entries[0]!;
  const valid = runToEnd(
    verifyHandshakeSignature(verifier, 'server', endEntity, certificateVerify, transcript.digest()),
  );
  expect(valid).toBeDefined();
  expect(() =>
    runToEnd(verifyHandshakeSignature(verifier, 'client', endEntity, certificateVerify, transcript.digest())),
  ).toThrow('handshake signature');
  transcript.add(verifyMessage!.raw);

  expect(hex(finishedKey(handshake.server))).toBe(trace.entry('server_finished_key'));
  expect(hex(finishedMessage(suite, handshake.server, transcript.digest()))).toBe(trace.entry('server_finished'));
  expect(verifyFinished(suite, handshake.server, transcript.digest(), finishedReceived!)).toBeDefined();
  transcript.add(finishedReceived!.raw);

  schedule.enterMain();
  const application = applicationTrafficSecrets(schedule, transcript, noLog);
  expect(hex(finishedKey(handshake.client))).toBe(trace.entry('client_finished_key'));
  const finished = finishedMessage(suite, handshake.client, transcript.digest());
  expect(hex(finished)).toBe(trace.entry('client_finished'));
  transcript.add(finished);
  return application;
}

describe.skipIf(file === undefined)('RFC 8448', () => {
  describe('section 3: simple 1-RTT handshake', () => {
    const trace = new Trace(file?.['simple_1rtt'] ?? {});
    const transcript = new Transcript();
    const schedule = new KeySchedule(suite);

    test('the key exchange, from both sides', () => {
      const client = fixedX25519(trace.input('client_x25519_private_key')).start();
      const hello = parseBody('ClientHello', clientHello, trace.message('client_hello'));
      expect(hello.extensions.keyShares).toEqual([{ group: NamedGroup.X25519, keyExchange: client.keyShare }]);
      const server = fixedX25519(trace.input('server_x25519_private_key')).respond(client.keyShare);
      expect(hex(server.sharedSecret)).toBe(trace.entry('shared_secret'));
      expect(hex(client.complete(server.keyShare))).toBe(trace.entry('shared_secret'));
    });

    test('our server, with the randomness and the key of the trace, answers with its ServerHello', async () => {
      const random = parseBody('ServerHello', serverHello, trace.message('server_hello')).random;
      const provider: CryptoProvider = {
        ...nodeProvider(),
        cipherSuites: [suite],
        keyExchangeGroups: [fixedX25519(trace.input('server_x25519_private_key'))],
        random: (target) => target.set(random),
      };
      const server = new ServerConnection(serverConfig({ provider, certificate: await testCertifiedKey(provider) }));
      const outbound = new Outbound();
      outbound.sendPlaintextRecord(22, trace.input('client_hello'), ProtocolVersion.TLSv1_0);
      expect(server.receive(concat(outbound.take()))).toBeUndefined();
      const [header, message] = server.takeOutput();
      expect(hex(header!)).toBe('160303005a');
      expect(hex(message!)).toBe(trace.entry('server_hello'));
    });

    test('everything up to the client Finished', () => {
      transcript.add(trace.input('client_hello'));
      transcript.start(suite.hash);
      transcript.add(trace.input('server_hello'));
      schedule.enterHandshake(trace.input('shared_secret'));
      const handshake = handshakeTrafficSecrets(schedule, transcript, noLog);
      expect(hex(handshake.client)).toBe(trace.entry('c_hs_traffic'));
      expect(hex(handshake.server)).toBe(trace.entry('s_hs_traffic'));
      const serverKeys = trafficKeys(suite, handshake.server);
      expect(hex(serverKeys.key)).toBe(trace.entry('server_parameters_write_key'));
      expect(hex(serverKeys.iv)).toBe(trace.entry('server_parameters_write_iv'));
      const clientKeys = trafficKeys(suite, handshake.client);
      expect(hex(clientKeys.key)).toBe(trace.entry('client_finished_write_key'));
      expect(hex(clientKeys.iv)).toBe(trace.entry('client_finished_write_iv'));

      const application = completeHandshake(trace, transcript, schedule, handshake);
      expect(hex(application.client)).toBe(trace.entry('c_ap_traffic'));
      expect(hex(application.server)).toBe(trace.entry('s_ap_traffic'));
      expect(hex(application.exporter)).toBe(trace.entry('exp_master'));
      const serverApplication = trafficKeys(suite, application.server);
      expect(hex(serverApplication.key)).toBe(trace.entry('server_application_write_key'));
      expect(hex(serverApplication.iv)).toBe(trace.entry('server_application_write_iv'));
      const clientApplication = trafficKeys(suite, application.client);
      expect(hex(clientApplication.key)).toBe(trace.entry('client_application_write_key'));
      expect(hex(clientApplication.iv)).toBe(trace.entry('client_application_write_iv'));

      expect(hex(sealed(handshake.client, trace.input('client_finished')))).toBe(trace.entry('client_finished_record'));
      expect(hex(transcript.digest())).toBe(trace.entry('ch_cf_transcript_hash'));
      expect(hex(schedule.derive('res master', transcript.digest()))).toBe(trace.entry('res_master'));
    });

    test('EncryptedExtensions, NewSessionTicket and change_cipher_spec', () => {
      const { serverName, namedGroups, recordSizeLimit, unknown } = parseBody(
        'EncryptedExtensions',
        encryptedExtensions,
        trace.message('encrypted_extensions'),
      );
      expect({ serverName, first: namedGroups?.[0] }).toEqual({ serverName: true, first: NamedGroup.X25519 });
      expect({ recordSizeLimit, unknown }).toEqual({ recordSizeLimit: 0x4001, unknown: [] });

      const ticket = parseBody('NewSessionTicket', newSessionTicket, trace.message('new_session_ticket'));
      expect(ticket).toMatchObject({ lifetimeSeconds: 30, ageAdd: 0xfad6aac5, nonce: Uint8Array.of(0, 0) });
      expect(hex(encodeMessage(HandshakeType.new_session_ticket, newSessionTicket, ticket))).toBe(
        trace.entry('new_session_ticket'),
      );

      const outbound = new Outbound();
      sendChangeCipherSpec(outbound);
      const [header, payload] = outbound.take();
      expect(hex(concat([header!, payload!]))).toBe(trace.entry('record_ccs'));
      expect(hex(payload!)).toBe(trace.entry('change_cipher_spec'));
    });

    test('every entry of the trace is compared or listed', () => {
      const because = {
        client_x25519_private_key: 'input: the shared secret and the key share follow from it',
        server_x25519_private_key: 'input: the shared secret and ServerHello follow from it',
        client_hello: 'has extensions that tyls does not send; everything else follows from it',
        client_application_data: 'input: the file has no record with it',
      };
      expect(new Set(trace.left)).toEqual(new Set(Object.keys(because)));
    });
  });

  describe('section 5: HelloRetryRequest', () => {
    const trace = new Trace(file?.['hello_retry_request'] ?? {});

    test('everything up to the client Finished', () => {
      const first = parseBody('ClientHello', clientHello, trace.message('client_hello1'));
      const retry = parseBody('HelloRetryRequest', serverHello, trace.message('hello_retry_request'));
      const second = parseBody('ClientHello', clientHello, trace.message('client_hello'));
      expect(first.extensions.keyShares?.map(({ group }) => group)).toEqual([NamedGroup.X25519]);
      expect(retry).toMatchObject({ retry: true, extensions: { group: NamedGroup.secp256r1 } });
      expect(second.extensions.keyShares?.map(({ group }) => group)).toEqual([NamedGroup.secp256r1]);
      expect(retry.extensions).toHaveProperty('cookie', second.extensions.cookie);
      const { server_hello } = HandshakeType;
      expect(hex(encodeMessage(server_hello, serverHello, retry))).toBe(trace.entry('hello_retry_request'));
      const answer = parseBody('ServerHello', serverHello, trace.message('server_hello'));
      expect(answer).toMatchObject({ retry: false, extensions: { keyShare: { group: NamedGroup.secp256r1 } } });
      expect(hex(encodeMessage(server_hello, serverHello, answer))).toBe(trace.entry('server_hello'));

      const transcript = new Transcript();
      transcript.add(trace.input('client_hello1'));
      transcript.start(suite.hash);
      transcript.replaceWithMessageHash();
      transcript.add(trace.input('hello_retry_request'));
      transcript.start(suite.hash);
      transcript.add(trace.input('client_hello'));
      transcript.add(trace.input('server_hello'));
      expect(hex(transcript.digest())).toBe(trace.entry('ch1_sh_transcript_hash'));

      const schedule = new KeySchedule(suite);
      schedule.enterHandshake(trace.input('shared_secret'));
      const handshake = handshakeTrafficSecrets(schedule, transcript, noLog);
      expect(hex(trafficKeys(suite, handshake.client).iv)).toBe(trace.entry('client_finished_write_iv'));
      completeHandshake(trace, transcript, schedule, handshake);
      expect(hex(transcript.digest())).toBe(trace.entry('ch1_cf_transcript_hash'));
    });

    test('every entry of the trace is compared or listed', () => {
      const because = {
        client_hello1: 'has extensions that tyls does not send',
        client_hello: 'has extensions that tyls does not send',
        shared_secret: 'input: follows from a private key that is not in the file',
      };
      expect(new Set(trace.left)).toEqual(new Set(Object.keys(because)));
    });
  });

  describe('section 4: resumed 0-RTT handshake', () => {
    const trace = new Trace(file?.['resumed_0rtt'] ?? {});

    test('the PSK follows from the handshake before, and the early secrets from it', () => {
      const before = new Trace(file?.['simple_1rtt'] ?? {});
      const { nonce } = parseBody('NewSessionTicket', newSessionTicket, before.message('new_session_ticket'));
      const psk = ticketPsk(suite, before.input('res_master'), nonce);
      expect(hex(psk)).toBe(trace.entry('psk'));

      const earlySecret = earlySecretOf(suite, psk);
      const schedule = new KeySchedule(suite, earlySecret);
      const binderKey = schedule.derive('res binder', suite.hash.start().peek());
      expect(hex(finishedKey(binderKey))).toBe(trace.entry('binder_key_res'));
      // RFC 8446 section 4.2.11.2: without the list of binders, here one of 32 bytes.
      const hello = trace.input('client_hello');
      const { preSharedKey } = parseBody('ClientHello', clientHello, trace.message('client_hello')).extensions;
      expect(preSharedKey?.identities).toHaveLength(1);
      const bindersAt = hello.length - bindersLength(preSharedKey!.binders);
      const truncated = transcriptHash(hello.subarray(0, bindersAt));
      expect(hex(truncated)).toBe(trace.entry('binder_hash'));
      const binder = pskBinder(suite, earlySecret, 'res binder', truncated);
      expect(hex(concat([hello.subarray(0, bindersAt), Uint8Array.of(0, 33, 32), binder]))).toBe(
        trace.entry('client_hello'),
      );

      const transcript = new Transcript();
      transcript.add(hello);
      const { traffic: earlyTraffic } = earlySecrets(suite, earlySecret, transcript, noLog);
      expect(hex(earlyTraffic)).toBe(trace.entry('c_e_traffic'));
      const { key, iv } = trafficKeys(suite, earlyTraffic);
      expect(hex(key)).toBe(trace.entry('early_data_write_key'));
      expect(hex(iv)).toBe(trace.entry('early_data_write_iv'));
    });

    test('everything up to the client Finished', () => {
      const answer = parseBody('ServerHello', serverHello, trace.message('server_hello'));
      expect(answer.extensions).toHaveProperty('preSharedKey', 0);
      expect(hex(encodeMessage(HandshakeType.server_hello, serverHello, answer))).toBe(trace.entry('server_hello'));
      const parameters = parseBody('EncryptedExtensions', encryptedExtensions, trace.message('encrypted_extensions'));
      expect(hex(encodeMessage(HandshakeType.encrypted_extensions, encryptedExtensions, parameters))).toBe(
        trace.entry('encrypted_extensions'),
      );

      const transcript = new Transcript();
      transcript.add(trace.input('client_hello'));
      transcript.start(suite.hash);
      transcript.add(trace.input('server_hello'));
      const schedule = new KeySchedule(suite, earlySecretOf(suite, trace.input('psk')));
      schedule.enterHandshake(trace.input('shared_secret'));
      const handshake = handshakeTrafficSecrets(schedule, transcript, noLog);
      transcript.add(trace.input('encrypted_extensions'));
      const serverFinished = finishedMessage(suite, handshake.server, transcript.digest());
      expect(hex(serverFinished)).toBe(trace.entry('server_finished'));
      transcript.add(serverFinished);
      const end = encodeMessage(HandshakeType.end_of_early_data, endOfEarlyData, true);
      expect(hex(end)).toBe(trace.entry('end_of_early_data'));
      transcript.add(end);
      const clientFinished = finishedMessage(suite, handshake.client, transcript.digest());
      expect(hex(clientFinished)).toBe(trace.entry('client_finished'));
    });

    test('every entry of the trace is compared or listed', () => {
      const because = {
        shared_secret: 'input: follows from a private key that is not in the file',
      };
      expect(new Set(trace.left)).toEqual(new Set(Object.keys(because)));
    });
  });

  test('the server key of the file is the one in the certificates', () => {
    const trace = new Trace(file?.['server_rsa_key'] ?? {});
    const number = (name: string): bigint => BigInt(`0x${hex(trace.input(name))}`);
    const [p, q, d] = [number('prime1'), number('prime2'), number('private_exponent')];
    expect(hex(bytes((p * q).toString(16)))).toBe(trace.entry('modulus'));
    expect((number('public_exponent') * d) % (p - 1n)).toBe(1n);
    expect((number('public_exponent') * d) % (q - 1n)).toBe(1n);
    const message = { type: HandshakeType.certificate, raw: bytes(file!['simple_1rtt']!['certificate']!) };
    const [entry] = parseBody('Certificate', certificate, message).entries;
    const { n, e } = new X509Certificate(entry!.certificate).publicKey.export({ format: 'jwk' });
    expect(hex(new Uint8Array(Buffer.from(n!, 'base64url')))).toBe(trace.entry('modulus'));
    expect(hex(new Uint8Array(Buffer.from(e!, 'base64url')))).toBe(trace.entry('public_exponent'));
    // Input: the product of the primes is the modulus, and the exponents undo each other.
    expect(trace.left).toEqual(['prime1', 'prime2', 'private_exponent']);
  });
});
