/** RSA keys of any size at all: OpenSSL rounds odd ones down. */
import { createPrivateKey, generatePrimeSync, type KeyObject } from 'node:crypto';

/** @param bits of the modulus, exactly */
export function generateRsaKey(bits: number): KeyObject {
  const e = 65_537n;
  for (;;) {
    // The two highest bits of each are set, so that the product is as long as it should be.
    const p = generatePrimeSync(Math.ceil(bits / 2), { bigint: true });
    const q = generatePrimeSync(Math.floor(bits / 2), { bigint: true });
    const order = (p - 1n) * (q - 1n);
    if (order % e === 0n || (p * q).toString(2).length !== bits) continue;
    const d = inverse(e, order);
    const numbers = { n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
    const encoded = Object.entries(numbers).map(([name, number]) => [name, base64url(number)] as const);
    return createPrivateKey({ key: { kty: 'RSA', ...Object.fromEntries(encoded) }, format: 'jwk' });
  }
}

/** Extended Euclid. */
function inverse(number: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [number % modulus, modulus, 1n, 0n];
  while (b !== 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return ((x % modulus) + modulus) % modulus;
}

function base64url(number: bigint): string {
  const digits = number.toString(16);
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex').toString('base64url');
}
