import { nodeProvider } from '@tyls/crypto-node';
import {
  AlertDescription,
  type CertificateRequestInfo,
  CipherSuite,
  type ClientHelloInfo,
  type ClientOptions,
  type CryptoProvider,
  type KeyLogLabel,
  NamedGroup,
  ProtocolVersion,
  type ServerConfigSource,
  type ServerOptions,
  SignatureScheme,
  TlsError,
} from '@tyls/tls-core';
import {
  createCa,
  Pair,
  type PairOptions,
  recordsOf,
  testCertifiedKey,
  testClientConfig,
  testClientVerifier,
  testIdentity,
  testName,
  testServerConfig,
} from '@tyls/testing';
import { describe, expect, test } from 'vitest';
import { hex } from '../../src/codec/bytes.ts';
import { isTls13Scheme } from '../../src/handshake/authentication.ts';
import { intercepted, interceptedKey, later } from '../helpers/intercepted.ts';

const providers: Readonly<Record<string, CryptoProvider>> = {
  'at once': nodeProvider(),
  later: intercepted(nodeProvider(), later),
};
const x25519 = nodeProvider().keyExchangeGroups.filter(({ name }) => name === NamedGroup.X25519);
const secp384r1 = nodeProvider().keyExchangeGroups.filter(({ name }) => name === NamedGroup.secp384r1);

describe.each(Object.keys(providers))('with providers that answer %s', (name) => {
  const provider = providers[name]!;

  interface Options {
    readonly client?: Partial<ClientOptions>;
    readonly server?: Partial<ServerOptions> | (() => ServerConfigSource);
    readonly pair?: Partial<PairOptions>;
  }

  async function run({ client = {}, server = {}, pair: options = {} }: Options): Promise<Pair> {
    const pair = new Pair({
      client: await testClientConfig(provider, client),
      server: typeof server === 'function' ? server() : await testServerConfig(provider, server),
      ...options,
    });
    await pair.run();
    return pair;
  }

  function errors({ client, server }: Pair): unknown[] {
    return [client.error?.code, server.error?.code];
  }

  function alertTo({ client, server }: Pair): unknown {
    const detail = (client.error?.code === 'AlertReceived' ? client : server).error?.detail;
    return detail?.code === 'AlertReceived' ? detail.alert : undefined;
  }

  describe('HelloRetryRequest', () => {
    test('for a group that the client has, but sent no share for', async () => {
      const pair = await run({
        client: { keyShares: [NamedGroup.X25519] },
        server: { provider: { ...provider, keyExchangeGroups: secp384r1 } },
        pair: { chop: [1, 50] },
      });
      expect(errors(pair)).toEqual([undefined, undefined]);
      for (const end of [pair.client, pair.server]) {
        expect(end.handshakeKind).toBe('full-with-hello-retry-request');
        expect(end.keyExchangeGroup).toBe(NamedGroup.secp384r1);
      }
      void pair.client.send(Buffer.from('ping'));
      await pair.run();
      expect(pair.receivedText('server')).toBe('ping');
    });

    test('for a client that sends no share at all', async () => {
      const pair = await run({ client: { keyShares: [] } });
      expect(errors(pair)).toEqual([undefined, undefined]);
      expect(pair.client.handshakeKind).toBe('full-with-hello-retry-request');
      expect(pair.client.keyExchangeGroup).toBe(provider.keyExchangeGroups[0]!.name);
    });

    test('not when one of several shares fits, whatever the preference of the server', async () => {
      const pair = await run({
        client: { keyShares: [NamedGroup.secp256r1] },
        server: { provider: { ...provider, keyExchangeGroups: nodeProvider().keyExchangeGroups } },
      });
      expect(pair.client.handshakeKind).toBe('full');
      expect(pair.client.keyExchangeGroup).toBe(NamedGroup.secp256r1);
    });

    test('nothing in common at all', async () => {
      const pair = await run({
        client: { provider: { ...provider, keyExchangeGroups: x25519 } },
        server: { provider: { ...provider, keyExchangeGroups: secp384r1 } },
      });
      expect(errors(pair)).toEqual(['AlertReceived', 'PeerIncompatible.NoGroupsInCommon']);
      expect(alertTo(pair)).toBe(AlertDescription.handshake_failure);
    });
  });

  test('no cipher suite in common', async () => {
    const only = (id: CipherSuite): CryptoProvider => ({
      ...provider,
      cipherSuites: provider.cipherSuites.filter((suite) => suite.id === id),
    });
    const pair = await run({
      client: { provider: only(CipherSuite.TLS_AES_128_GCM_SHA256) },
      server: { provider: only(CipherSuite.TLS_AES_256_GCM_SHA384) },
    });
    expect(errors(pair)).toEqual(['AlertReceived', 'PeerIncompatible.NoCipherSuitesInCommon']);
    expect(alertTo(pair)).toBe(AlertDescription.handshake_failure);
  });

  describe('middlebox compatibility', () => {
    const types = (flight: Uint8Array | undefined): number[] => recordsOf(flight!).map((record) => record[0]!);

    test('looks like TLS 1.2: a session id, and change_cipher_spec from each side', async () => {
      const pair = await run({});
      expect(pair.sent.client[0]![5 + 4 + 2 + 32]).toBe(32);
      expect(types(pair.sent.server[0])).toEqual([22, 20, 23]);
      expect(types(pair.sent.client[1])).toEqual([20, 23]);
    });

    test('with a HelloRetryRequest too, once from each side', async () => {
      const pair = await run({ server: { provider: { ...provider, keyExchangeGroups: secp384r1 } } });
      expect(types(pair.sent.server[0])).toEqual([22, 20]);
      expect(types(pair.sent.client[1])).toEqual([20, 22]);
      expect(types(pair.sent.server[1])).toEqual([22, 23]);
      expect(types(pair.sent.client[2])).toEqual([23]);
    });

    test('switched off, there is nothing of it', async () => {
      for (const groups of [provider.keyExchangeGroups, secp384r1]) {
        const pair = await run({
          client: { middleboxCompatibility: false },
          server: { provider: { ...provider, keyExchangeGroups: groups } },
        });
        expect(errors(pair)).toEqual([undefined, undefined]);
        expect(pair.sent.client[0]![5 + 4 + 2 + 32]).toBe(0);
        expect([...pair.sent.client, ...pair.sent.server].flatMap(types)).not.toContain(20);
      }
    });
  });

  describe('ALPN', () => {
    const alpn = async (client: string[] | undefined, server: string[] | undefined): Promise<Pair> =>
      run({ client: { alpnProtocols: client }, server: { alpnProtocols: server } });

    test.each([
      [['h2', 'http/1.1'], ['http/1.1', 'h2'], 'http/1.1'],
      [['a', 'b'], ['b'], 'b'],
      [undefined, ['h2'], undefined],
      [['h2'], undefined, undefined],
      [undefined, undefined, undefined],
    ])('client %j, server %j: %s', async (client, server, expected) => {
      const pair = await alpn(client, server);
      expect(errors(pair)).toEqual([undefined, undefined]);
      expect([pair.client.alpnProtocol, pair.server.alpnProtocol]).toEqual([expected, expected]);
    });

    test('nothing in common is fatal', async () => {
      const pair = await alpn(['h2'], ['h3']);
      expect(errors(pair)).toEqual(['AlertReceived', 'NoApplicationProtocol']);
      expect(pair.server.error?.detail).toMatchObject({ offered: ['h2'] });
      expect(alertTo(pair)).toBe(AlertDescription.no_application_protocol);
    });
  });

  describe('server name', () => {
    test.each([
      [testName, {}, testName],
      [testName.toUpperCase(), {}, testName],
      [testName, { sendServerName: false }, undefined],
      ['127.0.0.1', {}, undefined],
      ['[::1]', {}, undefined],
    ])('%s with %j: the server hears %s', async (serverName, client, expected) => {
      const seen: ClientHelloInfo[] = [];
      const certified = await testCertifiedKey(provider);
      const pair = await run({
        client,
        server: {
          certificate(hello) {
            seen.push(hello);
            return certified;
          },
        },
        pair: { serverName },
      });
      expect(errors(pair)).toEqual([undefined, undefined]);
      expect(pair.server.serverName).toBe(expected);
      expect(pair.client.serverName).toBeUndefined();
      expect(seen.map((hello) => hello.serverName)).toEqual([expected]);
      const wire = Buffer.from(pair.sent.client[0]!);
      expect(wire.includes(testName)).toBe(expected !== undefined);
      expect(wire.includes('127.0.0.1')).toBe(false);
    });

    test('a certificate for another name is refused', async () => {
      const pair = await run({ pair: { serverName: 'other.example.com' } });
      expect(errors(pair)).toEqual(['InvalidCertificate.NotValidForName', 'AlertReceived']);
      expect(alertTo(pair)).toBe(AlertDescription.bad_certificate);
      expect(pair.client.peerCertificates).toBeUndefined();
    });
  });

  describe('the certificate of the server', () => {
    test('is chosen with the ClientHello, also later', async () => {
      const seen: ClientHelloInfo[] = [];
      const certified = await testCertifiedKey(provider, 'ed25519');
      const pair = await run({
        client: { alpnProtocols: ['h2'], grease: false },
        server: {
          async certificate(hello) {
            seen.push(hello);
            await new Promise((resolve) => setImmediate(resolve));
            return certified;
          },
        },
      });
      expect(errors(pair)).toEqual([undefined, undefined]);
      expect(pair.client.peerSignatureScheme).toBe(SignatureScheme.ed25519);
      expect(pair.client.peerCertificates?.map(hex)).toEqual(certified.certificates.map(hex));
      expect(seen).toHaveLength(1);
      expect(seen[0]).toMatchObject({
        serverName: testName,
        alpnProtocols: ['h2'],
        versions: [ProtocolVersion.TLSv1_3, ProtocolVersion.TLSv1_2],
        cipherSuites: provider.cipherSuites.map(({ id }) => id),
        namedGroups: provider.keyExchangeGroups.map(({ name: group }) => group),
        signatureSchemes: provider.signatureVerification.schemes.map(({ scheme }) => scheme).filter(isTls13Scheme),
        signatureSchemesCert: provider.signatureVerification.schemes.map(({ scheme }) => scheme),
        certificateAuthorities: [],
      });
    });

    test.each([
      ['there is none', () => undefined, 'NoSuitableCertificate', AlertDescription.handshake_failure],
      [
        'there is none, later',
        () => Promise.resolve(undefined),
        'NoSuitableCertificate',
        AlertDescription.handshake_failure,
      ],
      [
        'choosing it throws',
        () => {
          throw new Error('disk on fire');
        },
        'General',
        AlertDescription.internal_error,
      ],
      [
        'choosing it rejects',
        () => Promise.reject(new Error('disk on fire')),
        'General',
        AlertDescription.internal_error,
      ],
    ])('%s', async (_name, certificate, code, alert) => {
      const pair = await run({ server: { certificate } });
      expect(errors(pair)).toEqual(['AlertReceived', code]);
      expect(alertTo(pair)).toBe(alert);
    });

    test('its key makes none of the signatures that the client verifies', async () => {
      const { algorithms, schemes } = provider.signatureVerification;
      const rsaOnly = { algorithms, schemes: schemes.filter(({ scheme }) => scheme >= 0x0804 && scheme <= 0x0806) };
      const pair = await run({
        client: {
          provider,
          verifier: (await testClientConfig({ ...provider, signatureVerification: rsaOnly })).verifier,
        },
      });
      expect(errors(pair)).toEqual(['AlertReceived', 'PeerIncompatible.NoSignatureSchemesInCommon']);
      expect(alertTo(pair)).toBe(AlertDescription.handshake_failure);
    });

    test('is of an authority that the client does not know', async () => {
      const identity = await (await createCa({ name: 'other' })).issue({ names: [testName] });
      const key = await provider.loadPrivateKey({ format: 'pkcs8', der: identity.privateKey });
      const pair = await run({ server: { certificate: { certificates: identity.chain, key } } });
      expect(errors(pair)).toEqual(['InvalidCertificate.UnknownIssuer', 'AlertReceived']);
      expect(alertTo(pair)).toBe(AlertDescription.unknown_ca);
    });

    test('is of another key than signs', async () => {
      const { certificates } = await testCertifiedKey(provider);
      const identity = await (await createCa()).issue({ names: [testName] });
      const key = await provider.loadPrivateKey({ format: 'pkcs8', der: identity.privateKey });
      const pair = await run({ server: { certificate: { certificates, key: { chooseScheme: key.chooseScheme } } } });
      expect(errors(pair)).toEqual(['BadHandshakeSignature', 'AlertReceived']);
      expect(alertTo(pair)).toBe(AlertDescription.decrypt_error);
    });

    test('what is stapled reaches the verifier that asked for it, of servers and of clients', async () => {
      const ocspResponse = Uint8Array.of(0x30, 3, 10, 1, 1);
      const sctList = Uint8Array.of(0, 6, 0, 4, 1, 2, 3, 4);
      const certificate = { ...(await testCertifiedKey(provider)), ocspResponse, sctList };
      const { verifier } = await testClientConfig(provider);
      const ofClients = await testClientVerifier(provider);
      for (const [requestOcspResponse, requestSctList] of [
        [true, true],
        [true, false],
        [false, true],
        [false, false],
      ] as const) {
        const asked = { requestOcspResponse, requestSctList };
        const seen: (Uint8Array | undefined)[][] = [];
        const pair = await run({
          client: {
            certificate,
            verifier: {
              ...verifier,
              ...asked,
              verifyServerCert(certificates) {
                seen.push([certificates.ocspResponse, certificates.sctList]);
                return verifier.verifyServerCert(certificates);
              },
            },
          },
          server: {
            certificate,
            clientVerifier: {
              ...ofClients,
              ...asked,
              verifyClientCert(certificates) {
                seen.push([certificates.ocspResponse, certificates.sctList]);
                return ofClients.verifyClientCert(certificates);
              },
            },
          },
        });
        expect(errors(pair)).toEqual([undefined, undefined]);
        const expected = [requestOcspResponse ? ocspResponse : undefined, requestSctList ? sctList : undefined];
        expect(seen).toEqual([expected, expected]);
      }
    });
  });

  describe('the configuration of a server, chosen with the ClientHello', () => {
    test('at once and later', async () => {
      for (const choose of [
        (config: Awaited<ReturnType<typeof testServerConfig>>) => config,
        async (config: Awaited<ReturnType<typeof testServerConfig>>) => {
          await new Promise((resolve) => setImmediate(resolve));
          return config;
        },
      ]) {
        const config = await testServerConfig(provider, { alpnProtocols: ['b'], maxFragmentSize: 100 });
        const pair = await run({
          client: { alpnProtocols: ['a', 'b'] },
          server: () => (hello) => {
            expect(hello).toMatchObject({ serverName: testName, alpnProtocols: ['a', 'b'] });
            return choose(config);
          },
        });
        expect(errors(pair)).toEqual([undefined, undefined]);
        expect(pair.client.alpnProtocol).toBe('b');
        for (const record of recordsOf(pair.sent.server[0]!)) expect(record.length).toBeLessThanOrEqual(5 + 100 + 17);
      }
    });

    test('it throws or rejects', async () => {
      const refusal = new TlsError({ code: 'InvalidCertificate', reason: 'ApplicationVerificationFailure', why: 'no' });
      for (const [source, code, alert] of [
        [() => Promise.reject(new Error('no such host')), 'General', AlertDescription.internal_error],
        [() => Promise.reject(refusal), refusal.code, AlertDescription.access_denied],
        [
          () => {
            throw refusal;
          },
          refusal.code,
          AlertDescription.access_denied,
        ],
      ] as const) {
        const pair = await run({ server: () => source });
        expect(errors(pair)).toEqual(['AlertReceived', code]);
        expect(alertTo(pair)).toBe(alert);
      }
    });
  });

  describe('the certificate of the client', () => {
    test.each([true, false])('is sent and verified (mandatory: %s)', async (mandatory) => {
      const seen: CertificateRequestInfo[] = [];
      const certified = interceptedKey(await testCertifiedKey(provider, 'p384'), name === 'later' ? later : {});
      const verifier = await testClientVerifier(provider, { mandatory });
      const pair = await run({
        client: {
          certificate(request) {
            seen.push(request);
            return name === 'later' ? Promise.resolve(certified) : certified;
          },
        },
        server: { clientVerifier: verifier },
        pair: { chop: [100] },
      });
      expect(errors(pair)).toEqual([undefined, undefined]);
      expect(pair.server.peerCertificates?.map(hex)).toEqual(certified.certificates.map(hex));
      expect(pair.server.peerSignatureScheme).toBe(SignatureScheme.ecdsa_secp384r1_sha384);
      expect(seen).toEqual([
        {
          signatureSchemes: verifier.schemes.filter(isTls13Scheme),
          signatureSchemesCert: verifier.schemes,
          certificateAuthorities: verifier.rootHintSubjects,
        },
      ]);
      expect(verifier.rootHintSubjects).toHaveLength(1);
    });

    test('a client without one is anonymous where that is allowed', async () => {
      for (const certificate of [undefined, () => undefined]) {
        const clientVerifier = await testClientVerifier(provider, { mandatory: false });
        const pair = await run({ client: { certificate }, server: { clientVerifier } });
        expect(errors(pair)).toEqual([undefined, undefined]);
        expect(pair.server.isHandshaking).toBe(false);
        expect(pair.server.peerCertificates).toBeUndefined();
        expect(pair.server.peerSignatureScheme).toBeUndefined();
      }
    });

    test('a client without one is refused where it is mandatory, and hears why', async () => {
      const pair = await run({ server: { clientVerifier: await testClientVerifier(provider) } });
      expect(errors(pair)).toEqual(['AlertReceived', 'NoCertificatesPresented']);
      expect(alertTo(pair)).toBe(AlertDescription.certificate_required);
      expect(pair.server.isHandshaking).toBe(true);
    });

    test('is not sent if its key makes none of the signatures that are asked for', async () => {
      const verifier = await testClientVerifier(provider, { mandatory: false });
      const pair = await run({
        client: { certificate: await testCertifiedKey(provider, 'p256') },
        server: { clientVerifier: { ...verifier, schemes: [SignatureScheme.ed25519] } },
      });
      expect(errors(pair)).toEqual([undefined, undefined]);
      expect(pair.server.peerCertificates).toBeUndefined();
    });

    test('nobody is asked who need not be', async () => {
      let asked = 0;
      const pair = await run({
        client: {
          certificate() {
            asked++;
            return undefined;
          },
        },
      });
      expect(errors(pair)).toEqual([undefined, undefined]);
      expect(asked).toBe(0);
    });

    test('is refused if it is of an authority that the server does not know', async () => {
      const identity = await (await createCa({ name: 'other' })).issue({ names: ['client'] });
      const key = await provider.loadPrivateKey({ format: 'pkcs8', der: identity.privateKey });
      const pair = await run({
        client: { certificate: { certificates: identity.chain, key } },
        server: { clientVerifier: await testClientVerifier(provider, { mandatory: false }) },
      });
      expect(errors(pair)).toEqual(['AlertReceived', 'InvalidCertificate.UnknownIssuer']);
      expect(alertTo(pair)).toBe(AlertDescription.unknown_ca);
      expect(pair.server.peerCertificates).toBeUndefined();
    });
  });

  test('no fact is known before it is', async () => {
    const pair = new Pair({ client: await testClientConfig(provider), server: await testServerConfig(provider) });
    for (const end of [pair.client, pair.server]) {
      expect(end.isHandshaking).toBe(true);
      expect(end.peerClosed).toBe(false);
      expect([
        end.error,
        end.protocolVersion,
        end.cipherSuite,
        end.keyExchangeGroup,
        end.alpnProtocol,
        end.handshakeKind,
        end.peerCertificates,
        end.peerSignatureScheme,
        end.serverName,
      ]).toEqual(Array.from({ length: 9 }));
      expect(() => end.exportKeyingMaterial(1, 'x')).toThrow('not complete');
    }
    await pair.client.start();
    expect(pair.client.protocolVersion).toBeUndefined();
    await pair.server.receive(Buffer.concat(pair.client.takeOutput()));
    expect(pair.server.serverName).toBe(testName);
    expect(pair.server.isHandshaking).toBe(true);
    const flight = Buffer.concat(pair.server.takeOutput());
    // Up to ServerHello and change_cipher_spec.
    await pair.client.receive(flight.subarray(0, 5 + flight.readUInt16BE(3) + 6));
    expect(pair.client.cipherSuite).toBe(pair.server.cipherSuite);
    expect(pair.client.peerCertificates).toBeUndefined();
    expect(pair.client.isHandshaking).toBe(true);
  });

  test('both sides log the same secrets, in the order in which they are made', async () => {
    interface Line {
      readonly label: KeyLogLabel;
      readonly clientRandom: string;
      readonly secret: string;
    }
    const lines: Record<'client' | 'server', Line[]> = { client: [], server: [] };
    const keyLog = (role: 'client' | 'server'): Required<ClientOptions>['keyLog'] => ({
      log: (label, clientRandom, secret) =>
        lines[role].push({ label, clientRandom: hex(clientRandom), secret: hex(secret) }),
    });
    const pair = await run({ client: { keyLog: keyLog('client') }, server: { keyLog: keyLog('server') } });
    expect(lines.client).toEqual(lines.server);
    expect(lines.client.map(({ label }) => label)).toEqual([
      'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
      'SERVER_HANDSHAKE_TRAFFIC_SECRET',
      'CLIENT_TRAFFIC_SECRET_0',
      'SERVER_TRAFFIC_SECRET_0',
      'EXPORTER_SECRET',
    ]);
    const random = hex(pair.sent.client[0]!.subarray(5 + 4 + 2, 5 + 4 + 2 + 32));
    expect(new Set(lines.client.map(({ clientRandom }) => clientRandom))).toEqual(new Set([random]));
    expect(new Set(lines.client.map(({ secret }) => secret)).size).toBe(5);
    for (const { secret } of lines.client) expect(secret).toMatch(/^([0-9a-f]{64}|[0-9a-f]{96})$/);
  });

  test('the time of the configuration is what certificates are verified at', async () => {
    const inTwoYears = Date.now() + 2 * 365 * 24 * 60 * 60 * 1000;
    const pair = await run({ client: { time: () => inTwoYears } });
    expect(errors(pair)).toEqual(['InvalidCertificate.Expired', 'AlertReceived']);
    expect(pair.client.error?.detail).toMatchObject({ now: inTwoYears });
    expect(alertTo(pair)).toBe(AlertDescription.certificate_expired);
  });

  const chaCha = [CipherSuite.TLS_CHACHA20_POLY1305_SHA256, CipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256];
  const aes128 = [CipherSuite.TLS_AES_128_GCM_SHA256, CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256];
  const aes256 = [CipherSuite.TLS_AES_256_GCM_SHA384, CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384];
  test.each([
    ['the order of the server decides', [aes128, chaCha, aes256], [aes256, aes128, chaCha], aes256],
    ['a client that begins with ChaCha20-Poly1305 gets it', [chaCha, aes128, aes256], [aes256, aes128, chaCha], chaCha],
    ['as one does whose first suites the server is without', [aes128, chaCha, aes256], [aes256, chaCha], chaCha],
    ['but not of a server that is without it', [chaCha, aes128, aes256], [aes256, aes128], aes256],
  ])('%s, in both versions', async (_what, clients, servers, expected) => {
    const withSuites = (order: readonly (readonly CipherSuite[])[]): CryptoProvider => ({
      ...provider,
      cipherSuites: order.flat().map((wanted) => provider.cipherSuites.find(({ id }) => id === wanted)!),
    });
    for (const [i, version] of [ProtocolVersion.TLSv1_3, ProtocolVersion.TLSv1_2].entries()) {
      const pair = await run({
        client: { provider: withSuites(clients), versions: [version] },
        server: { provider: withSuites(servers) },
      });
      expect(pair.client.cipherSuite).toBe(expected[i]);
    }
  });

  test('the identity is that of the test CA', async () => {
    const pair = await run({});
    expect(pair.client.peerCertificates?.map(hex)).toEqual((await testIdentity()).chain.map(hex));
  });
});
