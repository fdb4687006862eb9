/** NewSessionTicket of TLS 1.2, RFC 5077 section 3.3. */
import { type Codec, opaque16, struct, u32 } from '../codec/codec.ts';

export interface Tls12NewSessionTicket {
  /** How long the server will take it, in seconds; 0: it does not say. */
  readonly lifetimeHint: number;
  /** Empty: the server has thought better of it. */
  readonly ticket: Uint8Array;
}

export const tls12NewSessionTicket: Codec<Tls12NewSessionTicket> = struct({ lifetimeHint: u32, ticket: opaque16() });
