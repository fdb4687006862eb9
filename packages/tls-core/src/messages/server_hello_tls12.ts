/** ServerHello of TLS 1.2, RFC 5246 section 7.4.1.3: the fields are those of TLS 1.3, the extensions are not. */
import { type Codec, empty, opaque8, u8 } from '../codec/codec.ts';
import { type CertificateType, ExtensionType, type NamedGroup } from '../registry.ts';
import { sctList } from './certificate.ts';
import { oneProtocol } from './encrypted_extensions.ts';
import { type ExtensionBlock, extensions, namedGroupList, recordSizeLimit } from './extension.ts';
import { type HelloFields, helloFields, readBlock } from './server_hello.ts';

export interface Tls12ServerExtensions extends ExtensionBlock {
  /** RFC 6066 section 3: the server used the name. */
  readonly serverName?: true | undefined;
  /** RFC 6066 section 8: CertificateStatus may follow. */
  readonly certificateStatusRequest?: true | undefined;
  /** RFC 6962 section 3.3.1. */
  readonly sctList?: Uint8Array | undefined;
  /** Means nothing here, but some servers send it. */
  readonly namedGroups?: readonly NamedGroup[] | undefined;
  /** RFC 8422 section 5.2. */
  readonly ecPointFormats?: Uint8Array | undefined;
  /** RFC 7301 section 3.1. */
  readonly protocol?: Uint8Array | undefined;
  /** RFC 7250 section 3. */
  readonly clientCertificateType?: CertificateType | undefined;
  readonly serverCertificateType?: CertificateType | undefined;
  /** RFC 7627 section 5.1. */
  readonly extendedMasterSecret?: true | undefined;
  /** RFC 5077 section 3.2: NewSessionTicket will follow. */
  readonly sessionTicket?: true | undefined;
  /** RFC 5746 section 3.2: empty in a first handshake. */
  readonly renegotiationInfo?: Uint8Array | undefined;
  /** RFC 8449 section 4. */
  readonly recordSizeLimit?: number | undefined;
}

const tls12ServerExtensions: Codec<Tls12ServerExtensions> = extensions('ServerHello', {
  serverName: [ExtensionType.server_name, empty],
  certificateStatusRequest: [ExtensionType.status_request, empty],
  sctList: [ExtensionType.signed_certificate_timestamp, sctList],
  namedGroups: [ExtensionType.supported_groups, namedGroupList],
  ecPointFormats: [ExtensionType.ec_point_formats, opaque8(1)],
  protocol: [ExtensionType.application_layer_protocol_negotiation, oneProtocol],
  clientCertificateType: [ExtensionType.client_certificate_type, u8],
  serverCertificateType: [ExtensionType.server_certificate_type, u8],
  extendedMasterSecret: [ExtensionType.extended_master_secret, empty],
  sessionTicket: [ExtensionType.session_ticket, empty],
  renegotiationInfo: [ExtensionType.renegotiation_info, opaque8()],
  recordSizeLimit: [ExtensionType.record_size_limit, recordSizeLimit],
});

export interface Tls12ServerHello extends HelloFields {
  readonly extensions: Tls12ServerExtensions;
}

export const tls12ServerHello: Codec<Tls12ServerHello> = {
  read(r) {
    const hello = helloFields.read(r);
    return { extensions: readBlock(r, tls12ServerExtensions), ...hello };
  },
  write(w, hello) {
    helloFields.write(w, hello);
    tls12ServerExtensions.write(w, hello.extensions);
  },
};
