/** What the shared tests need to know about a provider. */
import {
  type Awaitable,
  type CryptoProvider,
  type Encapsulation,
  type KemKeyPair,
  type KeyKind,
  type MlDsaKeyKind,
  type NamedGroup,
} from '@tyls/tls-core/provider';

export interface Subject {
  readonly name: string;
  readonly provider: CryptoProvider;
  /** The kinds of key that it signs with. */
  readonly signsWith: readonly ClassicalKeyKind[];
  /** Those of them whose public key it computes where the encoding does not have it. */
  readonly computesPublicKeyOf: readonly ClassicalKeyKind[];
  /** The forms of ML-DSA private keys that it loads (RFC 9881 section 6), of a provider that has ML-DSA. */
  readonly mlDsaForms?: readonly MlDsaForm[];
  /** Diffie-Hellman with a given private key, as vectors have it and a `KeyExchangeGroup` does not. */
  readonly agree: (group: NamedGroup, privateKey: Uint8Array, share: Uint8Array) => Awaitable<Uint8Array | undefined>;
  /** ML-KEM-768, of a provider that has the hybrid groups. */
  readonly mlKem768?: MlKemSubject;
  /** The conversion of ECDSA signatures, of a provider that has to convert. */
  readonly p1363?: {
    readonly fromDer: (der: Uint8Array, length: number) => Uint8Array | undefined;
    readonly toDer: (signature: Uint8Array, length: number) => Uint8Array | undefined;
  };
}

/** The kinds of key that node:crypto has had for long. */
export type ClassicalKeyKind = Exclude<KeyKind, MlDsaKeyKind>;

export type MlDsaForm = 'seed' | 'expanded' | 'both';

/** ML-KEM-768 with given randomness, as vectors have it and a `Kem` does not. */
export interface MlKemSubject {
  /** @param seed `d` and `z`, 64 bytes (FIPS 203 section 7.1) */
  readonly keyPairOf: (seed: Uint8Array) => Awaitable<KemKeyPair>;
  /** @param message `m`, 32 bytes; a provider that cannot be told draws its own */
  readonly encapsulate: (encapsulationKey: Uint8Array, message: Uint8Array) => Awaitable<Encapsulation | undefined>;
  /** Whether the provider cannot be told the message. */
  readonly drawsMessage: boolean;
}
