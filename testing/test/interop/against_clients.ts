/** Each client against our server: what can be said of all of them in the same words. */
import { ProtocolVersion } from '@tyls/tls-core';
import { nobleProvider } from '@tyls/crypto-noble';
import { nodeProvider } from '@tyls/crypto-node';
import { webcryptoProvider } from '@tyls/crypto-webcrypto';
import {
  type ClientPeer,
  type ClientPeerOptions,
  type ClientRun,
  curlClient,
  gnutlsClient,
  nodeClient,
  opensslClient,
  type TestIdentity,
} from '@tyls/testing';
import { createServerConfig, type TlsServerOptions, type TlsSocket } from '@tyls/tls-node';
import { clientCertVerifier, trustAnchorFromCertificate } from '@tyls/webpki';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { groups, keyLogLines, keyTypes, suites } from './against_servers.ts';
import { collectedKeyLog, endOf, providerWith, serve, type Serving, tls12Suites } from './tyls.ts';
import {
  alternative,
  clientIdentity,
  describeWith,
  expired,
  identity,
  identityOf,
  otherRoot,
  type Program,
  root,
  strangerIdentity,
  workspace,
} from './world.ts';

interface Case {
  readonly peer: ClientPeer;
  readonly program: Program | 'node';
  /** How it ends a connection with a certificate that it refuses: not all do that before they are connected. */
  readonly refusals: Readonly<Record<'name' | 'issuer' | 'expired', string>>;
  /** What ALPN gives when the server has `second` and `http/1.1`. */
  readonly protocol: string;
}

const opensslRefusals = {
  name: 'AlertReceived bad_certificate',
  issuer: 'AlertReceived unknown_ca',
  expired: 'AlertReceived certificate_expired',
};
const cases: readonly Case[] = [
  { peer: opensslClient(workspace), program: 'openssl', refusals: opensslRefusals, protocol: 'second' },
  {
    peer: gnutlsClient(workspace),
    program: 'gnutls-cli',
    refusals: {
      name: 'AlertReceived bad_certificate',
      issuer: 'AlertReceived bad_certificate',
      expired: 'AlertReceived bad_certificate',
    },
    protocol: 'second',
  },
  {
    peer: curlClient(workspace),
    program: 'curl',
    refusals: { ...opensslRefusals, name: 'close_notify' },
    protocol: 'http/1.1',
  },
  {
    peer: nodeClient(),
    program: 'node',
    refusals: { name: 'UnexpectedEof', issuer: 'UnexpectedEof', expired: 'UnexpectedEof' },
    protocol: 'second',
  },
];

for (const { peer, program, refusals, protocol } of cases) {
  describeWith(program)(`${peer.name}, tyls server`, () => {
    const started: Serving[] = [];
    const start = async (options: Partial<TlsServerOptions> = {}): Promise<Serving> => {
      const server = await serve(options);
      started.push(server);
      return server;
    };
    const run = (server: Serving, options: Partial<ClientPeerOptions> = {}): Promise<ClientRun> =>
      peer.run({ port: server.port, ca: root.certificatePem, ...options });
    const fine = async (server: Serving, options: Partial<ClientPeerOptions> = {}): Promise<TlsSocket> => {
      const exchanged = async (): Promise<void> => {
        const { ok, output } = await run(server, options);
        if (!ok) throw new Error(`${peer.name} failed:\n${output}`);
      };
      const [socket] = await Promise.all([server.connection(), exchanged()]);
      return socket;
    };
    afterAll(() => Promise.all(started.map((server) => server.stop())));

    describe.each(keyTypes)('handshake, key of %s', (keyType) => {
      let server: Serving;
      beforeAll(async () => {
        const { chainPem, privateKeyPem } = await identityOf(keyType);
        server = await start({ certificate: chainPem, key: privateKeyPem });
      });

      test.each(suites.flatMap((suite) => groups.map((group) => [suite, group] as const)))(
        '%s, %s',
        async (suite, group) => {
          const socket = await fine(server, { suites: [suite], groups: [group] });
          expect(socket.protocolVersion).toBe('TLSv1.3');
          expect(socket.cipherSuite).toBe(suite);
          expect(socket.keyExchangeGroup).toBe(group);
          expect(socket.handshakeKind).toBe('full');
          expect(socket.serverName).toBe('localhost');
          // The client said close_notify.
          expect(await endOf(socket)).toBe('close_notify');
        },
      );
    });

    test.each([
      ['crypto-noble', nobleProvider()],
      ['crypto-webcrypto', webcryptoProvider()],
    ])('handshake by %s, with a client certificate', async (_, provider) => {
      const server = await start({ provider, clientAuth: { ca: root.certificatePem } });
      const socket = await fine(server, { identity: clientIdentity });
      expect(socket.peerCertificates).toHaveLength(2);
    });

    test.each(suites)('HelloRetryRequest, %s', async (suite) => {
      const server = await start({ provider: providerWith({ suites: [suite], groups: ['secp384r1'] }) });
      const socket = await fine(server, { groups });
      expect(socket.handshakeKind).toBe('full-with-hello-retry-request');
      expect(socket.keyExchangeGroup).toBe('secp384r1');
      expect(socket.cipherSuite).toBe(suite);
    });

    test.each([
      ['group', { groups: ['X25519'] as const }, { groups: ['secp256r1'] as const }, 'NoGroupsInCommon'],
      [
        'cipher suite',
        { suites: ['TLS_AES_128_GCM_SHA256'] as const },
        { suites: ['TLS_AES_256_GCM_SHA384'] as const },
        'NoCipherSuitesInCommon',
      ],
    ])('no %s in common: refused', async (_, ours, theirs, reason) => {
      const server = await start({ provider: providerWith(ours) });
      const [failed, { ok, output }] = await Promise.all([server.handshakeFailure(), run(server, theirs)]);
      expect(failed).toBe(`PeerIncompatible.${reason}`);
      expect(ok).toBe(false);
      expect(output).toMatch(peer.alertReport('handshake failure', 40));
    });

    describe('client certificate', () => {
      const clientAuth = { ca: root.certificatePem };
      let mandatory: Serving;
      let optional: Serving;
      beforeAll(async () => {
        mandatory = await start({ clientAuth });
        optional = await start({ clientAuth: { ...clientAuth, mandatory: false } });
      });

      test.each(keyTypes)('required and given, key of %s', async (keyType) => {
        const client = await identityOf(keyType);
        const socket = await fine(mandatory, { identity: client });
        expect(Buffer.from(socket.peerCertificates![0]!)).toEqual(Buffer.from(client.certificate));
      });

      test('required and not given: refused, and the client hears of it', async () => {
        const [failed, { ok, output }] = await Promise.all([mandatory.handshakeFailure(), run(mandatory)]);
        expect(failed).toBe('NoCertificatesPresented');
        expect(ok).toBe(false);
        expect(output).toMatch(peer.alertReport('certificate required', 116));
      });

      test('of an unknown issuer: refused, and the client hears of it', async () => {
        // Not told whom the server trusts, or it would send none.
        const roots = [trustAnchorFromCertificate(root.certificate)];
        const server = await start({
          clientAuth: clientCertVerifier({ roots, provider: nodeProvider(), rootHintSubjects: [] }),
        });
        const [failed, { ok, output }] = await Promise.all([
          server.handshakeFailure(),
          run(server, { identity: strangerIdentity }),
        ]);
        expect(failed).toBe('InvalidCertificate.UnknownIssuer');
        expect(ok).toBe(false);
        expect(output).toMatch(peer.alertReport('unknown ca', 48));
      });

      test('optional and given', async () => {
        const socket = await fine(optional, { identity: clientIdentity });
        expect(socket.peerCertificates).toHaveLength(2);
      });

      test('optional and not given', async () => {
        const socket = await fine(optional);
        expect(socket.peerCertificates).toBeUndefined();
      });
    });

    test('ALPN, chosen', async () => {
      const server = await start({ alpnProtocols: ['unknown', 'second', 'http/1.1'] });
      const socket = await fine(server, { alpn: ['http/1.1', 'second'] });
      expect(socket.alpnProtocol).toBe(protocol);
    });

    test('ALPN, nothing in common: refused, and the client hears of it', async () => {
      const server = await start({ alpnProtocols: ['unknown'] });
      const [failed, { ok, output }] = await Promise.all([
        server.handshakeFailure(),
        run(server, { alpn: ['http/1.1'] }),
      ]);
      expect(failed).toBe('NoApplicationProtocol');
      expect(ok).toBe(false);
      expect(output).toMatch(peer.alertReport('no application protocol', 120));
    });

    test('SNI chooses the configuration', async () => {
      const configOf = ({ chainPem, privateKeyPem }: TestIdentity) =>
        createServerConfig({ certificate: chainPem, key: privateKeyPem });
      const [ours, others] = await Promise.all([configOf(identity), configOf(alternative.identity)]);
      const server = await start({
        config: ({ serverName }) => Promise.resolve(serverName === alternative.name ? others : ours),
      });
      const socket = await fine(server, { serverName: alternative.name });
      expect(socket.serverName).toBe(alternative.name);
      expect((await fine(server)).serverName).toBe('localhost');
    });

    test('records of 64 bytes', async () => {
      const socket = await fine(await start({ maxFragmentSize: 64 }));
      expect(await endOf(socket)).toBe('close_notify');
    });

    test('key log is the same', async () => {
      const { keyLog, lines } = collectedKeyLog();
      const keyLogPath = workspace.newPath();
      await fine(await start({ keyLog }), { keyLogPath });
      expect(lines).toHaveLength(5);
      expect(keyLogLines(keyLogPath)).toEqual(expect.arrayContaining(lines));
    });

    describe('refuses a certificate of ours', () => {
      test.each([
        ['for another name', 'name', { serverName: 'other.test' }],
        ['of an unknown issuer', 'issuer', { ca: otherRoot.certificatePem }],
        ['that has expired', 'expired', {}],
      ] as const)('%s', async (_, reason, options) => {
        const { chainPem, privateKeyPem } = reason === 'expired' ? expired : identity;
        const server = await start({ certificate: chainPem, key: privateKeyPem });
        const connected = server.connection().then((socket) => endOf(socket));
        const [ended, { ok }] = await Promise.all([
          Promise.race([server.handshakeFailure(), connected]),
          run(server, options),
        ]);
        expect(ok).toBe(false);
        expect(ended).toBe(refusals[reason]);
      });
    });

    describe.each(keyTypes)('TLS 1.2, key of %s', (keyType) => {
      test.each(tls12Suites(keyType).flatMap((suite) => groups.map((group) => [suite, group] as const)))(
        '%s, %s',
        async (suite, group) => {
          const { chainPem, privateKeyPem } = await identityOf(keyType);
          const provider = providerWith({ suites: [suite], groups: [group] });
          const server = await start({ certificate: chainPem, key: privateKeyPem, provider });
          const socket = await fine(server, { version: 'TLSv1.2' });
          expect(socket.protocolVersion).toBe('TLSv1.2');
          expect(socket.cipherSuite).toBe(suite);
          expect(socket.keyExchangeGroup).toBe(group);
          expect(await endOf(socket)).toBe('close_notify');
        },
      );
    });

    test.each([
      ['crypto-node', nodeProvider()],
      ['crypto-noble', nobleProvider()],
      ['crypto-webcrypto', webcryptoProvider()],
    ])('TLS 1.2 by %s, with a client certificate', async (_, provider) => {
      const server = await start({ provider, clientAuth: { ca: root.certificatePem } });
      const socket = await fine(server, { version: 'TLSv1.2', identity: clientIdentity });
      expect(socket.protocolVersion).toBe('TLSv1.2');
      expect(socket.peerCertificates).toHaveLength(2);
    });

    test('a client of TLS 1.2 alone is refused by a server of TLS 1.3 alone, and hears of it', async () => {
      const strict = await start({ versions: [ProtocolVersion.TLSv1_3] });
      const [failed, { ok, output }] = await Promise.all([
        strict.handshakeFailure(),
        run(strict, { version: 'TLSv1.2' }),
      ]);
      expect(failed).toMatch(/^PeerIncompatible\.(SupportedVersionsExtensionRequired|NoVersionInCommon)$/);
      expect(ok).toBe(false);
      expect(output).toMatch(peer.alertReport('protocol version', 70));
    });
  });
}
