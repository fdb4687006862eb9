/** What both versions negotiate in the same way, on either side. */
import { equalBytes } from '../codec/bytes.ts';
import { type CertifiedKey, type ClientConfig, type ClientHelloInfo, type ServerConfig } from '../config.ts';
import { TlsError } from '../error.ts';
import { type ClientHello } from '../messages/client_hello.ts';
import { type Step, wait } from '../step/step.ts';

/** RFC 7301 section 3.2: our preference; nothing in common is fatal, nothing offered is not. */
export function chooseProtocol(
  { alpnProtocols }: ServerConfig,
  { extensions }: ClientHello,
  info: ClientHelloInfo,
): Uint8Array | undefined {
  const offered = extensions.protocols;
  if (offered === undefined || alpnProtocols.length === 0) return undefined;
  const protocol = alpnProtocols.find((ours) => offered.some((theirs) => equalBytes(ours, theirs)));
  if (protocol === undefined) throw new TlsError({ code: 'NoApplicationProtocol', offered: info.alpnProtocols });
  return protocol;
}

/** RFC 7301 section 3.1: a server chooses one of those that were offered, or none. */
export function checkProtocol({ alpnProtocols }: ClientConfig, protocol: Uint8Array | undefined): void {
  if (protocol !== undefined && !alpnProtocols.some((offered) => equalBytes(offered, protocol))) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'SelectedUnofferedApplicationProtocol' });
  }
}

/** Before ServerHello, so that a client that we have nothing for hears of it before it goes on. */
export function* resolveCertificate(config: ServerConfig, info: ClientHelloInfo): Step<CertifiedKey> {
  const certified = yield* wait(config.resolveCertificate(info));
  if (certified === undefined) throw new TlsError({ code: 'NoSuitableCertificate', serverName: info.serverName });
  return certified;
}
