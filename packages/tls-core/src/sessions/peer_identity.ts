/** Who the peer is. Apart from sessions, which remember it: a client may be without them. */
import { type SignatureScheme } from '../registry.ts';

/** Who the peer was found to be, in a session when it began. */
export interface PeerIdentity {
  /** DER, the peer's own first. */
  readonly certificates: readonly Uint8Array[];
  readonly scheme: SignatureScheme;
  /** Of the external PSK by which the peer is known instead. */
  readonly pskIdentity?: Uint8Array;
}

/** Nobody was authenticated. */
export const anonymous: PeerIdentity = { certificates: [], scheme: 0 };
