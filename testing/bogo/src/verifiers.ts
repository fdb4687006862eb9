/** Verifiers that believe everything but what the flags say: signatures are always verified. */
import {
  AlertDescription,
  type Awaitable,
  CertificateType,
  type ClientCertVerifier,
  type CryptoProvider,
  type PeerVerified,
  peerVerified,
  type ServerCertVerifier,
  type SignatureVerifier,
  TlsError,
} from '@tyls/tls-core';
import { dangerousAcceptAnyServerCert, rawPublicKeyClientVerifier, rawPublicKeyServerVerifier } from '@tyls/webpki';
import { checkSchemes, later } from './credentials.ts';
import { type Flags, Unimplemented } from './flags.ts';
import { type Seen } from './seen.ts';

/** Resumption is a matter of the flags: the shim's verifiers and resolvers all count as one. */
export const policyId: Uint8Array = new Uint8Array(1);

export function serverVerifierOf(flags: Flags, provider: CryptoProvider, seen: Seen): ServerCertVerifier {
  return {
    ...signatureVerifierOf(provider, flags),
    requestOcspResponse: flags['enable-ocsp-stapling'] === true,
    requestSctList: flags['enable-signed-cert-timestamps'] === true,
    policyId,
    verifyServerCert: (certificates) => {
      seen.ocspResponse = certificates.ocspResponse;
      seen.sctList = certificates.sctList;
      if (flags['fail-ocsp-callback'] === true) {
        throw new TlsError({ code: 'InvalidCertificate', reason: 'InvalidOcspResponse', why: 'the test says so' });
      }
      const key = rawKeyOf(flags);
      if (key === undefined) return verify(flags);
      return rawPublicKeyServerVerifier({ pins: [key], provider }).verifyServerCert(certificates);
    },
  };
}

/** `undefined`: clients are not asked for certificates. */
export function clientVerifierOf(flags: Flags, provider: CryptoProvider): ClientCertVerifier | undefined {
  const isVerifying = flags['verify-peer'] === true;
  const isRequiring = flags['require-any-client-certificate'] === true;
  if (!isVerifying && !isRequiring) return undefined;
  return {
    ...signatureVerifierOf(provider, flags),
    mandatory: isRequiring && !isVerifying,
    rootHintSubjects: names(flags['use-client-ca-list']),
    policyId,
    verifyClientCert: (certificates) => {
      const key = rawKeyOf(flags);
      if (key === undefined) return verify(flags);
      return rawPublicKeyClientVerifier({ pins: [key], provider }).verifyClientCert(certificates);
    },
  };
}

function signatureVerifierOf(provider: CryptoProvider, flags: Flags): SignatureVerifier {
  const certificateType = certificateTypeOf(flags['accepted-peer-cert-types']);
  const { schemes, verifyTls13Signature, verifyTls12Signature } =
    certificateType === CertificateType.RawPublicKey
      ? rawPublicKeyServerVerifier({ pins: [rawKeyOf(flags) ?? new Uint8Array(32)], provider })
      : dangerousAcceptAnyServerCert({ provider });
  const preferences = flags['verify-prefs'];
  checkSchemes(preferences);
  return { schemes: preferences ?? schemes, verifyTls13Signature, verifyTls12Signature, certificateType };
}

/** A verifier, or what a client has, is of one type. */
export function certificateTypeOf(types: readonly number[] | undefined): CertificateType {
  const [type = CertificateType.X509, ...others] = types ?? [];
  if (others.length > 0) throw new Unimplemented('several types of certificates');
  return type;
}

/** SHA-256 of the one raw public key that the peer may have. */
function rawKeyOf(flags: Flags): Uint8Array | undefined {
  const types = flags['accepted-peer-cert-types'];
  return types?.[0] === CertificateType.RawPublicKey ? flags['expect-peer-rpk-sha256'] : undefined;
}

function verify(flags: Flags): Awaitable<PeerVerified> {
  const answer = (): PeerVerified => {
    // A raw public key that nobody verifies says nothing at all.
    const isRawKey = flags['accepted-peer-cert-types']?.[0] === CertificateType.RawPublicKey;
    const counts = isRawKey || flags['verify-peer'] === true || flags['require-any-client-certificate'] === true;
    if (flags['verify-fail'] === true && counts) {
      const { certificate_unknown, handshake_failure } = AlertDescription;
      const alert = flags['use-custom-verify-callback'] === true ? certificate_unknown : handshake_failure;
      throw new TlsError({ code: 'InvalidCertificate', reason: 'Other', why: 'the test says so', alert });
    }
    return peerVerified();
  };
  return flags.async === true ? later(answer) : answer();
}

/** DER Names in hexadecimal, with commas. */
export function names(list: string | undefined): Uint8Array[] {
  if (list === undefined || list === '<NULL>' || list === '<EMPTY>') return [];
  return list.split(',').map((name) => new Uint8Array(Buffer.from(name, 'hex')));
}
