/** Configurations of clients: with all that there is, or as few as can be. */
import { asciiBytes, concat } from './codec/bytes.ts';
import { certificateCompressionOf } from './compression.ts';
import {
  type CertifiedKey,
  checkedClientConfig,
  type ClientCertResolver,
  type ClientConfig,
  type ClientOptions,
  resolverOf,
} from './config.ts';
import { type CryptoProvider } from './crypto/provider.ts';
import { clientCertificates, withoutCertificates } from './handshake/client_certificate.ts';
import { clientPsks } from './handshake/psk_client.ts';
import { withoutPsks } from './handshake/psk_protocol.ts';
import { checkExternalPsk, type ExternalPsk } from './keys/external_psk.ts';
import { type TicketRequest } from './messages/client_hello.ts';
import { extractSecrets } from './record/secret_extraction.ts';
import { CertificateType } from './registry.ts';
import { clientSessionMemory } from './sessions/memory.ts';
import { lazyPolicyDigest, type Policy } from './sessions/scope.ts';
import { beginTrace } from './trace.ts';

/** @throws TypeError or RangeError that says which option cannot be and why */
export function clientConfig(options: ClientOptions): ClientConfig {
  const {
    provider,
    verifier,
    certificate,
    sessionStore,
    ticketRequest,
    earlyData = false,
    externalPsks = [],
  } = options;
  // With that of a session, as many as a server of ours looks at.
  if (externalPsks.length > 7) throw new RangeError('there are more than 7 external PSKs');
  externalPsks.forEach(checkExternalPsk);
  if (earlyData && sessionStore === false) {
    throw new RangeError('earlyData needs a session store: it is sent with the key of a session');
  }
  if (ticketRequest !== undefined && !isTicketRequest(ticketRequest)) {
    throw new RangeError('ticketRequest asks for 0 to 255 tickets');
  }
  return checkedClientConfig(options, {
    resolveCertificate: resolverOf(certificate),
    certificateType: certificateTypeOf(options),
    certificateProtocol: clientCertificates,
    certificateCompression: certificateCompressionOf(options),
    pskProtocol: clientPsks,
    sessionStore: sessionStore === false ? undefined : (sessionStore ?? clientSessionMemory()),
    ticketRequest,
    earlyData,
    externalPsks: Object.freeze([...externalPsks]),
    beginTrace,
    extractSecrets,
    policies: lazyPolicyDigest(provider, [
      verifier,
      certificatePolicy(certificate),
      ...externalPsks.map((psk) => pskPolicy(provider, psk)),
    ]),
  });
}

const extras = [
  'certificate',
  'certificateType',
  'certificateCompressors',
  'certificateDecompressors',
  'sessionStore',
  'ticketRequest',
  'earlyData',
  'externalPsks',
  'trace',
  'enableSecretExtraction',
] as const;

/** Those of {@link clientConfig} that {@link minimalClientConfig} takes. */
export type MinimalClientOptions = Omit<ClientOptions, (typeof extras)[number]> & {
  readonly [Name in (typeof extras)[number]]?: undefined;
};

/**
 * {@link clientConfig} for the smallest bundle: without sessions, early data, external PSKs, certificate compression,
 * certificates of the client's own, traces and the extraction of secrets, and so without their code, a sixth of a client's.
 * Every handshake is a full one, and a server that asks for a certificate is told that there is none (RFC 8446 section
 * 4.4.2).
 *
 * @throws TypeError or RangeError that says which option cannot be and why
 */
export function minimalClientConfig(options: MinimalClientOptions): ClientConfig {
  const given: ClientOptions = options;
  const extra = extras.find((name) => given[name] !== undefined);
  if (extra !== undefined) throw new TypeError(`minimalClientConfig does without ${extra}: use clientConfig`);
  return checkedClientConfig(options, {
    resolveCertificate: () => undefined,
    certificateType: CertificateType.X509,
    certificateProtocol: withoutCertificates,
    certificateCompression: undefined,
    pskProtocol: withoutPsks,
    sessionStore: undefined,
    ticketRequest: undefined,
    earlyData: false,
    externalPsks: [],
    beginTrace: undefined,
    extractSecrets: undefined,
    policies() {
      throw new Error('there are no sessions that could be under a policy');
    },
  });
}

function isTicketRequest({ newSessionCount, resumptionCount }: TicketRequest): boolean {
  return [newSessionCount, resumptionCount].every((count) => Number.isInteger(count) && count >= 0 && count <= 255);
}

/** A server that was believed for a PSK is not, where that PSK is not offered, or has become another. */
function pskPolicy({ cipherSuites }: CryptoProvider, { identity, secret }: ExternalPsk): Policy {
  return {
    get policyId() {
      const { hkdf } = cipherSuites.find((suite) => suite.hash.outputLength === 32) ?? cipherSuites[0]!;
      return concat([hkdf.hmac(secret, asciiBytes('tyls psk policy')), identity]);
    },
  };
}

/** What a client's resolver gives. */
function certificateTypeOf({ certificate, certificateType }: ClientOptions): CertificateType {
  if (typeof certificate === 'function' || certificate === undefined) return certificateType ?? CertificateType.X509;
  const { certificateType: type = CertificateType.X509 } = certificate;
  if (certificateType !== undefined && certificateType !== type) {
    throw new RangeError('certificateType is not that of the certificate');
  }
  return type;
}

/** Certificates of one's own are all that they depend on; what chooses among several is known by itself alone. */
function certificatePolicy(certificate: CertifiedKey | ClientCertResolver | undefined): Policy | undefined {
  if (certificate === undefined || typeof certificate === 'function') return certificate;
  return { policyId: concat(certificate.certificates) };
}
