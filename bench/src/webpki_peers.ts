/** Other libraries verifying the same chain, each as far as it goes: what it leaves out, tyls has still to do. */
import { testName } from '@tyls/testing';
import * as x509 from '@peculiar/x509';
import { X509Certificate } from 'node:crypto';
import * as pkijs from 'pkijs';
import { type WebChain } from './pki.ts';

function demand(holds: boolean): void {
  if (!holds) throw new Error('a peer refuses a chain that is valid');
}

/**
 * `node:crypto`'s X509Certificate, in the order in which the chain came.
 *
 * Does not build a path, and does not check basicConstraints, path lengths, name constraints, extended key usage,
 * critical extensions it does not know, or what kind of algorithm signed. It is C++ around OpenSSL.
 *
 * @param signatures whether they are verified
 */
export function verifyByNodeCrypto({ endEntity, intermediate, root }: WebChain, signatures: boolean): () => void {
  const anchor = new X509Certificate(root);
  const anchorKey = anchor.publicKey;
  return () => {
    const [leaf, issuer] = [new X509Certificate(endEntity), new X509Certificate(intermediate)];
    const now = Date.now();
    for (const { validFrom, validTo } of [leaf, issuer])
      demand(Date.parse(validFrom) <= now && now <= Date.parse(validTo));
    demand(leaf.checkIssued(issuer) && issuer.checkIssued(anchor));
    demand(leaf.checkHost(testName) !== undefined);
    if (signatures) demand(leaf.verify(issuer.publicKey) && issuer.verify(anchorKey));
  };
}

/**
 * `@peculiar/x509`'s chain builder, on WebCrypto.
 *
 * Does not check dates, names asked for, basicConstraints, key usages, name constraints or critical extensions. It
 * verifies the root's own signature too, to know that it is one.
 */
export function verifyByPeculiar({ endEntity, intermediate, root }: WebChain): () => Promise<void> {
  const anchor = new x509.X509Certificate(new Uint8Array(root));
  return async () => {
    const issuer = new x509.X509Certificate(new Uint8Array(intermediate));
    const builder = new x509.X509ChainBuilder({ certificates: [issuer, anchor] });
    const chain = await builder.build(new x509.X509Certificate(new Uint8Array(endEntity)), crypto);
    demand(chain.length === 3);
  };
}

/**
 * pkijs's path validation, on WebCrypto: dates, basicConstraints, path lengths, key usage, name constraints, policies.
 *
 * Does not check extended key usage or the name asked for.
 */
export function verifyByPkijs({ endEntity, intermediate, root }: WebChain): () => Promise<void> {
  const anchor = pkijs.Certificate.fromBER(new Uint8Array(root));
  return async () => {
    const engine = new pkijs.CertificateChainValidationEngine({
      trustedCerts: [anchor],
      certs: [
        pkijs.Certificate.fromBER(new Uint8Array(intermediate)),
        pkijs.Certificate.fromBER(new Uint8Array(endEntity)),
      ],
    });
    const { result } = await engine.verify();
    demand(result);
  };
}
