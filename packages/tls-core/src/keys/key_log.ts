/** The key log of RFC 9850 (NSS's SSLKEYLOGFILE). Off unless a config has one: whoever reads it reads the traffic. */

/** Labels of TLS 1.3, and CLIENT_RANDOM for the master secret of TLS 1.2. */
export type KeyLogLabel =
  | 'CLIENT_EARLY_TRAFFIC_SECRET'
  | 'EARLY_EXPORTER_SECRET'
  | 'CLIENT_HANDSHAKE_TRAFFIC_SECRET'
  | 'SERVER_HANDSHAKE_TRAFFIC_SECRET'
  | 'CLIENT_TRAFFIC_SECRET_0'
  | 'SERVER_TRAFFIC_SECRET_0'
  | 'EXPORTER_SECRET'
  | 'CLIENT_RANDOM';

/** Takes the secrets of connections. */
export interface KeyLog {
  /**
   * Takes one secret. Must not throw: what it throws ends the connection.
   *
   * @param clientRandom 32 bytes; borrowed for the call
   * @param secret borrowed for the call: it is wiped later
   */
  readonly log: (label: KeyLogLabel, clientRandom: Uint8Array, secret: Uint8Array) => void;
}
