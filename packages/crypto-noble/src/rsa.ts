/**
 * RSA signature verification (RFC 8017 sections 8.1.2 and 8.2.2). Of public values only, so nothing here needs to take
 * constant time; there is no signing for that reason.
 */
import { bytesToNumberBE, numberToBytesBE } from '@noble/curves/utils.js';
import { type sha256, type sha384, type sha512 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { derEncode, DerTag } from '@tyls/tls-core/der';
import { parseRsaPublicKey, type RsaPublicKey, type SignatureVerificationAlgorithm } from '@tyls/tls-core/provider';

type Verify = SignatureVerificationAlgorithm['verify'];
type Hash = typeof sha256 | typeof sha384 | typeof sha512;

/** RSASSA-PKCS1-v1_5: encodes what the signature must be (section 9.2), and compares all of it. */
export function rsaPkcs1(hash: Hash): Verify {
  const digestAlgorithm = derEncode(DerTag.sequence, hash.oid!, derEncode(DerTag.null));
  return (publicKey, message, signature) => {
    const encoded = recoverEncodedMessage(parseRsaPublicKey(publicKey), signature);
    if (encoded === undefined) return false;
    const digestInfo = derEncode(DerTag.sequence, digestAlgorithm, derEncode(DerTag.octetString, hash(message)));
    const padding = new Uint8Array(encoded.length - digestInfo.length - 3).fill(0xff);
    return equal(encoded, concatBytes(Uint8Array.of(0, 1), padding, Uint8Array.of(0), digestInfo));
  };
}

/** RSASSA-PSS with MGF1 over the same hash, and a salt as long as the digest. */
export function rsaPss(hash: Hash): Verify {
  return (publicKey, message, signature) => {
    const key = parseRsaPublicKey(publicKey);
    const encoded = recoverEncodedMessage(key, signature);
    if (key === undefined || encoded === undefined) return false;
    const modulusBits = 8 * key.modulus.length - (Math.clz32(key.modulus[0]!) - 24);
    return verifyPss(hash, message, encoded, modulusBits - 1);
  };
}

/** RSAVP1 (section 5.2.2): the encoded message, as long as the modulus. */
function recoverEncodedMessage(key: RsaPublicKey | undefined, signature: Uint8Array): Uint8Array | undefined {
  if (key === undefined || signature.length !== key.modulus.length) return undefined;
  const modulus = bytesToNumberBE(key.modulus);
  const base = bytesToNumberBE(signature);
  if (base >= modulus) return undefined;
  let power = 1n;
  for (const bit of bytesToNumberBE(key.publicExponent).toString(2)) {
    power = (power * power) % modulus;
    if (bit === '1') power = (power * base) % modulus;
  }
  return numberToBytesBE(power, key.modulus.length);
}

/**
 * EMSA-PSS-VERIFY (section 9.1.2); names and order are the RFC's.
 *
 * @param encoded with the leading zero byte that it has where `emBits` is a multiple of 8
 */
function verifyPss(hash: Hash, message: Uint8Array, encoded: Uint8Array, emBits: number): boolean {
  const emLength = Math.ceil(emBits / 8);
  if (encoded.length > emLength && encoded[0] !== 0) return false;
  const em = encoded.subarray(encoded.length - emLength);
  const dbLength = emLength - hash.outputLen - 1;
  if (em[emLength - 1] !== 0xbc) return false;
  const h = em.subarray(dbLength, -1);
  const usedBits = 0xff >> (8 * emLength - emBits);
  if (em[0]! > usedBits) return false;
  const db = mgf1(hash, h, dbLength).map((byte, i) => byte ^ em[i]!);
  db[0]! &= usedBits;
  const saltAt = dbLength - hash.outputLen;
  if (db[saltAt - 1] !== 1 || db.subarray(0, saltAt - 1).some((byte) => byte !== 0)) return false;
  return equal(h, hash(concatBytes(new Uint8Array(8), hash(message), db.subarray(saltAt))));
}

/** Appendix B.2.1. */
function mgf1(hash: Hash, seed: Uint8Array, length: number): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let counter = 0; counter * hash.outputLen < length; counter++) {
    blocks.push(hash(concatBytes(seed, Uint8Array.of(0, 0, 0, counter)))); // 8192 bits need no more than one byte
  }
  return concatBytes(...blocks).subarray(0, length);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
