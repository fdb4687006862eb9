/** What tyls says of a case of x509-limbo. */
import { type CryptoProvider, isTlsError, parseServerName, type SignatureVerificationAlgorithm } from '@tyls/tls-core';
import { DerReader, DerTag, hex } from '@tyls/tls-core/der';
import {
  certificatesFromPem,
  type KeyUsageBit,
  parseCertRevocationList,
  parsePem,
  type PathOptions,
  type PeerName,
  type Policy,
  type Purpose,
  RevocationChecker,
  rootStore,
  trustAnchorsFromCertificates,
  verifyPath,
  verifyPeerName,
} from '@tyls/webpki';
import { type LimboCase, type LimboName, type Verdict } from './limbo_case.ts';

export interface Judgement {
  readonly verdict: Verdict | 'SKIPPED';
  /** The code of the error, or why the case is skipped. */
  readonly why: string;
}

export interface LimboOptions {
  readonly policy: Policy;
  readonly provider: Pick<CryptoProvider, 'signatureVerification'>;
}

/** @throws Error if verification fails in any other way than by refusing a certificate or a revocation list */
export async function judge(one: LimboCase, options: LimboOptions): Promise<Judgement> {
  const unsupported = unsupportedFeature(one);
  if (unsupported !== undefined) return { verdict: 'SKIPPED', why: unsupported };
  let inputs: Inputs;
  try {
    inputs = read(one, options);
  } catch (error) {
    // Names that are none, PEM that is none, no root that can be read: nothing to verify with is nothing to accept.
    const isInput = isTlsError(error) || error instanceof TypeError || error instanceof RangeError;
    if (!isInput) throw error;
    return { verdict: 'FAILURE', why: error.message };
  }
  try {
    const { endEntity } = await verifyPath(inputs.path);
    for (const name of inputs.peerNames) verifyPeerName(endEntity, name, options.policy);
    return { verdict: 'SUCCESS', why: '' };
  } catch (error) {
    const { code } = isTlsError(error) ? error.detail : { code: undefined };
    const isRefusal = code === 'InvalidCertificate' || code === 'InvalidCertRevocationList';
    if (!isRefusal || !isTlsError(error)) throw new Error(`${one.id} fails otherwise`, { cause: error });
    return { verdict: 'FAILURE', why: `${error.code}: ${error.message}` };
  }
}

const purposes: readonly string[] = ['serverAuth', 'clientAuth'] satisfies Purpose[];

function unsupportedFeature(one: LimboCase): string | undefined {
  const purpose = one.extended_key_usage.find((name) => !purposes.includes(name));
  if (purpose !== undefined) return `the purpose ${purpose}`;
  return one.extended_key_usage.length > 1 ? 'several purposes at once' : undefined;
}

interface Inputs {
  readonly path: PathOptions;
  readonly peerNames: readonly PeerName[];
}

function read(one: LimboCase, { policy, provider }: LimboOptions): Inputs {
  const { algorithms } = provider.signatureVerification;
  const accepted = algorithms.filter((algorithm) => isAmong(algorithm, one.signature_algorithms));
  const crls = (one.crls ?? []).flatMap((pem) => parsePem(pem)).map(({ der }) => parseCertRevocationList(der));
  const { anchors, ignored } = trustAnchorsFromCertificates(
    one.trusted_certs.flatMap((pem) => certificatesFromPem(pem)),
  );
  if (anchors.length === 0 && ignored[0] !== undefined) throw ignored[0].error;
  const [purpose] = one.extended_key_usage as readonly Purpose[];
  return {
    path: {
      endEntity: certificatesFromPem(one.peer_certificate)[0]!,
      intermediates: one.untrusted_intermediates.flatMap((pem) => certificatesFromPem(pem)),
      roots: rootStore(anchors),
      algorithms: accepted,
      purpose: purpose ?? (one.validation_kind === 'CLIENT' ? 'clientAuth' : 'serverAuth'),
      now: Date.parse(one.validation_time ?? new Date().toISOString()),
      policy,
      keyUsage: one.key_usage.map((name) => (name === 'contentCommitment' ? 'nonRepudiation' : name) as KeyUsageBit),
      maxDepth: one.max_chain_depth ?? undefined,
      revocation: crls.length > 0 ? new RevocationChecker({ crls }, accepted) : undefined,
    },
    peerNames: [one.expected_peer_name ?? [], one.expected_peer_names].flat().map(peerName),
  };
}

function peerName({ kind, value }: LimboName): PeerName {
  return kind === 'RFC822' ? { type: 'email', name: value } : parseServerName(value);
}

/** By the object identifier of the signature, as far as providers can have them. */
const algorithmNames: Readonly<Record<string, string>> = {
  '2a864886f70d01010b': 'RSA_WITH_SHA256',
  '2a864886f70d01010c': 'RSA_WITH_SHA384',
  '2a864886f70d01010d': 'RSA_WITH_SHA512',
  '2a864886f70d01010a': 'RSASSA_PSS',
  '2a8648ce3d040302': 'ECDSA_WITH_SHA256',
  '2a8648ce3d040303': 'ECDSA_WITH_SHA384',
  '2a8648ce3d040304': 'ECDSA_WITH_SHA512',
  '2b6570': 'ED25519',
};

/** @param names of those that are allowed; none allows all */
function isAmong({ signatureAlgorithm }: SignatureVerificationAlgorithm, names: readonly string[]): boolean {
  const oid = new DerReader(signatureAlgorithm, (what) => new TypeError(what)).read(DerTag.oid);
  return names.length === 0 || names.includes(algorithmNames[hex(oid)] ?? '');
}
