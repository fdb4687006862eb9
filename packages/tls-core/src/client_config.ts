/** Configurations of clients: with all that there is, or as few as can be. */
import { asciiBytes, concat } from './codec/bytes.ts';
import { certificateCompressionOf } from './compression.ts';
import {
  type CertifiedKey,
  checkedClientConfig,
  type ClientCertResolver,
  type ClientConfig,
  type ClientOptions,
} from './config.ts';
import { type CryptoProvider } from './crypto/provider.ts';
import { clientPsks } from './handshake/psk_client.ts';
import { withoutPsks } from './handshake/psk_protocol.ts';
import { checkExternalPsk, type ExternalPsk } from './keys/external_psk.ts';
import { type TicketRequest } from './messages/client_hello.ts';
import { clientSessionMemory } from './sessions/memory.ts';
import { lazyPolicyDigest, type Policy } from './sessions/scope.ts';
import { tracingOf } from './trace.ts';

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
    certificateCompression: certificateCompressionOf(options),
    pskProtocol: clientPsks,
    sessionStore: sessionStore === false ? undefined : (sessionStore ?? clientSessionMemory()),
    ticketRequest,
    earlyData,
    externalPsks: Object.freeze([...externalPsks]),
    tracing: tracingOf(options.trace),
    policies: lazyPolicyDigest(provider, [
      verifier,
      certificatePolicy(certificate),
      ...externalPsks.map((psk) => pskPolicy(provider, psk)),
    ]),
  });
}

const extras = [
  'certificateCompressors',
  'certificateDecompressors',
  'sessionStore',
  'ticketRequest',
  'earlyData',
  'externalPsks',
  'trace',
] as const;

/** Those of {@link clientConfig} that {@link minimalClientConfig} takes. */
export type MinimalClientOptions = Omit<ClientOptions, (typeof extras)[number]> & {
  readonly [Name in (typeof extras)[number]]?: undefined;
};

/**
 * {@link clientConfig} for the smallest bundle: without sessions, early data, external PSKs and certificate compression, and
 * so without their code, an eighth of a client's. Every handshake is a full one.
 *
 * @throws TypeError or RangeError that says which option cannot be and why
 */
export function minimalClientConfig(options: MinimalClientOptions): ClientConfig {
  const given: ClientOptions = options;
  if (extras.some((name) => given[name] !== undefined)) {
    throw new TypeError(
      'minimalClientConfig does without sessions, PSKs and certificate compression: use clientConfig',
    );
  }
  return checkedClientConfig(options, {
    certificateCompression: undefined,
    pskProtocol: withoutPsks,
    sessionStore: undefined,
    ticketRequest: undefined,
    earlyData: false,
    externalPsks: [],
    tracing: undefined,
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

/** Certificates of one's own are all that they depend on; what chooses among several is known by itself alone. */
function certificatePolicy(certificate: CertifiedKey | ClientCertResolver | undefined): Policy | undefined {
  if (certificate === undefined || typeof certificate === 'function') return certificate;
  return { policyId: concat(certificate.certificates) };
}
