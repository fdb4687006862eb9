/**
 * IANA code points of TLS (RFC 8446 sections 4 to 6 and B, and the registries it names).
 *
 * Every type here stays open (`number`): a peer may send values that are not listed, GREASE (RFC 8701) among them.
 */

/** RFC 8446 section 4.2.1. */
export const ProtocolVersion = { SSLv3: 0x0300, TLSv1_0: 0x0301, TLSv1_2: 0x0303, TLSv1_3: 0x0304 } as const;
export type ProtocolVersion = number;

/** RFC 8446 section 5.1. */
export const ContentType = { change_cipher_spec: 20, alert: 21, handshake: 22, application_data: 23 } as const;
export type ContentType = number;

/** RFC 8446 section 4. */
export const HandshakeType = {
  hello_request: 0,
  client_hello: 1,
  server_hello: 2,
  new_session_ticket: 4,
  end_of_early_data: 5,
  encrypted_extensions: 8,
  certificate: 11,
  server_key_exchange: 12,
  certificate_request: 13,
  server_hello_done: 14,
  certificate_verify: 15,
  client_key_exchange: 16,
  finished: 20,
  certificate_status: 22,
  key_update: 24,
  compressed_certificate: 25,
  message_hash: 254,
} as const;
export type HandshakeType = number;

/** RFC 8446 section 4.2. */
export const ExtensionType = {
  server_name: 0,
  max_fragment_length: 1,
  status_request: 5,
  supported_groups: 10,
  ec_point_formats: 11,
  signature_algorithms: 13,
  use_srtp: 14,
  heartbeat: 15,
  application_layer_protocol_negotiation: 16,
  signed_certificate_timestamp: 18,
  client_certificate_type: 19,
  server_certificate_type: 20,
  padding: 21,
  extended_master_secret: 23,
  compress_certificate: 27,
  record_size_limit: 28,
  session_ticket: 35,
  pre_shared_key: 41,
  early_data: 42,
  supported_versions: 43,
  cookie: 44,
  psk_key_exchange_modes: 45,
  certificate_authorities: 47,
  oid_filters: 48,
  post_handshake_auth: 49,
  signature_algorithms_cert: 50,
  key_share: 51,
  quic_transport_parameters: 57,
  ticket_request: 58,
  encrypted_client_hello: 0xfe0d,
  renegotiation_info: 0xff01,
} as const;
export type ExtensionType = number;

/** RFC 8446 section B.4 and RFC 5289, RFC 7905; the values that are signals and no suites, RFC 5746 and RFC 7507. */
export const CipherSuite = {
  TLS_AES_128_GCM_SHA256: 0x1301,
  TLS_AES_256_GCM_SHA384: 0x1302,
  TLS_CHACHA20_POLY1305_SHA256: 0x1303,
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 0xc02b,
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 0xc02c,
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 0xc02f,
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 0xc030,
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 0xcca8,
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 0xcca9,
  TLS_EMPTY_RENEGOTIATION_INFO_SCSV: 0x00ff,
  TLS_FALLBACK_SCSV: 0x5600,
} as const;
export type CipherSuite = number;

/** RFC 8446 section 4.2.7; the hybrid groups are of draft-ietf-tls-ecdhe-mlkem. */
export const NamedGroup = {
  secp256r1: 0x0017,
  secp384r1: 0x0018,
  secp521r1: 0x0019,
  X25519: 0x001d,
  X448: 0x001e,
  SecP256r1MLKEM768: 0x11eb,
  X25519MLKEM768: 0x11ec,
} as const;
export type NamedGroup = number;

/**
 * RFC 8446 section 4.2.3; ML-DSA is of draft-ietf-tls-mldsa. SHA-1 schemes have no name here: they are never offered nor
 * accepted.
 */
export const SignatureScheme = {
  rsa_pkcs1_sha256: 0x0401,
  rsa_pkcs1_sha384: 0x0501,
  rsa_pkcs1_sha512: 0x0601,
  ecdsa_secp256r1_sha256: 0x0403,
  ecdsa_secp384r1_sha384: 0x0503,
  ecdsa_secp521r1_sha512: 0x0603,
  rsa_pss_rsae_sha256: 0x0804,
  rsa_pss_rsae_sha384: 0x0805,
  rsa_pss_rsae_sha512: 0x0806,
  ed25519: 0x0807,
  ed448: 0x0808,
  rsa_pss_pss_sha256: 0x0809,
  rsa_pss_pss_sha384: 0x080a,
  rsa_pss_pss_sha512: 0x080b,
  mldsa44: 0x0904,
  mldsa65: 0x0905,
  mldsa87: 0x0906,
} as const;
export type SignatureScheme = number;

/** RFC 8422 section 5.4. */
export const ECCurveType = { named_curve: 3 } as const;
export type ECCurveType = number;

/** RFC 8422 section 5.1.2. */
export const ECPointFormat = { uncompressed: 0 } as const;
export type ECPointFormat = number;

/** RFC 5246 section 7.4.4 and RFC 8422 section 5.5. */
export const ClientCertificateType = { rsa_sign: 1, ecdsa_sign: 64 } as const;
export type ClientCertificateType = number;

/** RFC 8879 section 7.3. */
export const CertificateCompressionAlgorithm = { zlib: 1, brotli: 2, zstd: 3 } as const;
export type CertificateCompressionAlgorithm = number;

/** RFC 7250 section 3. */
export const CertificateType = { X509: 0, RawPublicKey: 2 } as const;
export type CertificateType = number;

/** RFC 8446 section 6. */
export const AlertDescription = {
  close_notify: 0,
  unexpected_message: 10,
  bad_record_mac: 20,
  record_overflow: 22,
  decompression_failure: 30,
  handshake_failure: 40,
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  illegal_parameter: 47,
  unknown_ca: 48,
  access_denied: 49,
  decode_error: 50,
  decrypt_error: 51,
  protocol_version: 70,
  insufficient_security: 71,
  internal_error: 80,
  inappropriate_fallback: 86,
  user_canceled: 90,
  no_renegotiation: 100,
  missing_extension: 109,
  unsupported_extension: 110,
  unrecognized_name: 112,
  bad_certificate_status_response: 113,
  unknown_psk_identity: 115,
  certificate_required: 116,
  general_error: 117,
  no_application_protocol: 120,
} as const;
export type AlertDescription = number;

/** RFC 8446 section 6. */
export const AlertLevel = { warning: 1, fatal: 2 } as const;

/** RFC 8446 section 4.2.9. */
export const PskKeyExchangeMode = { psk_ke: 0, psk_dhe_ke: 1 } as const;
export type PskKeyExchangeMode = number;

/** RFC 8446 section 4.6.3. */
export const KeyUpdateRequest = { update_not_requested: 0, update_requested: 1 } as const;
export type KeyUpdateRequest = number;

/**
 * The name of a code point for messages and logs, or its hexadecimal value where the registry above has none.
 *
 * @param registry one of the tables of this file
 */
export function nameOf(registry: Readonly<Record<string, number>>, value: number): string {
  for (const name in registry) if (registry[name] === value) return name;
  return `0x${value.toString(16).padStart(4, '0')}`;
}

/** The names of the first few, since a peer may send thousands. */
export function namesOf(registry: Readonly<Record<string, number>>, values: readonly number[]): string {
  const names = values.slice(0, 16).map((value) => nameOf(registry, value));
  return [...names, ...(values.length > names.length ? ['…'] : [])].join(', ');
}
