/** Chains as the web has them: an end entity with its usual extensions, one intermediate, a root. */
import { createCa, type KeyType, type RawExtension, testName } from '@tyls/testing';
import { contextTag, derEncode, DerTag } from '@tyls/tls-core/der';
import { randomBytes } from 'node:crypto';

/** Plain data: other processes get it too. */
export interface WebChain {
  /** DER. */
  readonly endEntity: Uint8Array;
  /** DER. */
  readonly intermediate: Uint8Array;
  /** DER. */
  readonly root: Uint8Array;
  readonly rootPem: string;
  /** The end entity and the intermediate, as servers have it. */
  readonly chainPem: string;
  /** Of the end entity. */
  readonly privateKeyPem: string;
  /** PKCS#8 in DER, of the end entity. */
  readonly privateKey: Uint8Array;
}

/** The kinds of chain that figures are given for. */
export type ChainKind = 'ecdsa' | 'rsa';
export const chainKinds: readonly ChainKind[] = ['ecdsa', 'rsa'];

/** Of all certificates of a chain. */
const keyTypes: Readonly<Record<ChainKind, KeyType>> = { ecdsa: 'p256', rsa: 'rsa2048' };

const chains = new Map<ChainKind, Promise<WebChain>>();

/** For `testName` and a few names more; made once for a kind. */
export function webChain(kind: ChainKind): Promise<WebChain> {
  let chain = chains.get(kind);
  if (chain === undefined) {
    chain = create(keyTypes[kind]);
    chains.set(kind, chain);
  }
  return chain;
}

async function create(keyType: KeyType): Promise<WebChain> {
  const root = await createCa({ keyType, name: 'bench root' });
  const issuer = await createCa({ keyType, name: 'bench intermediate', issuer: root, pathLength: 0 });
  const names = [testName, 'localhost', '127.0.0.1', 'www.example.com', '*.cdn.example.com'];
  const identity = await issuer.issue({ keyType, names, usage: 'server', extensions: webExtensions() });
  return {
    endEntity: identity.certificate,
    intermediate: issuer.certificate,
    root: root.certificate,
    rootPem: root.certificatePem,
    chainPem: identity.chainPem,
    privateKeyPem: identity.privateKeyPem,
    privateKey: identity.privateKey,
  };
}

/** What public CAs put in beside names, usages and key identifiers; as long as theirs. */
function webExtensions(): RawExtension[] {
  const uri = (text: string): Uint8Array => derEncode(contextTag(6, false), ascii(text));
  const oid = (hex: string): Uint8Array => derEncode(DerTag.oid, Buffer.from(hex, 'hex'));
  const sequence = (...parts: readonly Uint8Array[]): Uint8Array => derEncode(DerTag.sequence, ...parts);
  const access = (method: string, at: string): Uint8Array => sequence(oid(method), uri(at));
  const authorityInfoAccess = sequence(
    access('2b06010505073001', 'http://ocsp.ca.example.com'),
    access('2b06010505073002', 'http://certs.ca.example.com/intermediate.der'),
  );
  const fullName = derEncode(contextTag(0, true), uri('http://crl.ca.example.com/intermediate.crl'));
  const crlDistributionPoints = sequence(sequence(derEncode(contextTag(0, true), fullName)));
  const domainValidated = sequence(sequence(oid('67810c010201')));
  // Two SCTs of 119 bytes in their list (RFC 6962 section 3.3); only who checks them looks inside.
  const scts = Buffer.concat([
    Uint8Array.of(0, 242),
    ...[0, 1].map(() => Buffer.concat([Uint8Array.of(0, 119), randomBytes(119)])),
  ]);
  return [
    { oid: '1.3.6.1.5.5.7.1.1', value: authorityInfoAccess },
    { oid: '2.5.29.31', value: crlDistributionPoints },
    { oid: '2.5.29.32', value: domainValidated },
    { oid: '1.3.6.1.4.1.11129.2.4.2', value: derEncode(DerTag.octetString, scts) },
  ];
}

function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
