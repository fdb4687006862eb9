/** Certificates and keys as they come in files, made ready for a configuration. */
import {
  type Awaitable,
  CertificateType,
  type CertifiedKey,
  type CryptoProvider,
  isPromise,
  type PrivateKeyDer,
  type SigningKey,
} from '@tyls/tls-core';
import { derEncode, DerReader, DerTag } from '@tyls/tls-core/der';
import { nodeProvider } from '@tyls/crypto-node';
import { certificatesFromPem, parseCertificate, privateKeyFromPem } from '@tyls/webpki';

/** A certificate or a key: text, or the bytes of a file, in PEM; or bytes in DER. */
export type Encoded = string | Uint8Array;

/** A private key as PKCS#8, PKCS#1 or SEC 1; or one that signs by itself, wherever it lives. */
export type PrivateKey = Encoded | PrivateKeyDer | SigningKey;

/** What {@link loadCertifiedKey} loads. What is in DER is kept. */
export interface CertifiedKeyOptions {
  /** The end entity first, each followed by its issuer; the root may be left out. */
  readonly certificate: Encoded | readonly Encoded[];
  /** Of the first certificate. */
  readonly key: PrivateKey;
  /** An OCSPResponse in DER, for peers that ask. Kept. */
  readonly ocspResponse?: Uint8Array | undefined;
  /** A SignedCertificateTimestampList (RFC 6962 section 3.3), with its length, for peers that ask. Kept. */
  readonly sctList?: Uint8Array | undefined;
  /** What loads the key; `nodeProvider()` by default. */
  readonly provider?: Pick<CryptoProvider, 'loadPrivateKey'> | undefined;
}

/**
 * Loads a certificate chain and its key. A promise only if the provider loads keys asynchronously.
 *
 * @throws TypeError if they cannot be read or do not belong together; what the provider throws if it cannot use the key
 */
export function loadCertifiedKey(options: CertifiedKeyOptions): Awaitable<CertifiedKey> {
  const certificates = decodeCertificates(options.certificate);
  const ownKey = endEntityPublicKey(certificates[0]!);
  const finish = (key: SigningKey): CertifiedKey => {
    checkKeyMatches(ownKey, key);
    return { certificates, key, ocspResponse: options.ocspResponse, sctList: options.sctList };
  };
  return withSigningKey(options, finish);
}

/** What {@link loadRawPublicKey} loads. */
export interface RawPublicKeyOptions {
  readonly key: PrivateKey;
  /** SubjectPublicKeyInfo in DER, for a key that does not say it itself. Kept. */
  readonly publicKey?: Uint8Array | undefined;
  /** What loads the key; `nodeProvider()` by default. */
  readonly provider?: Pick<CryptoProvider, 'loadPrivateKey'> | undefined;
}

/**
 * Loads a key to be shown as it is, without a certificate (RFC 7250), as `certificate` of a client or a server. Peers must
 * know it: its verifier is one of `rawPublicKeyServerVerifier` and `rawPublicKeyClientVerifier` of `@tyls/webpki`. A
 * promise only if the provider loads keys asynchronously.
 *
 * @throws TypeError if it cannot be read or nothing says what the public key is; what the provider throws if it cannot use
 *   the key
 */
export function loadRawPublicKey(options: RawPublicKeyOptions): Awaitable<CertifiedKey> {
  const finish = (key: SigningKey): CertifiedKey => {
    const publicKey = options.publicKey ?? key.publicKey;
    if (publicKey === undefined) throw new TypeError('publicKey is needed: the key does not say it');
    checkKeyMatches(publicKey, key);
    return { certificates: [publicKey], certificateType: CertificateType.RawPublicKey, key };
  };
  return withSigningKey(options, finish);
}

function withSigningKey<T>(
  { key, provider = nodeProvider() }: Pick<RawPublicKeyOptions, 'key' | 'provider'>,
  finish: (key: SigningKey) => T,
): Awaitable<T> {
  if (isSigningKey(key)) return finish(key);
  const loading = provider.loadPrivateKey(decodePrivateKey(key));
  return isPromise(loading) ? loading.then(finish) : finish(loading);
}

/** Refuses a key that is not its certificate's, as far as it says which one it is. */
export function checkCertifiedKey({ certificates, certificateType, key }: CertifiedKey): void {
  const endEntity = certificates[0];
  if (endEntity === undefined) return;
  const isRaw = certificateType === CertificateType.RawPublicKey;
  checkKeyMatches(isRaw ? endEntity : endEntityPublicKey(endEntity), key);
}

/**
 * The certificates in DER, those of a PEM bundle in its order.
 *
 * @throws TypeError if there are none, or the PEM is broken
 */
export function decodeCertificates(encoded: Encoded | readonly Encoded[]): Uint8Array[] {
  const all = typeof encoded === 'string' || encoded instanceof Uint8Array ? [encoded] : encoded;
  const certificates = all.flatMap((one) => (isDer(one) ? [one] : certificatesFromPem(one)));
  if (certificates.length === 0) throw new TypeError('no certificate was given');
  return certificates;
}

function decodePrivateKey(key: Encoded | PrivateKeyDer): PrivateKeyDer {
  if (typeof key === 'string') return privateKeyFromPem(key);
  if (!(key instanceof Uint8Array)) return key;
  return isDer(key) ? { format: privateKeyFormat(key), der: key } : privateKeyFromPem(key);
}

/** What follows the version: OCTET STRING in SEC 1 (RFC 5915), INTEGER in PKCS#1 (RFC 8017), SEQUENCE in PKCS#8. */
function privateKeyFormat(der: Uint8Array): PrivateKeyDer['format'] {
  const fields = new DerReader(der, malformedKey).enter(DerTag.sequence);
  // EncryptedPrivateKeyInfo has no version; whoever loads it says that it is encrypted.
  if (fields.nextTag === DerTag.integer) fields.element();
  switch (fields.nextTag) {
    case DerTag.octetString:
      return 'sec1';
    case DerTag.integer:
      return 'pkcs1';
    default:
      return 'pkcs8';
  }
}

function malformedKey(what: string): TypeError {
  return new TypeError(`the private key is not DER: ${what}`);
}

/** Whether this is one SEQUENCE and nothing else, as all certificates and keys in DER are and no PEM text is. */
function isDer(encoded: Encoded): encoded is Uint8Array {
  if (typeof encoded === 'string' || encoded[0] !== DerTag.sequence) return false;
  try {
    const reader = new DerReader(encoded, (what) => new Error(what));
    reader.element();
    return reader.atEnd;
  } catch {
    return false;
  }
}

function isSigningKey(key: PrivateKey): key is SigningKey {
  return typeof key === 'object' && 'chooseScheme' in key;
}

function endEntityPublicKey(der: Uint8Array): Uint8Array {
  try {
    return derEncode(DerTag.sequence, parseCertificate(der).subjectPublicKeyInfo);
  } catch (cause) {
    throw new TypeError(`the certificate cannot be used: ${(cause as Error).message}`, { cause });
  }
}

function checkKeyMatches(ofCertificate: Uint8Array, key: SigningKey): void {
  if (key.publicKey !== undefined && Buffer.compare(key.publicKey, ofCertificate) !== 0) {
    throw new TypeError('the private key is not the key of the (first) certificate');
  }
}
