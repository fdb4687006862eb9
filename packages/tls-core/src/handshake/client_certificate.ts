/** A client's own certificate in TLS 1.3, RFC 8446 sections 4.4.2 and 4.4.3: as what its configuration brings. */
import { type CertificateRequestInfo, type ClientCertificateProtocol, type ClientConfig } from '../config.ts';
import { type CertificateRequestExtensions } from '../messages/certificate.ts';
import { type CertificateType } from '../registry.ts';
import { type Step, wait } from '../step/step.ts';
import { certificateEntries, chooseSigner, signHandshake } from './authentication.ts';
import { encodeCertificate } from './certificate_compression.ts';
import { resolveClientCertificate } from './negotiation.ts';
import { type Transcript } from './transcript.ts';

/** What the server asks for. */
export interface RequestedCertificate {
  readonly info: CertificateRequestInfo;
  readonly extensions: CertificateRequestExtensions;
}

/** Our Certificate and CertificateVerify, in the transcript already; `undefined` if we have no certificate that fits. */
export type ShowCertificate = (
  config: ClientConfig,
  transcript: Transcript,
  request: RequestedCertificate,
  type: CertificateType,
) => Step<readonly Uint8Array[] | undefined>;

function* showCertificate(
  config: ClientConfig,
  transcript: Transcript,
  { info, extensions }: RequestedCertificate,
  type: CertificateType,
): Step<readonly Uint8Array[] | undefined> {
  const certified = yield* resolveClientCertificate(config, info, type);
  const signer = certified === undefined ? undefined : chooseSigner(certified.key, info.signatureSchemes);
  if (certified === undefined || signer === undefined) return undefined;
  const entries = certificateEntries(certified, {
    ocspResponse: extensions.certificateStatusRequest === true,
    sctList: extensions.sctListRequest === true,
  });
  const ours = yield* encodeCertificate(config, certified, entries, extensions.compressionAlgorithms);
  transcript.add(ours);
  const verify = yield* signHandshake('client', signer, transcript.digest());
  transcript.add(verify);
  return [ours, verify];
}

/** Closes it, for configurations to bring. They lie below the handshakes, and cannot name their types. */
function clientCertificateProtocolOf(show: ShowCertificate): ClientCertificateProtocol {
  return show as unknown as ClientCertificateProtocol;
}

export function showCertificateOf({ certificateProtocol }: ClientConfig): ShowCertificate {
  return certificateProtocol as unknown as ShowCertificate;
}

/** That of a client which may have a certificate. */
export const clientCertificates: ClientCertificateProtocol =
  /* @__PURE__ */ clientCertificateProtocolOf(showCertificate);

/** That of a client which has none. */
export const withoutCertificates: ClientCertificateProtocol = /* @__PURE__ */ clientCertificateProtocolOf(() =>
  wait(undefined),
);
