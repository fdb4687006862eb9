import {
  AlertDescription,
  type Awaitable,
  type CertifiedKey,
  nameOf,
  type ServerCertVerifier,
  type SigningKey,
  TlsError,
} from '@tyls/tls-core';
import { nodeProvider } from '@tyls/crypto-node';
import { createCa, type KeyType } from '@tyls/testing';
import {
  connect,
  createClientConfig,
  createServer,
  createServerConfig,
  loadCertifiedKey,
  type TlsSocket,
} from '@tyls/tls-node';
import { dangerousAcceptAnyServerCert, trustAnchorFromCertificate } from '@tyls/webpki';
import { createHash, createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ca, clientOptions, dial, failure, identity, pair, providers, readAll, serve, serverOptions } from './peers.ts';

const day = 24 * 60 * 60 * 1000;

/** The alert that a side reports to have received. */
function alertOf(error: Error): string {
  const detail = (error as TlsError).detail;
  return detail.code === 'AlertReceived' ? nameOf(AlertDescription, detail.alert) : detail.code;
}

/** What both sides of a handshake that must fail report. */
async function refusal(
  server: Parameters<typeof serve>[0],
  client: Parameters<typeof dial>[1],
): Promise<{ client: string; server: string; alertSeen: string }> {
  const { server: listener, port } = await serve(server);
  const failedServer = once(listener, 'tlsClientError') as Promise<[Error, TlsSocket]>;
  const [clientError, [serverError]] = await Promise.all([failure(dial(port, client)), failedServer]);
  expect(clientError).toBeInstanceOf(TlsError);
  expect(serverError).toBeInstanceOf(TlsError);
  return {
    client: (clientError as TlsError).code,
    server: (serverError as TlsError).code,
    alertSeen: alertOf(serverError),
  };
}

describe.each(Object.keys(providers))('a client with the %s provider', (name) => {
  const provider = providers[name]!;

  test('refuses a certificate for another name, and says so to the server', async () => {
    expect(await refusal({}, { provider, serverName: 'example.org' })).toEqual({
      client: 'InvalidCertificate.NotValidForName',
      server: 'AlertReceived',
      alertSeen: 'bad_certificate',
    });
  });

  test('refuses an unknown issuer', async () => {
    const other = await createCa({ name: 'another root' });
    expect(await refusal({}, { provider, ca: other.certificatePem })).toEqual({
      client: 'InvalidCertificate.UnknownIssuer',
      server: 'AlertReceived',
      alertSeen: 'unknown_ca',
    });
  });

  test('refuses an expired certificate', async () => {
    const expired = await ca.issue({
      names: ['localhost'],
      notBefore: new Date(Date.now() - 2 * day),
      notAfter: new Date(Date.now() - day),
    });
    const server = { certificate: expired.chainPem, key: expired.privateKeyPem };
    expect(await refusal(server, { provider })).toEqual({
      client: 'InvalidCertificate.Expired',
      server: 'AlertReceived',
      alertSeen: 'certificate_expired',
    });
    // By another clock it is fine.
    await pair(server, { provider, time: () => Date.now() - 1.5 * day });
  });
});

test("trusts Mozilla's roots by default, which do not know this CA", async () => {
  const { port } = await serve();
  const error = await failure(connect({ port, host: '127.0.0.1', serverName: 'localhost' }));
  expect((error as TlsError).code).toBe('InvalidCertificate.UnknownIssuer');
});

test('takes a verifier of its own, which may be asynchronous', async () => {
  const inner = dangerousAcceptAnyServerCert({ provider: nodeProvider() });
  const verifier: ServerCertVerifier = {
    ...inner,
    async verifyServerCert(certificates) {
      await setTimeout(5);
      if (certificates.serverName.name !== 'anything.example') throw new Error('not this one');
      return inner.verifyServerCert(certificates);
    },
  };
  const { client } = await pair({}, { ca: undefined, verifier, serverName: 'anything.example' });
  expect(Buffer.from(client.peerCertificates![0]!).equals(identity.certificate)).toBe(true);
  const refused = await refusal({}, { ca: undefined, verifier, serverName: 'other.example' });
  expect(refused).toEqual({
    client: 'General',
    server: 'AlertReceived',
    alertSeen: 'internal_error',
  });
});

test('demands what its verification says beyond a path to a root', async () => {
  const intermediate = await createCa({ name: 'intermediate', issuer: ca });
  const { chainPem, privateKeyPem } = await intermediate.issue({ names: ['localhost'] });
  const server = { certificate: chainPem, key: privateKeyPem };
  const pin = new X509Certificate(intermediate.certificatePem).publicKey.export({ format: 'der', type: 'spki' });
  const pins = [createHash('sha256').update(pin).digest('base64')];
  expect((await pair(server, { verification: { pins, maxDepth: 1 } })).client.peerCertificates).toHaveLength(2);
  const demands = [
    [{ pins: [`${'A'.repeat(43)}=`] }, 'UnknownPublicKey'],
    [{ maxDepth: 0 }, 'BudgetExceeded'],
    [{ ocsp: 'required' }, 'InvalidOcspResponse'],
  ] as const;
  for (const [verification, reason] of demands) {
    expect((await refusal(server, { verification })).client).toBe(`InvalidCertificate.${reason}`);
  }
});

describe('client certificates', () => {
  const auth = { ca: ca.certificate };
  const credentials = async (): Promise<{ certificate: string; key: string }> => {
    const client = await ca.issue({ commonName: 'a client', usage: 'client' });
    return { certificate: client.chainPem, key: client.privateKeyPem };
  };

  test.each(Object.keys(providers))('are verified with the %s provider', async (name) => {
    const provider = providers[name]!;
    const { client, server } = await pair({ clientAuth: auth, provider }, { ...(await credentials()), provider });
    expect(server.peerCertificates).toHaveLength(1);
    expect(client.alpnProtocol).toBeUndefined();
    client.end('hello');
    expect((await readAll(server)).toString()).toBe('hello');
  });

  test('are required, or a client without one is told so after its handshake', async () => {
    const { server, port } = await serve({ clientAuth: auth });
    const refused = once(server, 'tlsClientError') as Promise<[TlsError]>;
    const client = dial(port);
    const failed = failure(client);
    await once(client, 'secureConnect');
    expect((await refused)[0].code).toBe('NoCertificatesPresented');
    expect(alertOf(await failed)).toBe('certificate_required');
  });

  test('are optional where the server says so', async () => {
    const clientAuth = { ...auth, mandatory: false };
    expect((await pair({ clientAuth })).server.peerCertificates).toBeUndefined();
    expect((await pair({ clientAuth }, await credentials())).server.peerCertificates).toHaveLength(1);
  });

  test('must be for one of the names that the server expects', async () => {
    const names = [{ type: 'dns', name: 'device.test' }] as const;
    const { server, port } = await serve({ clientAuth: { ...auth, names } });
    const refused = once(server, 'tlsClientError') as Promise<[TlsError]>;
    const client = dial(port, await credentials());
    const failed = failure(client);
    expect((await refused)[0].code).toBe('InvalidCertificate.NotValidForName');
    await failed;
  });

  test('are not sent where they are not asked for', async () => {
    expect((await pair({}, await credentials())).server.peerCertificates).toBeUndefined();
  });

  test('are chosen by a function that knows the request', async () => {
    let authorities = -1;
    const certificate = async (request: { certificateAuthorities: readonly unknown[] }): Promise<CertifiedKey> => {
      authorities = request.certificateAuthorities.length;
      return loadCertifiedKey({ ...(await credentials()) });
    };
    expect((await pair({ clientAuth: auth }, { certificate })).server.peerCertificates).toHaveLength(1);
    expect(authorities).toBe(1);
  });

  test('of strangers are refused', async () => {
    const stranger = await (await createCa({ name: 'strangers' })).issue({ usage: 'client' });
    const { server, port } = await serve({ clientAuth: auth });
    const refused = once(server, 'tlsClientError') as Promise<[TlsError]>;
    const client = dial(port, { certificate: stranger.chainPem, key: stranger.privateKeyPem });
    const failed = failure(client);
    // What the server does not want to read must not turn the alert into a reset.
    client.write(Buffer.alloc(1_000_000));
    expect((await refused)[0].code).toBe('InvalidCertificate.UnknownIssuer');
    expect(alertOf(await failed)).toBe('unknown_ca');
  });
});

describe('a server chooses', () => {
  test('its certificate by the name asked for, later if it likes', async () => {
    const named = Object.fromEntries(
      await Promise.all(
        ['a.example', 'b.example'].map(async (name) => {
          const issued = await ca.issue({ names: [name] });
          const certified = await loadCertifiedKey({ certificate: issued.chainPem, key: issued.privateKeyPem });
          return [name, certified] as const;
        }),
      ),
    );
    const { port } = await serve({
      key: undefined,
      certificate: async ({ serverName }) => {
        await setTimeout(5);
        return serverName === undefined ? undefined : named[serverName];
      },
    });
    for (const serverName of ['a.example', 'b.example']) {
      const client = dial(port, { serverName });
      await once(client, 'secureConnect');
      expect(client.serverName).toBe(serverName);
    }
    const error = await failure(dial(port, { serverName: 'c.example' }));
    expect(alertOf(error)).toBe('handshake_failure');
  });

  test('its whole configuration by the ClientHello', async () => {
    const plain = await createServerConfig({ ...serverOptions });
    const strict = await createServerConfig({ ...serverOptions, clientAuth: { ca: ca.certificate } });
    const { server, port } = await serve({
      certificate: undefined,
      key: undefined,
      config: ({ alpnProtocols }) => Promise.resolve(alpnProtocols.includes('strict') ? strict : plain),
    });
    await once(dial(port), 'secureConnect');
    const refused = once(server, 'tlsClientError') as Promise<[TlsError]>;
    const client = dial(port, { alpnProtocols: ['strict'] });
    client.on('error', () => {});
    expect((await refused)[0].code).toBe('NoCertificatesPresented');
  });
});

test('a configuration is built once for many connections', async () => {
  const config = await createClientConfig({ ca: ca.certificate });
  const { port } = await serve();
  for (let i = 0; i < 3; i++) {
    await once(dial(port, { config, ca: undefined }), 'secureConnect');
  }
  expect(() => connect({ port, config, ca: ca.certificate } as never)).toThrow('ca: give it to what builds config');
});

describe('keys and certificates', () => {
  /** Every encoding that OpenSSL writes the key in: as text, as bytes of a file with text around it, and as DER. */
  const formats = (pkcs8: Uint8Array, type: KeyType): (string | Uint8Array)[] => {
    const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
    const traditional = type === 'rsa2048' ? ['pkcs1'] : type === 'ed25519' ? [] : ['sec1'];
    return ['pkcs8', ...traditional].flatMap((encoding) => {
      const pem = key.export({ type: encoding as 'pkcs8', format: 'pem' }) as string;
      const der = key.export({ type: encoding as 'pkcs8', format: 'der' });
      return [pem, Buffer.from(`0 = some text before\n${pem}`), new Uint8Array(der)];
    });
  };

  test.each<KeyType>(['rsa2048', 'p256', 'p384', 'p521', 'ed25519'])(
    'of type %s load in every form',
    async (keyType) => {
      const issued = await ca.issue({ names: ['localhost'], keyType });
      for (const key of formats(issued.privateKey, keyType)) {
        for (const certificate of [issued.chainPem, Buffer.from(issued.chainPem), issued.certificate, issued.chain]) {
          const certified = await loadCertifiedKey({ certificate, key });
          expect(Buffer.from(certified.certificates[0]!).equals(issued.certificate)).toBe(true);
        }
      }
      await pair({ certificate: issued.chain, key: issued.privateKey });
    },
  );

  test('in one PEM file are told apart', async () => {
    const bundle = `${identity.privateKeyPem}\n${identity.chainPem}`;
    const { client } = await pair({ certificate: bundle, key: bundle });
    expect(client.peerCertificates).toHaveLength(1);
  });

  test('with an intermediate are sent as a chain', async () => {
    const intermediate = await createCa({ name: 'intermediate', issuer: ca });
    const issued = await intermediate.issue({ names: ['localhost'] });
    const { client } = await pair({ certificate: issued.chainPem, key: issued.privateKeyPem });
    expect(client.peerCertificates).toHaveLength(2);
  });

  test('a key of the user signs wherever it lives', async () => {
    const secret = createPrivateKey(identity.privateKeyPem);
    const key: SigningKey = {
      chooseScheme: (offered) =>
        offered.includes(0x0403)
          ? {
              scheme: 0x0403,
              async sign(message) {
                await setTimeout(5);
                return new Uint8Array(sign('sha256', message, secret));
              },
            }
          : undefined,
    };
    const { client, server } = await pair({ key }, { certificate: identity.certificate, key });
    server.end('signed');
    expect((await readAll(client)).toString()).toBe('signed');
  });

  test.each(Object.keys(providers))('that do not belong together are refused at once (%s)', async (name) => {
    const provider = providers[name]!;
    const other = await ca.issue({ names: ['localhost'] });
    const options = { certificate: identity.chainPem, key: other.privateKeyPem, provider };
    const mismatch = 'the private key is not the key of the (first) certificate';
    await expect((async () => createServerConfig(options))()).rejects.toThrow(new TypeError(mismatch));
    await expect((async () => createClientConfig(options))()).rejects.toThrow(new TypeError(mismatch));
  });

  test('that do not belong together fail connections at once, or as soon as the key is loaded', async () => {
    const other = await ca.issue({ names: ['localhost'] });
    const options = { certificate: identity.chainPem, key: other.privateKeyPem };
    const mismatch = new TypeError('the private key is not the key of the (first) certificate');
    expect(() => createServer(options)).toThrow(mismatch);
    expect(() => dial(1, options)).toThrow(mismatch);

    const later = { ...options, provider: providers['webcrypto']! };
    const [error] = (await once(createServer(later), 'error')) as [Error];
    expect(error).toEqual(mismatch);
    const { port } = await serve();
    expect(await failure(dial(port, later))).toEqual(mismatch);
  });

  test.each<[string, () => Awaitable<object>, string]>([
    ['no key', () => createServerConfig({ certificate: identity.chainPem }), 'certificate needs its key'],
    ['no certificate', () => createServerConfig({}), 'a server needs a certificate'],
    [
      'a key alone',
      () => createClientConfig({ key: identity.privateKeyPem }),
      'key, ocspResponse and sctList belong to',
    ],
    [
      'two keys',
      () => loadCertifiedKey({ ...serverOptions, key: identity.privateKeyPem.repeat(2) }),
      'one private key',
    ],
    ['no PEM', () => loadCertifiedKey({ ...serverOptions, certificate: 'nonsense' }), 'no certificate in this PEM'],
    ['no chain', () => loadCertifiedKey({ ...serverOptions, certificate: [] }), 'no certificate was given'],
    [
      'a broken certificate',
      () => loadCertifiedKey({ ...serverOptions, certificate: Uint8Array.of(0x30, 0) }),
      'cannot be used',
    ],
    ['a broken CA', () => createClientConfig({ ca: Uint8Array.of(0x30, 0) }), 'ca: not a certificate'],
    ['no roots', () => createClientConfig({ roots: [] }), 'no roots in the store'],
    ['no client CA', () => createServerConfig({ ...serverOptions, clientAuth: {} }), 'clientAuth needs roots or ca'],
    [
      'a verifier and roots',
      () =>
        createClientConfig({
          verifier: dangerousAcceptAnyServerCert({ provider: nodeProvider() }),
          roots: [trustAnchorFromCertificate(ca.certificate)],
        }),
      'a verifier has its own roots',
    ],
    [
      'a verifier and verification',
      () =>
        createClientConfig({
          verifier: dangerousAcceptAnyServerCert({ provider: nodeProvider() }),
          verification: { ocsp: 'required' },
        }),
      'a verifier has its own roots and options',
    ],
    ['no name', () => connect({ socket: {} as never }), 'serverName says whom to verify'],
    ['no port', () => connect({ host: 'localhost', ...clientOptions }), 'needs a port'],
  ])('are refused with a reason: %s', (_what, act, reason) => {
    expect(act).toThrow(reason);
  });
});
