/** Raw public keys in the place of certificates (RFC 7250), in both directions and both versions, and what is refused. */
import { createHash } from 'node:crypto';
import { nodeProvider } from '@tyls/crypto-node';
import {
  createCa,
  Pair,
  testCertifiedKey,
  testClientConfig,
  testClientVerifier,
  testServerConfig,
} from '@tyls/testing';
import {
  AlertDescription,
  CertificateType,
  type CertifiedKey,
  clientConfig,
  type ClientHelloInfo,
  type ClientOptions,
  type CryptoProvider,
  ProtocolVersion,
  serverConfig,
  type ServerOptions,
} from '@tyls/tls-core';
import { rawPublicKeyClientVerifier, rawPublicKeyServerVerifier, type SpkiPin } from '@tyls/webpki';
import { describe, expect, test } from 'vitest';
import { clientHello } from '../../src/messages/client_hello.ts';
import { parseBody } from '../../src/messages/handshake.ts';
import { intercepted, later } from '../helpers/intercepted.ts';

const { RawPublicKey, X509 } = CertificateType;
const { unsupported_certificate } = AlertDescription;
const providers: Readonly<Record<string, CryptoProvider>> = {
  'at once': nodeProvider(),
  later: intercepted(nodeProvider(), later),
};

async function rawKey(provider: CryptoProvider, keyType?: 'p384' | 'ed25519' | 'rsa2048'): Promise<CertifiedKey> {
  const { key } = await testCertifiedKey(provider, keyType);
  return { certificates: [key.publicKey!], certificateType: RawPublicKey, key };
}

function pin({ certificates: [spki] }: CertifiedKey): SpkiPin {
  return new Uint8Array(createHash('sha256').update(spki!).digest());
}

describe.each(Object.keys(providers).flatMap((name) => [[name, 'TLSv1_3'] as const, [name, 'TLSv1_2'] as const]))(
  'with providers that answer %s, %s',
  (name, version) => {
    const provider = providers[name]!;
    const versions = [ProtocolVersion[version]];

    async function run(client: Partial<ClientOptions>, server: Partial<ServerOptions>): Promise<Pair> {
      const pair = new Pair({
        client: await testClientConfig(provider, { versions, ...client }),
        server: await testServerConfig(provider, { versions, ...server }),
      });
      await pair.run();
      return pair;
    }

    function outcome({ client, server }: Pair): readonly unknown[] {
      return [client.error?.code, client.error?.alert, server.error?.code, server.error?.alert];
    }
    const success = [undefined, undefined, undefined, undefined];

    test.each([undefined, 'p384', 'ed25519', 'rsa2048'] as const)('of both sides, keys of %s', async (keyType) => {
      const ours = await rawKey(provider, keyType);
      const theirs = await rawKey(provider);
      const pair = await run(
        { certificate: theirs, verifier: rawPublicKeyServerVerifier({ pins: [pin(ours)], provider }) },
        { certificate: ours, clientVerifier: rawPublicKeyClientVerifier({ pins: [pin(theirs)], provider }) },
      );
      expect(outcome(pair)).toEqual(success);
      expect(pair.client.peerCertificates).toEqual(ours.certificates);
      expect(pair.server.peerCertificates).toEqual(theirs.certificates);
    });

    test('of one side, a certificate of the other', async () => {
      const raw = await rawKey(provider);
      const certificate = await testCertifiedKey(provider);
      const verifier = rawPublicKeyServerVerifier({ pins: [pin(raw)], provider });
      const clientVerifier = await testClientVerifier(provider);
      expect(outcome(await run({ verifier, certificate }, { certificate: raw, clientVerifier }))).toEqual(success);
      const rawVerifier = rawPublicKeyClientVerifier({ pins: [pin(raw)], provider });
      expect(outcome(await run({ certificate: raw }, { clientVerifier: rawVerifier }))).toEqual(success);
      // What a client could show makes no difference to a server that does not ask.
      expect(outcome(await run({ certificate: raw }, {}))).toEqual(success);
    });

    test('are chosen by functions, which are told what the other side takes', async () => {
      const raw = await rawKey(provider);
      const seen: ClientHelloInfo[] = [];
      const pair = await run(
        {
          certificate: () => raw,
          certificateType: RawPublicKey,
          verifier: rawPublicKeyServerVerifier({ pins: [pin(raw)], provider }),
        },
        {
          certificate: (hello) => {
            seen.push(hello);
            return raw;
          },
          clientVerifier: rawPublicKeyClientVerifier({ pins: [pin(raw)], provider }),
        },
      );
      expect(outcome(pair)).toEqual(success);
      await run({}, { certificate: (hello) => void seen.push(hello) });
      expect(seen.map((hello) => [hello.clientCertificateTypes, hello.serverCertificateTypes])).toEqual([
        [[RawPublicKey], [RawPublicKey]],
        [[X509], [X509]],
      ]);
    });

    test('are refused if they are not those that are known', async () => {
      const [raw, other] = [await rawKey(provider), await rawKey(provider, 'p384')];
      const verifier = rawPublicKeyServerVerifier({ pins: [pin(other)], provider });
      const pair = await run({ verifier }, { certificate: raw });
      expect(pair.client.error?.code).toBe('InvalidCertificate.UnknownPublicKey');
      const clientVerifier = rawPublicKeyClientVerifier({ pins: [pin(other)], provider });
      const { server } = await run({ certificate: raw }, { clientVerifier });
      expect(server.error?.code).toBe('InvalidCertificate.UnknownPublicKey');
    });

    test('are not shown by a resolver that says it has certificates', async () => {
      const raw = await rawKey(provider);
      const pair = new Pair({
        client: await testClientConfig(provider, { versions, certificate: () => raw }),
        server: await testServerConfig(provider, { versions, clientVerifier: await testClientVerifier(provider) }),
      });
      await pair.run();
      expect(pair.client.error?.detail).toEqual({
        code: 'General',
        why: 'the resolver gave a certificate of another type than certificateType says',
      });
    });

    test('are refused without the private key', async () => {
      const raw = await rawKey(provider);
      const verifier = rawPublicKeyServerVerifier({ pins: [pin(raw)], provider });
      const { privateKey } = await createCa();
      const stranger = await provider.loadPrivateKey({ format: 'pkcs8', der: privateKey });
      const ed25519 = (await testCertifiedKey(provider, 'ed25519')).key;
      for (const [{ chooseScheme }, code] of [
        [stranger, 'BadHandshakeSignature'],
        [ed25519, 'InvalidCertificate.UnsupportedSignatureAlgorithmForPublicKey'],
      ] as const) {
        const pair = await run({ verifier }, { certificate: { ...raw, key: { chooseScheme } } });
        expect(pair.client.error?.code).toBe(code);
      }
    });

    test('with no type in common are refused by the server (RFC 7250 section 4.2)', async () => {
      const raw = await rawKey(provider);
      const verifier = rawPublicKeyServerVerifier({ pins: [pin(raw)], provider });
      const refused = ['PeerIncompatible.IncorrectCertificateTypeExtension', unsupported_certificate];
      const serverOf = async (client: Partial<ClientOptions>, server: Partial<ServerOptions>) =>
        outcome(await run(client, server)).slice(2);
      expect(await serverOf({ verifier }, {})).toEqual(refused);
      expect(await serverOf({}, { certificate: raw })).toEqual(refused);
      const clientVerifier = rawPublicKeyClientVerifier({ pins: [pin(raw)], provider });
      const certificate = await testCertifiedKey(provider);
      expect(await serverOf({ certificate }, { clientVerifier })).toEqual(refused);
      const x509Verifier = await testClientVerifier(provider, { mandatory: false });
      expect(await serverOf({ certificate: raw }, { clientVerifier: x509Verifier })).toEqual(refused);
    });

    test('are not asked of a client that does not have them, unless they must be', async () => {
      const raw = await rawKey(provider);
      const clientVerifier = rawPublicKeyClientVerifier({ pins: [pin(raw)], provider, mandatory: false });
      for (const certificate of [undefined, await testCertifiedKey(provider)]) {
        const pair = await run({ certificate }, { clientVerifier });
        expect(outcome(pair)).toEqual(success);
        expect(pair.server.peerCertificates).toBeUndefined();
      }
    });

    test('need not be shown where they are optional', async () => {
      const raw = await rawKey(provider);
      for (const mandatory of [false, true]) {
        const clientVerifier = rawPublicKeyClientVerifier({ pins: [pin(raw)], provider, mandatory });
        const pair = await run({ certificate: () => undefined, certificateType: RawPublicKey }, { clientVerifier });
        expect(pair.server.error?.code).toBe(mandatory ? 'NoCertificatesPresented' : undefined);
        expect(pair.server.peerCertificates).toBeUndefined();
      }
    });
  },
);

test('a session goes on with the keys that it began with', async () => {
  const provider = nodeProvider();
  const versions = [ProtocolVersion.TLSv1_2];
  const raw = await rawKey(provider);
  const pins = [pin(raw)];
  const verifier = rawPublicKeyServerVerifier({ pins, provider });
  const clientVerifier = rawPublicKeyClientVerifier({ pins, provider });
  const client = clientConfig({ provider, versions, verifier, certificate: raw });
  const server = serverConfig({ provider, versions, certificate: raw, clientVerifier });
  const kinds: unknown[] = [];
  for (let i = 0; i < 2; i++) {
    const pair = new Pair({ client, server });
    await pair.run();
    expect(pair.client.error ?? pair.server.error).toBeUndefined();
    for (const end of [pair.client, pair.server]) expect(end.peerCertificates).toEqual(raw.certificates);
    kinds.push(pair.client.handshakeKind);
  }
  expect(kinds).toEqual(['full', 'resumed']);
});

test('a client that has certificates says nothing of types', async () => {
  const provider = nodeProvider();
  const pair = new Pair({ client: await testClientConfig(provider), server: await testServerConfig(provider) });
  await pair.run();
  const raw = pair.sent.client[0]!.subarray(5);
  const length = 4 + ((raw[1]! << 16) | (raw[2]! << 8) | raw[3]!);
  const { extensions } = parseBody('ClientHello', clientHello, { type: 1, raw: raw.subarray(0, length) });
  expect([extensions.clientCertificateTypes, extensions.serverCertificateTypes]).toEqual([undefined, undefined]);
});

test('configurations that cannot be are refused', async () => {
  const provider = nodeProvider();
  const raw = await rawKey(provider);
  const { verifier } = await testClientConfig(provider);
  const two = { ...raw, certificates: [...raw.certificates, ...raw.certificates] };
  expect(() => serverConfig({ provider, certificate: two })).toThrow('a raw public key stands alone');
  const certificateType = X509;
  expect(() => clientConfig({ provider, verifier, certificate: raw, certificateType })).toThrow(
    'certificateType is not that of the certificate',
  );
});
