/** EncryptedExtensions, RFC 8446 section 4.3.1. */
import { type Codec, empty, u8 } from '../codec/codec.ts';
import { type CertificateType, ExtensionType, type NamedGroup } from '../registry.ts';
import { type ExtensionBlock, extensions, namedGroupList, protocolNameList, recordSizeLimit } from './extension.ts';

export interface EncryptedExtensions extends ExtensionBlock {
  /** RFC 6066 section 3: the server used the name. */
  readonly serverName?: true | undefined;
  /** For the client's next connection (section 4.2.7). */
  readonly namedGroups?: readonly NamedGroup[] | undefined;
  /** RFC 7301 section 3.1: exactly one. */
  readonly protocol?: Uint8Array | undefined;
  /** RFC 7250 section 3. */
  readonly clientCertificateType?: CertificateType | undefined;
  readonly serverCertificateType?: CertificateType | undefined;
  /** RFC 8449 section 4. */
  readonly recordSizeLimit?: number | undefined;
  /** Section 4.2.10: it is accepted. */
  readonly earlyData?: true | undefined;
  /** RFC 9149 section 3, expected_count: how many tickets will come. */
  readonly ticketCount?: number | undefined;
}

/** A ProtocolNameList of exactly one. */
export const oneProtocol: Codec<Uint8Array> = {
  read(r) {
    const [protocol, ...more] = protocolNameList.read(r);
    if (protocol === undefined || more.length > 0) throw r.error('VectorTooLong');
    return protocol;
  },
  write: (w, protocol) => protocolNameList.write(w, [protocol]),
};

export const encryptedExtensions: Codec<EncryptedExtensions> = extensions('EncryptedExtensions', {
  serverName: [ExtensionType.server_name, empty],
  namedGroups: [ExtensionType.supported_groups, namedGroupList],
  protocol: [ExtensionType.application_layer_protocol_negotiation, oneProtocol],
  clientCertificateType: [ExtensionType.client_certificate_type, u8],
  serverCertificateType: [ExtensionType.server_certificate_type, u8],
  recordSizeLimit: [ExtensionType.record_size_limit, recordSizeLimit],
  earlyData: [ExtensionType.early_data, empty],
  ticketCount: [ExtensionType.ticket_request, u8],
});
