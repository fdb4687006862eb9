/** pre_shared_key and psk_key_exchange_modes of a ClientHello, RFC 8446 sections 4.2.9 and 4.2.11. */
import { type Codec, opaque16, opaque8, struct, u32, vec } from '../codec/codec.ts';

export interface PskIdentity {
  /** At least one byte. */
  readonly identity: Uint8Array;
  /** In milliseconds, with ticket_age_add, modulo 2^32; 0 for an external PSK. */
  readonly obfuscatedTicketAge: number;
}

/** Section 4.2.11, OfferedPsks. That there are as many of the one as of the other is checked where they are used. */
export interface OfferedPsks {
  readonly identities: readonly PskIdentity[];
  /**
   * Each 32 to 255 bytes. One that is shorter is no more wrong than one that does not fit its hash: that is found where it
   * is verified, if it ever is.
   */
  readonly binders: readonly Uint8Array[];
}

export const offeredPsks: Codec<OfferedPsks> = struct({
  identities: vec(2, struct({ identity: opaque16(1), obfuscatedTicketAge: u32 })),
  binders: vec(2, opaque8(1)),
});

/** Section 4.2.11.2: how many bytes the list of binders takes, which are the last of a ClientHello and not bound themselves. */
export function bindersLength(binders: readonly Uint8Array[]): number {
  return binders.reduce((sum, { length }) => sum + 1 + length, 2);
}
