/**
 * AlgorithmIdentifiers (RFC 5280 section 4.1.1.2) of keys and signatures: the content of the SEQUENCE, in DER, so that
 * comparing bytes compares algorithm and parameters at once.
 */

/** The names by which a provider says what it can verify, as in rustls-webpki: key, then hash. */
export type SignatureAlgorithmName =
  | `ECDSA_${'P256' | 'P384' | 'P521'}_${Digest}`
  | 'ED25519'
  | `ML_DSA_${'44' | '65' | '87'}`
  | `RSA_PKCS1_${Digest}`
  | `RSA_PKCS1_${Digest}_ABSENT_PARAMETERS`
  | `RSA_PSS_${Digest}`;

type Digest = 'SHA256' | 'SHA384' | 'SHA512';

const bytes = (text: string): Uint8Array =>
  Uint8Array.from(text.replaceAll(' ', '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** RFC 4055 section 3.1: hash, MGF1 with the same hash, salt as long as the digest, trailer field by default. */
const pssParameters = (hash: string, saltLength: string): string =>
  `30 34 a0 0f 30 0d 06 09 6086480165030402${hash} 05 00` +
  `a1 1c 30 1a 06 09 2a864886f70d010108 30 0d 06 09 6086480165030402${hash} 05 00` +
  `a2 03 02 01 ${saltLength}`;
const rsaPss = '06 09 2a864886f70d01010a';

/** Of subjectPublicKeyInfo. */
export const publicKeyAlgorithm: Readonly<
  Record<'rsa' | 'ecP256' | 'ecP384' | 'ecP521' | 'ed25519' | 'mlDsa44' | 'mlDsa65' | 'mlDsa87', Uint8Array>
> = {
  /** RFC 3279 section 2.3.1: rsaEncryption with NULL parameters. */
  rsa: bytes('06 09 2a864886f70d010101 05 00'),
  /** RFC 5480 section 2.1.1: id-ecPublicKey with a named curve. */
  ecP256: bytes('06 07 2a8648ce3d0201 06 08 2a8648ce3d030107'),
  ecP384: bytes('06 07 2a8648ce3d0201 06 05 2b81040022'),
  ecP521: bytes('06 07 2a8648ce3d0201 06 05 2b81040023'),
  /** RFC 8410 section 3. */
  ed25519: bytes('06 03 2b6570'),
  /** RFC 9881 section 2: without parameters, and the same for signatures. */
  mlDsa44: bytes('06 09 608648016503040311'),
  mlDsa65: bytes('06 09 608648016503040312'),
  mlDsa87: bytes('06 09 608648016503040313'),
};

type SignatureAlgorithmId =
  `rsaPkcs1${HashId}` | `rsaPkcs1${HashId}AbsentParameters` | `rsaPss${HashId}` | `ecdsa${HashId}` | 'ed25519';

type HashId = 'Sha256' | 'Sha384' | 'Sha512';

/** Of signatures. */
export const signatureAlgorithm: Readonly<Record<SignatureAlgorithmId, Uint8Array>> = {
  /** RFC 4055 section 5. */
  rsaPkcs1Sha256: bytes('06 09 2a864886f70d01010b 05 00'),
  rsaPkcs1Sha384: bytes('06 09 2a864886f70d01010c 05 00'),
  rsaPkcs1Sha512: bytes('06 09 2a864886f70d01010d 05 00'),
  /** The same without parameters, which RFC 4055 section 5 says to accept, and some certificates have. */
  rsaPkcs1Sha256AbsentParameters: bytes('06 09 2a864886f70d01010b'),
  rsaPkcs1Sha384AbsentParameters: bytes('06 09 2a864886f70d01010c'),
  rsaPkcs1Sha512AbsentParameters: bytes('06 09 2a864886f70d01010d'),
  rsaPssSha256: bytes(rsaPss + pssParameters('01', '20')),
  rsaPssSha384: bytes(rsaPss + pssParameters('02', '30')),
  rsaPssSha512: bytes(rsaPss + pssParameters('03', '40')),
  /** RFC 5758 section 3.2. */
  ecdsaSha256: bytes('06 08 2a8648ce3d040302'),
  ecdsaSha384: bytes('06 08 2a8648ce3d040303'),
  ecdsaSha512: bytes('06 08 2a8648ce3d040304'),
  /** RFC 8410 section 3. */
  ed25519: bytes('06 03 2b6570'),
};

/** The algorithms a provider can have, named as in rustls-webpki, with what identifies each. */
export const signatureVerificationAlgorithms: Readonly<Record<SignatureAlgorithmName, AlgorithmPair>> = {
  ECDSA_P256_SHA256: ecdsa('ecP256', 'ecdsaSha256'),
  ECDSA_P256_SHA384: ecdsa('ecP256', 'ecdsaSha384'),
  ECDSA_P256_SHA512: ecdsa('ecP256', 'ecdsaSha512'),
  ECDSA_P384_SHA256: ecdsa('ecP384', 'ecdsaSha256'),
  ECDSA_P384_SHA384: ecdsa('ecP384', 'ecdsaSha384'),
  ECDSA_P384_SHA512: ecdsa('ecP384', 'ecdsaSha512'),
  ECDSA_P521_SHA256: ecdsa('ecP521', 'ecdsaSha256'),
  ECDSA_P521_SHA384: ecdsa('ecP521', 'ecdsaSha384'),
  ECDSA_P521_SHA512: ecdsa('ecP521', 'ecdsaSha512'),
  ED25519: { publicKeyAlgorithm: publicKeyAlgorithm.ed25519, signatureAlgorithm: signatureAlgorithm.ed25519 },
  ML_DSA_44: mlDsa('mlDsa44'),
  ML_DSA_65: mlDsa('mlDsa65'),
  ML_DSA_87: mlDsa('mlDsa87'),
  RSA_PKCS1_SHA256: rsa('rsaPkcs1Sha256'),
  RSA_PKCS1_SHA384: rsa('rsaPkcs1Sha384'),
  RSA_PKCS1_SHA512: rsa('rsaPkcs1Sha512'),
  RSA_PKCS1_SHA256_ABSENT_PARAMETERS: rsa('rsaPkcs1Sha256AbsentParameters'),
  RSA_PKCS1_SHA384_ABSENT_PARAMETERS: rsa('rsaPkcs1Sha384AbsentParameters'),
  RSA_PKCS1_SHA512_ABSENT_PARAMETERS: rsa('rsaPkcs1Sha512AbsentParameters'),
  RSA_PSS_SHA256: rsa('rsaPssSha256'),
  RSA_PSS_SHA384: rsa('rsaPssSha384'),
  RSA_PSS_SHA512: rsa('rsaPssSha512'),
};

interface AlgorithmPair {
  readonly publicKeyAlgorithm: Uint8Array;
  readonly signatureAlgorithm: Uint8Array;
}

function ecdsa(key: 'ecP256' | 'ecP384' | 'ecP521', signature: SignatureAlgorithmId): AlgorithmPair {
  return { publicKeyAlgorithm: publicKeyAlgorithm[key], signatureAlgorithm: signatureAlgorithm[signature] };
}

function mlDsa(key: 'mlDsa44' | 'mlDsa65' | 'mlDsa87'): AlgorithmPair {
  return { publicKeyAlgorithm: publicKeyAlgorithm[key], signatureAlgorithm: publicKeyAlgorithm[key] };
}

function rsa(signature: SignatureAlgorithmId): AlgorithmPair {
  return { publicKeyAlgorithm: publicKeyAlgorithm.rsa, signatureAlgorithm: signatureAlgorithm[signature] };
}
