/** ML-KEM-768 (FIPS 203) on OpenSSL 3.5, which Node has from 24.7 on. */
import { type Encapsulation, type Kem, type KemKeyPair } from '@tyls/tls-core/provider';
import * as nodeCrypto from 'node:crypto';
import { plain } from './bytes.ts';

/** What the types of older Nodes do not have. */
interface MlKemFunctions {
  readonly generateKeyPairSync: (type: 'ml-kem-768') => {
    readonly publicKey: nodeCrypto.KeyObject;
    readonly privateKey: nodeCrypto.KeyObject;
  };
  readonly encapsulate: (key: nodeCrypto.KeyObject) => { readonly sharedKey: Buffer; readonly ciphertext: Buffer };
  readonly decapsulate: (key: nodeCrypto.KeyObject, ciphertext: Uint8Array) => Buffer;
}

/** SubjectPublicKeyInfo up to the 1184 bytes of the key itself (RFC 9935 section 4). */
const spkiPrefix = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex');

/** `undefined` where Node, or the OpenSSL that it was linked with, is without it. */
export const mlKem768: Kem | undefined = findMlKem768();

function findMlKem768(): Kem | undefined {
  // Through the namespace, since an import of what is not there would not load.
  const functions = nodeCrypto as unknown as MlKemFunctions & Partial<MlKemFunctions>;
  if (typeof functions.encapsulate !== 'function') return undefined;
  try {
    functions.generateKeyPairSync('ml-kem-768');
  } catch {
    return undefined;
  }
  return {
    generateKeyPair: () => keyPairOf(functions.generateKeyPairSync('ml-kem-768').privateKey),
    encapsulate: (encapsulationKey) => encapsulate(functions, encapsulationKey),
  };
}

/** @param privateKey of ML-KEM-768, in a Node that has it */
export function keyPairOf(privateKey: nodeCrypto.KeyObject): KemKeyPair {
  const { decapsulate } = nodeCrypto as unknown as MlKemFunctions;
  const spki = nodeCrypto.createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return {
    encapsulationKey: plain(spki).slice(spkiPrefix.length),
    decapsulate: (ciphertext) => plain(decapsulate(privateKey, ciphertext)),
  };
}

function encapsulate(functions: MlKemFunctions, encapsulationKey: Uint8Array): Encapsulation | undefined {
  let key: nodeCrypto.KeyObject;
  try {
    const spki = Buffer.concat([spkiPrefix, encapsulationKey]);
    key = nodeCrypto.createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch {
    return undefined; // a coefficient is not below the modulus
  }
  const { ciphertext, sharedKey } = functions.encapsulate(key);
  return { ciphertext: plain(ciphertext), sharedSecret: plain(sharedKey) };
}
