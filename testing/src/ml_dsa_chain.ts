/** A root and an end entity with keys of ML-DSA, which @peculiar/x509 cannot make: its certificates with other keys. */
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { derEncode, DerReader, DerTag } from '@tyls/tls-core/der';
import { encodePkcs8, type MlDsaKeyKind, publicKeyAlgorithm, subjectPublicKeyInfo } from '@tyls/tls-core/provider';
import { testName } from './pair.ts';
import { createCa } from './pki.ts';

/** Everything in DER. */
export interface MlDsaChain {
  readonly root: Uint8Array;
  /** For {@link testName} and `localhost`, issued by the root. */
  readonly endEntity: Uint8Array;
  /** PKCS#8 of the end entity, its seed alone. */
  readonly privateKey: Uint8Array;
}

const parameterSets = { mlDsa44: ml_dsa44, mlDsa65: ml_dsa65, mlDsa87: ml_dsa87 };

/** @param kind of the keys of both */
export async function mlDsaChain(kind: MlDsaKeyKind): Promise<MlDsaChain> {
  const ca = await createCa({ name: `tyls test root ${kind}` });
  const endEntity = await ca.issue({ names: [testName, 'localhost'] });
  const [rootSeed, seed] = [1, 2].map((value) => new Uint8Array(32).fill(value)) as [Uint8Array, Uint8Array];
  const rootKeys = parameterSets[kind].keygen(rootSeed);
  const keys = parameterSets[kind].keygen(seed);
  return {
    root: reissued(kind, ca.certificate, rootKeys.publicKey, rootKeys.secretKey),
    endEntity: reissued(kind, endEntity.certificate, keys.publicKey, rootKeys.secretKey),
    privateKey: encodePkcs8({ kind, seed, expandedKey: undefined, publicKey: undefined }),
  };
}

/** The certificate with another key in it, signed by another issuer (RFC 5280 section 4.1). */
function reissued(
  kind: MlDsaKeyKind,
  certificate: Uint8Array,
  publicKey: Uint8Array,
  issuerKey: Uint8Array,
): Uint8Array {
  const fail = (what: string): Error => new Error(what);
  const algorithm = derEncode(DerTag.sequence, publicKeyAlgorithm[kind]);
  const tbs = new DerReader(certificate, fail).enter(DerTag.sequence).enter(DerTag.sequence);
  const fields: Uint8Array[] = [];
  while (!tbs.atEnd) fields.push(tbs.element().whole);
  // version, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, extensions
  fields[2] = algorithm;
  fields[6] = subjectPublicKeyInfo(kind, publicKey);
  const tbsCertificate = derEncode(DerTag.sequence, ...fields);
  const signature = parameterSets[kind].sign(tbsCertificate, issuerKey);
  const bits = derEncode(DerTag.bitString, Uint8Array.of(0), signature);
  return derEncode(DerTag.sequence, tbsCertificate, algorithm, bits);
}
