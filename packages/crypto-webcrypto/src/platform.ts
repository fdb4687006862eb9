/** An implementation of the Web Cryptography API, and what there is to know about it. */

/** What an implementation may lack. */
export type OptionalAlgorithm = 'X25519' | 'Ed25519' | 'P-521' | 'ML-KEM-768' | 'ML-DSA';

/** An implementation, as the parts of the provider use it. */
export interface Platform {
  readonly subtle: SubtleCrypto;
  readonly random: (bytes: Uint8Array) => void;
  /** Whether it says that it has an algorithm of those that came with the method to ask for them. */
  readonly supports: (operation: string, algorithm: string) => boolean;
  /** Whether a rejection means that the input is bad: not authentic, malformed. All others are faults. */
  readonly isRefusal: (error: unknown) => boolean;
}

/** What `getRandomValues` gives in one call at most. */
const quota = 65_536;

/** @throws TypeError if there is no `crypto.subtle` */
export function webPlatform(crypto: Crypto): Platform {
  // Both can be missing at run time, whatever their types say.
  const subtle = (crypto as Partial<Crypto> | undefined)?.subtle;
  if (subtle === undefined) {
    throw new TypeError('crypto.subtle is missing: in browsers it exists only on pages that came over HTTPS');
  }
  return {
    subtle,
    random(bytes) {
      for (let at = 0; at < bytes.length; at += quota) crypto.getRandomValues(source(bytes.subarray(at, at + quota)));
    },
    supports(operation, algorithm) {
      // A static method of SubtleCrypto, which most implementations do not have yet.
      const { supports } = subtle.constructor as { readonly supports?: Platform['supports'] };
      return supports?.call(subtle.constructor, operation, algorithm) === true;
    },
    // What the specification has its algorithms throw: DataError at keys, OperationError at all else.
    isRefusal(error) {
      const name = (error as { readonly name?: unknown } | undefined)?.name;
      return name === 'OperationError' || name === 'DataError';
    },
  };
}

/** Runs an operation whose input nobody has checked; `undefined` is a refusal of that input. */
export async function refusable<T>(platform: Platform, operation: () => Promise<T>): Promise<T | undefined> {
  try {
    return await operation();
  } catch (error) {
    if (platform.isRefusal(error)) return undefined;
    throw error;
  }
}

/** For the types alone, which do not allow shared memory here; the API itself throws `TypeError` at it. */
export function source(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}

/** The API's names of hashes. */
export const hashName = { SHA256: 'SHA-256', SHA384: 'SHA-384', SHA512: 'SHA-512' } as const;

/** The API's names of ML-DSA's parameter sets. */
export const mlDsaName = { mlDsa44: 'ML-DSA-44', mlDsa65: 'ML-DSA-65', mlDsa87: 'ML-DSA-87' } as const;

/** The API's names of curves. */
export const curveName = { ecP256: 'P-256', ecP384: 'P-384', ecP521: 'P-521' } as const;
