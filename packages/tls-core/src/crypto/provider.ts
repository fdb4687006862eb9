/**
 * The crypto seam: what a backend provides, as plain objects of plain objects.
 *
 * Hashing and HKDF answer at once: a handshake makes 60 to 80 of these calls, and waiting for each would cost more than
 * everything else. Whatever may live in hardware or in another thread is `Awaitable`.
 *
 * Buffers: a function borrows its arguments until its answer is there, and gives its result away, unless it says
 * otherwise.
 */
import { type CipherSuite, type NamedGroup, type ProtocolVersion, type SignatureScheme } from '../registry.ts';
import { type Awaitable } from '../step/step.ts';

/** A crypto backend. Assembled from parts: what one lacks, another's parts can be spread in. */
export interface CryptoProvider {
  /**
   * In order of preference among those of one version; the versions themselves are preferred newest first. A server's
   * order decides, except that a client whose first is ChaCha20-Poly1305 gets that.
   */
  readonly cipherSuites: readonly SupportedCipherSuite[];
  /** In order of preference; a client sends a key share for the first. */
  readonly keyExchangeGroups: readonly KeyExchangeGroup[];
  readonly signatureVerification: SignatureVerification;
  /** Fills `bytes` with randomness fit for secrets. */
  readonly random: (bytes: Uint8Array) => void;
  /** Makes a signing key of an encoded private key. Rejects, or throws an `Error` that says why, if it cannot. */
  readonly loadPrivateKey: (key: PrivateKeyDer) => Awaitable<SigningKey>;
}

/** A private key as it comes in files: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017, RSA only) or SEC 1 (RFC 5915, EC only). */
export interface PrivateKeyDer {
  readonly format: 'pkcs8' | 'pkcs1' | 'sec1';
  readonly der: Uint8Array;
}

/** A TLS 1.3 cipher suite: an AEAD and a hash (RFC 8446 section B.4). */
export interface Tls13CipherSuite {
  readonly id: CipherSuite;
  readonly version: typeof ProtocolVersion.TLSv1_3;
  readonly hash: Hash;
  readonly hkdf: Hkdf;
  readonly aead: Aead;
}

declare const protocol: unique symbol;

/**
 * The handshakes of TLS 1.2. The one value of this type is `tls12` of `@tyls/tls-core/tls12`: that the suites bring it
 * is what makes a program with TLS 1.3 alone be bundled without it.
 */
export interface Tls12Protocol {
  readonly [protocol]: 'TLS 1.2';
}

/** A TLS 1.2 cipher suite: ECDHE, a kind of signature, an AEAD and a hash (RFC 8422, RFC 5289, RFC 7905). */
export interface Tls12CipherSuite {
  readonly id: CipherSuite;
  readonly version: typeof ProtocolVersion.TLSv1_2;
  readonly hash: Hash;
  /** Its HMAC makes the PRF (RFC 5246 section 5). */
  readonly hkdf: Hkdf;
  readonly aead: Aead;
  /** The server's key: `'ecdsa'` stands for EdDSA too (RFC 8422 section 2.1). */
  readonly authentication: 'ecdsa' | 'rsa';
  /**
   * How an AEAD nonce is made: `'explicit'` of a 4-byte fixed IV and 8 bytes that each record carries (RFC 5288 section
   * 3, AES-GCM), `'xor'` of a 12-byte IV and the sequence number (RFC 7905 section 2, ChaCha20-Poly1305).
   */
  readonly nonce: 'explicit' | 'xor';
  readonly protocol: Tls12Protocol;
}

export type SupportedCipherSuite = Tls13CipherSuite | Tls12CipherSuite;

/** A hash function. */
export interface Hash {
  /** Length of a digest in bytes. */
  readonly outputLength: number;
  readonly start: () => HashContext;
}

/** A hash being computed. */
export interface HashContext {
  readonly update: (data: Uint8Array) => void;
  /** The digest of everything up to here; the context can go on afterwards. */
  readonly peek: () => Uint8Array;
}

/** HKDF (RFC 5869) and the HMAC under it, over one hash. */
export interface Hkdf {
  /** @returns a pseudorandom key as long as the hash's output */
  readonly extract: (salt: Uint8Array, inputKeyMaterial: Uint8Array) => Uint8Array;
  /** @returns `length` bytes, at most 255 times the hash's output */
  readonly expand: (pseudorandomKey: Uint8Array, info: Uint8Array, length: number) => Uint8Array;
  /** HMAC (RFC 2104) of `message`. */
  readonly hmac: (key: Uint8Array, message: Uint8Array) => Uint8Array;
}

/** An AEAD (RFC 5116) with 12-byte nonces and 16-byte tags, as all suites here have. */
export interface Aead {
  /** In bytes. */
  readonly keyLength: number;
  /** How many records may be sealed under one key (RFC 8446 section 5.5). */
  readonly confidentialityLimit: number;
  /** Copies `key`. */
  readonly sealer: (key: Uint8Array) => Sealer;
  /** Copies `key`. */
  readonly opener: (key: Uint8Array) => Opener;
}

/** One key of an {@link Aead}, for sealing. */
export interface Sealer {
  /**
   * Encrypts the parts, one after another as one plaintext.
   *
   * @param nonce 12 bytes, never used before with this key
   * @returns ciphertext and 16-byte tag, in as many pieces as is cheapest
   */
  readonly seal: (
    nonce: Uint8Array,
    additionalData: Uint8Array,
    plaintext: readonly Uint8Array[],
  ) => Awaitable<readonly Uint8Array[]>;
}

/** One key of an {@link Aead}, for opening. */
export interface Opener {
  /**
   * Decrypts the parts, one after another as one ciphertext with its 16-byte tag at the end.
   *
   * @param ciphertext at least 16 bytes in all
   * @returns the plaintext in as many pieces as is cheapest, none of them a view of the input; `undefined` if it is not
   *   authentic
   */
  readonly open: (
    nonce: Uint8Array,
    additionalData: Uint8Array,
    ciphertext: readonly Uint8Array[],
  ) => Awaitable<readonly Uint8Array[] | undefined>;
}

/** An (EC)DHE group, or a KEM in its place (RFC 8446 section 4.2.7). */
export interface KeyExchangeGroup {
  readonly name: NamedGroup;
  /** Makes an ephemeral key pair: what a client does, and in TLS 1.2 a server, whose share goes out first. */
  readonly start: () => Awaitable<ActiveKeyExchange>;
  /**
   * Answers a client's key share: what a server does, in one step since a KEM encapsulates to it.
   *
   * @param clientShare KeyShareEntry.key_exchange as received, not checked in any way
   * @returns `undefined` if the share is invalid (RFC 8446 section 4.2.8.2: length, format, point on the curve; section
   *   7.4.2: an all-zero X25519 result)
   */
  readonly respond: (clientShare: Uint8Array) => Awaitable<KeyExchangeAnswer | undefined>;
}

/** A half-done key exchange of whoever sent its share first. Used once. */
export interface ActiveKeyExchange {
  /** KeyShareEntry.key_exchange to send. */
  readonly keyShare: Uint8Array;
  /**
   * @param peerShare KeyShareEntry.key_exchange, or the ECPoint of TLS 1.2, as received, not checked in any way
   * @returns the shared secret, or `undefined` if the share is invalid, as in {@link KeyExchangeGroup.respond}
   */
  readonly complete: (peerShare: Uint8Array) => Awaitable<Uint8Array | undefined>;
  /** For a hybrid: the classical half by itself, to be offered as a second key share without a second key pair. */
  readonly hybridComponent?: {
    readonly group: NamedGroup;
    readonly keyShare: Uint8Array;
    readonly complete: (peerShare: Uint8Array) => Awaitable<Uint8Array | undefined>;
  };
}

/** What a server makes of a client's key share. */
export interface KeyExchangeAnswer {
  /** KeyShareEntry.key_exchange to send. */
  readonly keyShare: Uint8Array;
  readonly sharedSecret: Uint8Array;
}

/** What a backend can verify: for handshakes by SignatureScheme, for certificates by AlgorithmIdentifier. */
export interface SignatureVerification {
  readonly algorithms: readonly SignatureVerificationAlgorithm[];
  /**
   * The schemes in order of preference, with the algorithms (key types) that each stands for. In TLS 1.3 only the first
   * of them counts, since an ECDSA scheme names its curve there (RFC 8446 section 4.2.3).
   */
  readonly schemes: readonly {
    readonly scheme: SignatureScheme;
    readonly algorithms: readonly SignatureVerificationAlgorithm[];
  }[];
}

/** One signature algorithm with one kind of key. */
export interface SignatureVerificationAlgorithm {
  /** Of the key: the content of the AlgorithmIdentifier SEQUENCE in its SubjectPublicKeyInfo, in DER. */
  readonly publicKeyAlgorithm: Uint8Array;
  /** Of the signature: the content of the AlgorithmIdentifier SEQUENCE, in DER. */
  readonly signatureAlgorithm: Uint8Array;
  /**
   * @param publicKey content of subjectPublicKey (RFC 5280 section 4.1.2.7), without the count of unused bits
   * @returns whether the signature is valid; a malformed key or signature is `false`, never an exception
   */
  readonly verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => Awaitable<boolean>;
}

/** A private key, wherever it lives: this is where HSM, KMS and non-extractable keys plug in. */
export interface SigningKey {
  /** SubjectPublicKeyInfo in DER, where it is known: a certificate of another key is then refused at once. */
  readonly publicKey?: Uint8Array;
  /** A signer for one of the schemes that the peer offers, or `undefined` if it offers none that this key can make. */
  readonly chooseScheme: (offered: readonly SignatureScheme[]) => Signer | undefined;
}

/** A key that signs with one scheme. */
export interface Signer {
  readonly scheme: SignatureScheme;
  /** @returns the signature in the form TLS has it: DER for ECDSA, salt as long as the digest for RSA-PSS */
  readonly sign: (message: Uint8Array) => Awaitable<Uint8Array>;
}
