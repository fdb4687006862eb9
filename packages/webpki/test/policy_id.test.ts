/** Verifiers that decide alike say so, and those that may not do not: sessions are resumed by it. */
import { nodeProvider } from '@tyls/crypto-node';
import { nobleProvider } from '@tyls/crypto-noble';
import { type CryptoProvider } from '@tyls/tls-core';
import { createCa } from '@tyls/testing';
import {
  clientCertVerifier,
  type CtLogList,
  pinnedClientCertVerifier,
  pinnedServerCertVerifier,
  rawPublicKeyClientVerifier,
  rawPublicKeyServerVerifier,
  rootStore,
  serverCertVerifier,
  serverPathVerifier,
  strictPolicy,
  type TrustAnchor,
  trustAnchorFromCertificate,
} from '@tyls/webpki';
import { beforeAll, describe, expect, test } from 'vitest';

const provider = nodeProvider();
let one: TrustAnchor;
let other: TrustAnchor;
beforeAll(async () => {
  one = trustAnchorFromCertificate((await createCa({ name: 'one' })).certificate);
  other = trustAnchorFromCertificate((await createCa({ name: 'other' })).certificate);
});

const fewerAlgorithms: CryptoProvider = {
  ...provider,
  signatureVerification: {
    ...provider.signatureVerification,
    algorithms: provider.signatureVerification.algorithms.slice(1),
  },
};
const fewerSchemes: CryptoProvider = {
  ...provider,
  signatureVerification: {
    ...provider.signatureVerification,
    schemes: provider.signatureVerification.schemes.slice(1),
  },
};
const fewerCurves: CryptoProvider = {
  ...provider,
  signatureVerification: {
    ...provider.signatureVerification,
    schemes: provider.signatureVerification.schemes.map(({ scheme, algorithms }) => ({
      scheme,
      algorithms: algorithms.slice(0, 1),
    })),
  },
};
const pin = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

describe('a verifier of servers or clients', () => {
  test('is like another with the same options', () => {
    const roots = [one];
    expect(serverCertVerifier({ roots, provider }).policyId).toBeDefined();
    expect(serverCertVerifier({ roots, provider }).policyId).toEqual(
      serverCertVerifier({ roots: rootStore([one]), provider }).policyId,
    );
    expect(serverCertVerifier({ roots, provider: nobleProvider() }).policyId).toEqual(
      serverCertVerifier({ roots, provider }).policyId,
    );
    expect(clientCertVerifier({ roots, provider }).policyId).toEqual(clientCertVerifier({ roots, provider }).policyId);
  });

  test('is unlike one with any other option', () => {
    const roots = [one];
    const all = [
      serverCertVerifier({ roots, provider }),
      serverCertVerifier({ roots: [other], provider }),
      serverCertVerifier({ roots: [one, other], provider }),
      serverCertVerifier({ roots: [{ ...one, distrustAfter: 1 }], provider }),
      serverCertVerifier({ roots: [{ ...one, nameConstraints: Uint8Array.of() }], provider }),
      serverCertVerifier({ roots, provider: fewerAlgorithms }),
      serverCertVerifier({ roots, provider: fewerSchemes }),
      serverCertVerifier({ roots, provider: fewerCurves }),
      serverCertVerifier({ roots, provider, maxDepth: 1 }),
      serverCertVerifier({ roots, provider, keyUsage: ['digitalSignature'] }),
      serverCertVerifier({ roots, provider, ocsp: 'ifStapled' }),
      serverCertVerifier({ roots, provider, ocsp: 'required' }),
      serverCertVerifier({ roots, provider, pins: [pin(1)] }),
      serverCertVerifier({ roots, provider, pins: [pin(2)] }),
      clientCertVerifier({ roots, provider }),
      clientCertVerifier({ roots, provider, mandatory: false }),
      pinnedServerCertVerifier({ pins: [pin(1)], provider }),
      pinnedServerCertVerifier({ pins: [pin(2)], provider }),
      pinnedServerCertVerifier({ pins: [pin(1)], provider: fewerSchemes }),
      pinnedClientCertVerifier({ pins: [pin(1)], provider }),
      rawPublicKeyServerVerifier({ pins: [pin(1)], provider }),
      rawPublicKeyServerVerifier({ pins: [pin(2)], provider }),
      rawPublicKeyClientVerifier({ pins: [pin(1)], provider }),
      rawPublicKeyClientVerifier({ pins: [pin(1)], provider, mandatory: false }),
    ];
    expect(new Set(all.map(({ policyId }) => policyId?.join())).size).toBe(all.length);
  });

  test('leaves it behind when another is made of it by spreading, which may decide otherwise', () => {
    const [roots, pins] = [[one], [pin(1)]];
    for (const verifier of [
      serverCertVerifier({ roots, provider }),
      serverPathVerifier({ roots, provider }),
      clientCertVerifier({ roots, provider }),
      pinnedServerCertVerifier({ pins, provider }),
      pinnedClientCertVerifier({ pins, provider }),
      rawPublicKeyServerVerifier({ pins, provider }),
      rawPublicKeyClientVerifier({ pins, provider }),
    ]) {
      expect(verifier.policyId).toBeInstanceOf(Uint8Array);
      expect({ ...verifier }.policyId).toBeUndefined();
    }
  });

  test('does not change with the list of roots that it was made of', () => {
    const roots = [one];
    const verifier = serverCertVerifier({ roots, provider });
    roots.push(other);
    expect(verifier.policyId).toEqual(serverCertVerifier({ roots: [one], provider }).policyId);
  });

  test('with code or lists in its options is like itself alone', () => {
    const roots = [one];
    const logList: CtLogList = { timestamp: undefined, logs: new Map() };
    for (const { policyId } of [
      serverCertVerifier({ roots, provider, policy: strictPolicy }),
      serverCertVerifier({ roots, provider, transparency: { logList } }),
      clientCertVerifier({ roots, provider, names: [{ type: 'dns', name: 'a.test' }] }),
    ]) {
      expect(policyId).toBeUndefined();
    }
  });
});
