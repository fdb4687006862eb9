/** Our client against each server: what can be said of all of them in the same words. */
import { readFileSync } from 'node:fs';
import { NamedGroup, ProtocolVersion } from '@tyls/tls-core';
import { nodeProvider } from '@tyls/crypto-node';
import { nobleProvider } from '@tyls/crypto-noble';
import { webcryptoProvider } from '@tyls/crypto-webcrypto';
import {
  gnutlsServer,
  type Group,
  type KeyType,
  nodeServer,
  opensslServer,
  type RunningServer,
  type ServerPeer,
  type ServerPeerOptions,
  startGnutlsServer,
  type Suite,
} from '@tyls/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ask, collectedKeyLog, dial, dialed, endOf, hangUp, providerWith, tls12Suites } from './tyls.ts';
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

export const suites: readonly Suite[] = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
];
export const groups: readonly Group[] = ['X25519', 'secp256r1', 'secp384r1'];
export const keyTypes: readonly KeyType[] = ['rsa2048', 'p256', 'p384', 'ed25519'];

interface Case {
  readonly peer: ServerPeer;
  readonly program: Program | 'node';
  /** How a connection ends without a certificate, and with one of an unknown issuer: node:tls sends no alert then. */
  readonly noCertificate: RegExp;
  readonly strangersCertificate: RegExp;
  /** Its alert if it speaks TLS 1.2 alone. */
  readonly oldVersion: string;
}

const cases: readonly Case[] = [
  {
    peer: opensslServer(workspace),
    program: 'openssl',
    noCertificate: /^AlertReceived certificate_required$/,
    strangersCertificate: /^AlertReceived unknown_ca$/,
    oldVersion: 'protocol_version',
  },
  {
    peer: gnutlsServer(workspace),
    program: 'gnutls-serv',
    noCertificate: /^AlertReceived certificate_required$/,
    strangersCertificate: /^AlertReceived access_denied$/,
    // It reads no supported_versions then, and misses a suite of TLS 1.2.
    oldVersion: 'handshake_failure',
  },
  {
    peer: nodeServer(),
    program: 'node',
    noCertificate: /^AlertReceived certificate_required$/,
    strangersCertificate: /^UnexpectedEof$|ECONNRESET/,
    oldVersion: 'protocol_version',
  },
];

for (const { peer, program, noCertificate, strangersCertificate, oldVersion } of cases) {
  describeWith(program)(`tyls client, ${peer.name}`, () => {
    const started: RunningServer[] = [];
    const start = async (options: Partial<ServerPeerOptions> = {}): Promise<RunningServer> => {
      const server = await peer.start({ identity, ...options });
      started.push(server);
      return server;
    };
    /** The one with no options but its identity. */
    let plain: RunningServer;
    beforeAll(async () => {
      plain = await start();
    });
    afterAll(() => Promise.all(started.map((server) => server.stop())));

    describe.each(keyTypes)('handshake, key of %s', (keyType) => {
      let server: RunningServer;
      beforeAll(async () => {
        server = await start({ identity: await identityOf(keyType) });
      });

      test.each(suites.flatMap((suite) => groups.map((group) => [suite, group] as const)))(
        '%s, %s',
        async (suite, group) => {
          const socket = await dialed(server.port, { provider: providerWith({ suites: [suite], groups: [group] }) });
          expect(socket.protocolVersion).toBe('TLSv1.3');
          expect(socket.cipherSuite).toBe(suite);
          expect(socket.keyExchangeGroup).toBe(group);
          expect(socket.handshakeKind).toBe('full');
          // The intermediate came along.
          expect(socket.peerCertificates).toHaveLength(2);
          expect(await ask(socket, 'ping')).toBe(peer.answer('ping'));
          await hangUp(socket);
        },
      );
    });

    test.each([
      ['crypto-noble', nobleProvider()],
      ['crypto-webcrypto', webcryptoProvider()],
    ])('handshake by %s, with a client certificate', async (_, provider) => {
      const server = await start({ clientAuth: { ca: root.certificatePem, mandatory: true } });
      const { chainPem, privateKeyPem } = clientIdentity;
      const socket = await dialed(server.port, { provider, certificate: chainPem, key: privateKeyPem });
      expect(await ask(socket, 'ping')).toBe(peer.answer('ping'));
      await hangUp(socket);
    });

    describe('HelloRetryRequest', () => {
      let server: RunningServer;
      beforeAll(async () => {
        server = await start({ groups: ['secp384r1'] });
      });

      test.each(suites)('%s', async (suite) => {
        const socket = await dialed(server.port, {
          provider: providerWith({ suites: [suite] }),
          keyShares: [NamedGroup.X25519],
        });
        expect(socket.handshakeKind).toBe('full-with-hello-retry-request');
        expect(socket.keyExchangeGroup).toBe('secp384r1');
        expect(await ask(socket, 'ping')).toBe(peer.answer('ping'));
        await hangUp(socket);
      });

      test('nothing in common is refused', async () => {
        const error = await endOf(dial(server.port, { provider: providerWith({ groups: ['X25519'] }) }));
        expect(error).toMatch(/^AlertReceived (handshake_failure|illegal_parameter)$/);
      });
    });

    describe('client certificate', () => {
      const ours = { certificate: clientIdentity.chainPem, key: clientIdentity.privateKeyPem };
      const strangers = { certificate: strangerIdentity.chainPem, key: strangerIdentity.privateKeyPem };
      let mandatory: RunningServer;
      let optional: RunningServer;
      beforeAll(async () => {
        mandatory = await start({ clientAuth: { ca: root.certificatePem, mandatory: true } });
        optional = await start({ clientAuth: { ca: root.certificatePem, mandatory: false } });
      });

      test('required and given', async () => {
        const { mark } = mandatory.output;
        const socket = await dialed(mandatory.port, ours);
        expect(await ask(socket, 'ping')).toBe(peer.answer('ping'));
        await hangUp(socket);
        await mandatory.output.until(/client of tests/, mark);
      });

      test.each(['rsa2048', 'p384', 'ed25519'] as const)('required and given, key of %s', async (keyType) => {
        const { chainPem, privateKeyPem } = await identityOf(keyType);
        const socket = await dialed(mandatory.port, { certificate: chainPem, key: privateKeyPem });
        expect(await ask(socket, 'ping')).toBe(peer.answer('ping'));
        await hangUp(socket);
      });

      test('required and not given: refused', async () => {
        expect(await endOf(dial(mandatory.port))).toMatch(noCertificate);
      });

      test('of an unknown issuer: refused', async () => {
        expect(await endOf(dial(mandatory.port, strangers))).toMatch(strangersCertificate);
      });

      test.each([
        ['given', ours],
        ['not given', {}],
      ])('optional and %s', async (_, options) => {
        const socket = await dialed(optional.port, options);
        expect(await ask(socket, 'ping')).toBe(peer.answer('ping'));
        await hangUp(socket);
      });
    });

    describe('ALPN', () => {
      let server: RunningServer;
      beforeAll(async () => {
        server = await start({ alpn: ['first', 'second'] });
      });

      test('chosen', async () => {
        const socket = await dialed(server.port, { alpnProtocols: ['unknown', 'second'] });
        expect(socket.alpnProtocol).toBe('second');
        await hangUp(socket);
      });

      test('nothing in common: refused', async () => {
        const socket = dial(server.port, { alpnProtocols: ['unknown'] });
        expect(await endOf(socket)).toBe('AlertReceived no_application_protocol');
      });

      test('unknown to the server: none', async () => {
        const socket = await dialed(plain.port, { alpnProtocols: ['first'] });
        expect(socket.alpnProtocol).toBeUndefined();
        await hangUp(socket);
      });
    });

    test('KeyUpdate of ours, asking for one in answer or not', async () => {
      const socket = await dialed(plain.port);
      for (const both of [true, false]) {
        socket.updateKeys(both);
        expect(await ask(socket, 'ping')).toBe(peer.answer('ping'));
      }
      await hangUp(socket);
    });

    test('records of 64 bytes', async () => {
      const socket = await dialed(plain.port, { maxFragmentSize: 64 });
      const line = 'abcdefgh'.repeat(100);
      expect(await ask(socket, line)).toBe(peer.answer(line));
      await hangUp(socket);
    });

    test('without middlebox compatibility', async () => {
      const socket = await dialed(plain.port, { middleboxCompatibility: false });
      expect(await ask(socket, 'ping')).toBe(peer.answer('ping'));
      await hangUp(socket);
    });

    test('key log is the same', async () => {
      const path = workspace.newPath();
      const server = await start({ keyLogPath: path });
      const { keyLog, lines } = collectedKeyLog();
      const socket = await dialed(server.port, { keyLog });
      await ask(socket, 'ping');
      await hangUp(socket);
      expect(lines).toHaveLength(5);
      expect(keyLogLines(path)).toEqual(expect.arrayContaining(lines));
    });

    describe('refuses a certificate', () => {
      let bad: RunningServer;
      beforeAll(async () => {
        bad = await start({ identity: expired });
      });

      test.each([
        ['for another name', () => plain, { serverName: 'other.test' }, 'NotValidForName', 'bad certificate', 42],
        ['of an unknown issuer', () => plain, { ca: otherRoot.certificatePem }, 'UnknownIssuer', 'unknown ca', 48],
        ['that has expired', () => bad, {}, 'Expired', 'certificate expired', 45],
      ] as const)('%s, and the server hears of it', async (_, server, options, reason, alert, code) => {
        const { output, port } = server();
        const { mark } = output;
        expect(await endOf(dial(port, options))).toBe(`InvalidCertificate.${reason}`);
        await output.until(peer.alertReport(alert, code), mark);
      });
    });

    test('a server of TLS 1.2 alone is refused by a client of TLS 1.3 alone', async () => {
      const server = await start({ version: 'TLSv1.2' });
      const socket = dial(server.port, { versions: [ProtocolVersion.TLSv1_3] });
      expect(await endOf(socket)).toBe(`AlertReceived ${oldVersion}`);
    });

    describe.each(keyTypes)('TLS 1.2, key of %s', (keyType) => {
      let server: RunningServer;
      beforeAll(async () => {
        server = await start({ version: 'TLSv1.2', identity: await identityOf(keyType) });
      });

      test.each(tls12Suites(keyType).flatMap((suite) => groups.map((group) => [suite, group] as const)))(
        '%s, %s',
        async (suite, group) => {
          // P-384 keys need their curve among the groups (RFC 8422 section 5.1.1), and the server prefers the first.
          const provider = providerWith({
            suites: [suite],
            groups: [group, ...groups.filter((each) => each !== group)],
          });
          const socket = await dialed(server.port, { provider });
          expect(socket.protocolVersion).toBe('TLSv1.2');
          expect(socket.cipherSuite).toBe(suite);
          expect(await ask(socket, 'ping')).toBe(peer.answer('ping'));
          await hangUp(socket);
        },
      );
    });

    test.each([
      ['crypto-node', nodeProvider()],
      ['crypto-noble', nobleProvider()],
      ['crypto-webcrypto', webcryptoProvider()],
    ])('TLS 1.2 by %s, with a client certificate', async (_, provider) => {
      const server = await start({ version: 'TLSv1.2', clientAuth: { ca: root.certificatePem, mandatory: true } });
      const { chainPem, privateKeyPem } = clientIdentity;
      const socket = await dialed(server.port, { provider, certificate: chainPem, key: privateKeyPem });
      expect(socket.protocolVersion).toBe('TLSv1.2');
      expect(await ask(socket, 'ping')).toBe(peer.answer('ping'));
      await hangUp(socket);
    });

    test('a server that dies truncates the data', async () => {
      const server = await peer.start({ identity });
      onTestFinished(() => server.stop());
      const socket = await dialed(server.port);
      await ask(socket, 'ping');
      const end = endOf(socket);
      await server.stop();
      expect(await end).toMatch(/^UnexpectedEof$|ECONNRESET/);
    });
  });
}

const choosers = [
  [opensslServer(workspace), 'openssl'],
  [nodeServer(), 'node'],
] as const;
for (const [peer, program] of choosers) {
  describeWith(program)(`tyls client, ${peer.name}`, () => {
    test('SNI chooses the certificate', async () => {
      const server = await peer.start({ identity, alternative });
      onTestFinished(() => server.stop());
      const socket = await dialed(server.port, { serverName: alternative.name });
      expect(Buffer.from(socket.peerCertificates![0]!)).toEqual(Buffer.from(alternative.identity.certificate));
      await hangUp(socket);
      const other = await dialed(server.port);
      expect(Buffer.from(other.peerCertificates![0]!)).toEqual(Buffer.from(identity.certificate));
      await hangUp(other);
    });
  });
}

describeWith('gnutls-serv')('tyls client, gnutls-serv', () => {
  test('SNI arrives', async () => {
    const server = await startGnutlsServer(workspace, { identity: alternative.identity });
    onTestFinished(() => server.stop());
    await hangUp(await dialed(server.port, { serverName: alternative.name }));
    await expect(server.output.until(/Given server name\[1\]: alternative\.test/)).resolves.toBeDefined();
  });
});

/** A peer's key log; some say more than that in comments. */
export function keyLogLines(path: string): string[] {
  return readFileSync(path, 'latin1')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/(?<= )[0-9A-F]+/gi, (hex) => hex.toLowerCase()));
}
