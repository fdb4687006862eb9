/** Certificates and handshakes with ML-DSA (RFC 9881, draft-ietf-tls-mldsa). */
import { nobleProvider } from '@tyls/crypto-noble';
import { withPostQuantum } from '@tyls/crypto-noble/post-quantum';
import { nodeProvider } from '@tyls/crypto-node';
import { Pair, testName } from '@tyls/testing';
import {
  type CertifiedKey,
  type ClientConfig,
  clientConfig,
  type CryptoProvider,
  parseServerName,
  ProtocolVersion,
  serverConfig,
  SignatureScheme,
} from '@tyls/tls-core';
import { describe, expect, test } from 'vitest';
import { mlDsaChain } from '../../../testing/src/ml_dsa_chain.ts';
import { clientCertVerifier, serverCertVerifier, trustAnchorFromCertificate } from '../src/index.ts';

const provider = withPostQuantum(nodeProvider());
const { mldsa44, mldsa65, mldsa87 } = SignatureScheme;

describe.each([
  ['mlDsa44', mldsa44],
  ['mlDsa65', mldsa65],
  ['mlDsa87', mldsa87],
] as const)('%s', async (kind, scheme) => {
  const { root, endEntity, privateKey } = await mlDsaChain(kind);
  const roots = [trustAnchorFromCertificate(root)];
  const key = await provider.loadPrivateKey({ format: 'pkcs8', der: privateKey });
  const identity: CertifiedKey = { certificates: [endEntity], key };
  const client = (with_: CryptoProvider = provider, versions?: readonly ProtocolVersion[]): ClientConfig =>
    clientConfig({ provider: with_, verifier: serverCertVerifier({ roots, provider: with_ }), versions });
  const run = (config: ClientConfig, options: Partial<Parameters<typeof serverConfig>[0]> = {}): Pair => {
    const pair = new Pair({ client: config, server: serverConfig({ provider, certificate: identity, ...options }) });
    void pair.run();
    return pair;
  };

  test('a chain is verified, and a handshake in TLS 1.3', () => {
    const pair = run(client());
    expect([pair.client.error, pair.server.error]).toEqual([undefined, undefined]);
    expect(pair.client.peerSignatureScheme).toBe(scheme);
    expect(pair.client.peerCertificates).toEqual([endEntity]);
  });

  test('a client authenticates itself with it', () => {
    const verifier = serverCertVerifier({ roots, provider });
    const pair = run(clientConfig({ provider, verifier, certificate: identity }), {
      clientVerifier: clientCertVerifier({ roots, provider }),
    });
    expect([pair.client.error, pair.server.error]).toEqual([undefined, undefined]);
    expect(pair.server.peerSignatureScheme).toBe(scheme);
  });

  test('a chain with another signature is refused', async () => {
    const verifier = serverCertVerifier({ roots, provider });
    const altered = endEntity.with(endEntity.length - 1, endEntity.at(-1)! ^ 1);
    const verifying = async (certificate: Uint8Array): Promise<unknown> =>
      verifier.verifyServerCert({
        endEntity: certificate,
        intermediates: [],
        serverName: parseServerName(testName),
        ocspResponse: undefined,
        sctList: undefined,
        now: Date.now(),
      });
    await expect(verifying(endEntity)).resolves.toBeDefined();
    await expect(verifying(altered)).rejects.toThrow(/signature/);
  });

  test('the name of the algorithm is told where a provider is without it', () => {
    const classical = nobleProvider();
    const verifier = serverCertVerifier({ roots, provider: classical });
    const pair = run(clientConfig({ provider: classical, verifier }));
    expect(pair.server.error?.code).toBe('PeerIncompatible.NoSignatureSchemesInCommon');
  });

  test('never in TLS 1.2', () => {
    for (const [config, options] of [
      [client(provider, [ProtocolVersion.TLSv1_2]), {}],
      [client(), { versions: [ProtocolVersion.TLSv1_2] }],
    ] as const) {
      const pair = run(config, options);
      expect(pair.server.error).toBeDefined();
      expect(pair.client.error?.code).toMatch(/^AlertReceived/);
    }
  });

  test('never by the verifier in TLS 1.2', async () => {
    const verifier = serverCertVerifier({ roots, provider });
    const message = Uint8Array.of(1, 2, 3);
    const signature = await key.chooseScheme([scheme])!.sign(message);
    const signed = { message, endEntity, scheme, signature };
    expect(await verifier.verifyTls13Signature(signed)).toBeDefined();
    expect(() => void verifier.verifyTls12Signature(signed)).toThrow('SignedHandshakeWithUnadvertisedSigScheme');
  });
});
