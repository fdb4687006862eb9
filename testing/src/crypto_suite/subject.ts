/** What the shared tests need to know about a provider. */
import { type Awaitable, type CryptoProvider, type KeyKind, type NamedGroup } from '@tyls/tls-core/provider';

export interface Subject {
  readonly name: string;
  readonly provider: CryptoProvider;
  /** The kinds of key that it signs with. */
  readonly signsWith: readonly KeyKind[];
  /** Those of them whose public key it computes where the encoding does not have it. */
  readonly computesPublicKeyOf: readonly KeyKind[];
  /** Diffie-Hellman with a given private key, as vectors have it and a `KeyExchangeGroup` does not. */
  readonly agree: (group: NamedGroup, privateKey: Uint8Array, share: Uint8Array) => Awaitable<Uint8Array | undefined>;
  /** The conversion of ECDSA signatures, of a provider that has to convert. */
  readonly p1363?: {
    readonly fromDer: (der: Uint8Array, length: number) => Uint8Array | undefined;
    readonly toDer: (signature: Uint8Array, length: number) => Uint8Array | undefined;
  };
}
