/** ClientHello, RFC 8446 section 4.1.2, and the extensions that only it has. */
import { asciiBytes, latin1 } from '../codec/bytes.ts';
import { type Codec, empty, opaque, opaque16, opaque8, struct, u16, u8, vec } from '../codec/codec.ts';
import { Reader } from '../codec/reader.ts';
import {
  type CertificateCompressionAlgorithm,
  type CertificateType,
  type CipherSuite,
  ExtensionType,
  type NamedGroup,
  type ProtocolVersion,
  type SignatureScheme,
} from '../registry.ts';
import { isDnsName, parseIpAddress } from '../server_name.ts';
import {
  anyData,
  certificateAuthorities,
  compressionAlgorithmList,
  type ExtensionBlock,
  extensions,
  type KnownExtensions,
  namedGroupList,
  onlyKnown,
  protocolNameList,
  rawExtensions,
  recordSizeLimit,
  signatureSchemeList,
} from './extension.ts';
import { offeredPsks, type OfferedPsks } from './pre_shared_key.ts';

/** Section 4.2.8: `struct { NamedGroup group; opaque key_exchange<1..2^16-1>; } KeyShareEntry;` */
export interface KeyShareEntry {
  readonly group: number;
  readonly keyExchange: Uint8Array;
}
export const keyShareEntry: Codec<KeyShareEntry> = struct({ group: u16, keyExchange: opaque16(1) });

/**
 * RFC 6066 section 3: exactly one name, of type host_name, in ASCII. An IP address, which some clients send though
 * section 3 forbids it, is read as the empty string: as if there were no name.
 */
const serverName: Codec<string> = {
  read(r) {
    const list = r.sub16();
    const type = list.u8();
    const name = latin1(list.vec16(1));
    if (type !== 0 || list.remaining !== 0) throw r.error('InvalidServerName');
    if (parseIpAddress(name) !== undefined) return '';
    if (!isDnsName(name)) throw r.error('InvalidServerName');
    return name.toLowerCase();
  },
  write: (w, name) => void w.prefixed(2, () => w.u8(0).vec16(asciiBytes(name))),
};

/** RFC 6066 section 8, CertificateStatusRequest: only its type is read; an OCSP request of no particular responder. */
export const certificateStatusRequest: Codec<{ readonly statusType: number }> = {
  read(r) {
    const statusType = r.u8();
    r.rest();
    return { statusType };
  },
  write: (w, { statusType }) => void w.u8(statusType).u16(0).u16(0),
};
export const ocspStatusType = 1;

/** RFC 9149 section 3: how many tickets the client would like to have. */
export interface TicketRequest {
  /** After a full handshake. */
  readonly newSessionCount: number;
  /** After a resumed one. */
  readonly resumptionCount: number;
}
const ticketRequest: Codec<TicketRequest> = struct({ newSessionCount: u8, resumptionCount: u8 });

/** What tyls reads and writes of a ClientHello's extensions. */
export interface ClientExtensions extends ExtensionBlock {
  /** Lower case; empty if an IP address came in its place. */
  readonly serverName?: string | undefined;
  readonly certificateStatusRequest?: { readonly statusType: number } | undefined;
  /** RFC 6962 section 3.3.1. */
  readonly sctListRequest?: true | undefined;
  readonly namedGroups?: readonly NamedGroup[] | undefined;
  /** RFC 8422 section 5.1.2. */
  readonly ecPointFormats?: Uint8Array | undefined;
  readonly signatureSchemes?: readonly SignatureScheme[] | undefined;
  readonly signatureSchemesCert?: readonly SignatureScheme[] | undefined;
  readonly protocols?: readonly Uint8Array[] | undefined;
  /** RFC 7250 section 3: what the client can show, and what it can verify. */
  readonly clientCertificateTypes?: readonly CertificateType[] | undefined;
  readonly serverCertificateTypes?: readonly CertificateType[] | undefined;
  /** RFC 8879 section 3. */
  readonly compressionAlgorithms?: readonly CertificateCompressionAlgorithm[] | undefined;
  /** RFC 7627 section 5.1. */
  readonly extendedMasterSecret?: true | undefined;
  /** RFC 5077 section 3.2: a ticket, or empty to ask for one. */
  readonly sessionTicket?: Uint8Array | undefined;
  /** RFC 5746 section 3.2. */
  readonly renegotiationInfo?: Uint8Array | undefined;
  /** RFC 8449 section 4. */
  readonly recordSizeLimit?: number | undefined;
  readonly versions?: readonly ProtocolVersion[] | undefined;
  readonly cookie?: Uint8Array | undefined;
  /** DER Names. */
  readonly certificateAuthorities?: readonly Uint8Array[] | undefined;
  /** Values of PskKeyExchangeMode. */
  readonly pskModes?: Uint8Array | undefined;
  readonly keyShares?: readonly KeyShareEntry[] | undefined;
  readonly earlyData?: true | undefined;
  readonly ticketRequest?: TicketRequest | undefined;
  readonly preSharedKey?: OfferedPsks | undefined;
}

const knownExtensions: KnownExtensions<ClientExtensions> = {
  serverName: [ExtensionType.server_name, serverName],
  certificateStatusRequest: [ExtensionType.status_request, certificateStatusRequest],
  sctListRequest: [ExtensionType.signed_certificate_timestamp, empty],
  namedGroups: [ExtensionType.supported_groups, namedGroupList],
  ecPointFormats: [ExtensionType.ec_point_formats, opaque8(1)],
  signatureSchemes: [ExtensionType.signature_algorithms, signatureSchemeList],
  signatureSchemesCert: [ExtensionType.signature_algorithms_cert, signatureSchemeList],
  protocols: [ExtensionType.application_layer_protocol_negotiation, protocolNameList],
  clientCertificateTypes: [ExtensionType.client_certificate_type, vec(1, u8)],
  serverCertificateTypes: [ExtensionType.server_certificate_type, vec(1, u8)],
  compressionAlgorithms: [ExtensionType.compress_certificate, compressionAlgorithmList],
  extendedMasterSecret: [ExtensionType.extended_master_secret, empty],
  // The ticket without any length of its own (RFC 5077 appendix A).
  sessionTicket: [ExtensionType.session_ticket, anyData],
  renegotiationInfo: [ExtensionType.renegotiation_info, opaque8()],
  recordSizeLimit: [ExtensionType.record_size_limit, recordSizeLimit],
  // Section 4.2.1: one byte of length.
  versions: [ExtensionType.supported_versions, vec(1, u16)],
  cookie: [ExtensionType.cookie, opaque16(1)],
  certificateAuthorities: [ExtensionType.certificate_authorities, certificateAuthorities],
  pskModes: [ExtensionType.psk_key_exchange_modes, opaque8(1)],
  // Section 4.2.8: may be empty, to ask for a HelloRetryRequest.
  keyShares: [ExtensionType.key_share, vec(2, keyShareEntry, true)],
  earlyData: [ExtensionType.early_data, empty],
  ticketRequest: [ExtensionType.ticket_request, ticketRequest],
  preSharedKey: [ExtensionType.pre_shared_key, offeredPsks],
};

const clientExtensions: Codec<ClientExtensions> = extensions('ClientHello', knownExtensions);

/** All extensions that tyls knows, in whatever message: there is none that a ClientHello cannot have. */
export const recognizedExtensions: readonly ExtensionType[] = Object.values(knownExtensions).map(([type]) => type);

/** Those that may stand in any order: all but pre_shared_key, which is the last (section 4.2.11). */
export const movableExtensions: readonly ExtensionType[] = recognizedExtensions.filter(
  (type) => type !== ExtensionType.pre_shared_key,
);

export interface ClientHello {
  readonly legacyVersion: ProtocolVersion;
  /** 32 bytes. */
  readonly random: Uint8Array;
  /** At most 32 bytes. */
  readonly sessionId: Uint8Array;
  readonly cipherSuites: readonly CipherSuite[];
  readonly compressionMethods: Uint8Array;
  readonly extensions: ClientExtensions;
}

const fixedPart: Codec<Omit<ClientHello, 'extensions'>> = struct({
  legacyVersion: u16,
  random: opaque(32),
  sessionId: opaque8(0, 32),
  cipherSuites: vec(2, u16),
  compressionMethods: opaque8(1),
});

/** A ClientHello as it came, for comparing it with another: what stands before its extensions, and the data of each. */
export interface ClientHelloParts {
  readonly fields: Uint8Array;
  readonly extensions: ReadonlyMap<ExtensionType, Uint8Array>;
}

/** @param raw the whole message, known to be well-formed; borrowed */
export function clientHelloParts(raw: Uint8Array): ClientHelloParts {
  const reader = new Reader(raw, 'ClientHello', 4);
  fixedPart.read(reader);
  const fields = raw.subarray(4, raw.length - reader.remaining);
  return { fields, extensions: new Map(rawExtensions.read(reader).map(({ type, data }) => [type, data])) };
}

export const clientHello: Codec<ClientHello> = {
  read(r) {
    const fixed = fixedPart.read(r);
    // A ClientHello without any extension is well-formed in TLS 1.2 (RFC 5246 section 7.4.1.2).
    if (r.remaining === 0) return { extensions: onlyKnown, ...fixed };
    const block = clientExtensions.read(r);
    if (block.preSharedKey !== undefined && block.types.at(-1) !== ExtensionType.pre_shared_key) {
      throw r.error('PreSharedKeyIsNotFinalExtension');
    }
    return { extensions: block, ...fixed };
  },
  write(w, hello) {
    fixedPart.write(w, hello);
    clientExtensions.write(w, hello.extensions);
  },
};
