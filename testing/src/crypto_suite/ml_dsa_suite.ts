/** ML-DSA (FIPS 204): keys in the forms of RFC 9881, and signatures between providers. Wycheproof has what is invalid. */
import { withPostQuantum } from '@tyls/crypto-noble/post-quantum';
import { nobleProvider } from '@tyls/crypto-noble';
import { contextTag, derEncode, DerTag } from '@tyls/tls-core/der';
import {
  encodePkcs8,
  type MlDsaKeyKind,
  mlDsaLength,
  publicKeyAlgorithm,
  type SignatureVerificationAlgorithm,
  signingAlgorithms,
  type SigningKey,
} from '@tyls/tls-core/provider';
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { describe, expect, test } from 'vitest';
import { counting, flipped } from './bytes.ts';
import { peers } from './peers.ts';
import { type MlDsaForm, type Subject } from './subject.ts';

const message = counting(130);
const seed = counting(32);
const parameterSets = { mlDsa44: ml_dsa44, mlDsa65: ml_dsa65, mlDsa87: ml_dsa87 };
const kinds = Object.keys(parameterSets) as MlDsaKeyKind[];
/** In bytes, FIPS 204 table 2. */
const signatureLength = { mlDsa44: 2420, mlDsa65: 3309, mlDsa87: 4627 };

export function mlDsaSuite({ provider, mlDsaForms = [] }: Subject): void {
  if (mlDsaForms.length === 0) return;
  const load = async (der: Uint8Array): Promise<SigningKey> => provider.loadPrivateKey({ format: 'pkcs8', der });

  describe.each(kinds)('%s', (kind) => {
    const { publicKey } = parameterSets[kind].keygen(seed);
    const [{ scheme }] = signingAlgorithms[kind] as [(typeof signingAlgorithms)[MlDsaKeyKind][number]];
    const { verify } = algorithmsOf(provider.signatureVerification.algorithms, kind)[0]!;

    test.each(mlDsaForms)('signs with a key as %s, for every provider that has it', async (form) => {
      const der = pkcs8(kind, form);
      const key = await load(der);
      der.fill(0);
      expect(key.publicKey!.subarray(-publicKey.length)).toEqual(publicKey);
      const signer = key.chooseScheme([0x0403, scheme])!;
      expect(signer.scheme).toBe(scheme);
      const signature = await signer.sign(message);
      expect([signature.length, signature.constructor]).toEqual([signatureLength[kind], Uint8Array]);
      // Hedged (FIPS 204 section 3.4): another one each time.
      expect(await signer.sign(message)).not.toEqual(signature);
      for (const [name, { signatureVerification }] of peers) {
        for (const peer of algorithmsOf(signatureVerification.algorithms, kind)) {
          expect([name, await peer.verify(publicKey, message, signature)]).toEqual([name, true]);
        }
      }
    });

    test('signatures are valid for their message and key alone', async () => {
      const noble = await withPostQuantum(nobleProvider()).loadPrivateKey({
        format: 'pkcs8',
        der: pkcs8(kind, 'seed'),
      });
      const signature = await noble.chooseScheme([scheme])!.sign(message);
      expect(await verify(publicKey, message, signature)).toBe(true);
      const stranger = parameterSets[kind].keygen(counting(33).subarray(1)).publicKey;
      const cases = [
        [publicKey, flipped(message, 0), signature],
        [publicKey, message, flipped(signature, 0)],
        [publicKey, message, signature.subarray(1)],
        [publicKey, message, Uint8Array.of(...signature, 0)],
        [publicKey, message, new Uint8Array(0)],
        [stranger, message, signature],
        [publicKey.subarray(1), message, signature],
        [Uint8Array.of(...publicKey, 0), message, signature],
        [new Uint8Array(0), message, signature],
      ] as const;
      const verdicts = await Promise.all(cases.map(async ([key, signed, bytes]) => verify(key, signed, bytes)));
      expect(verdicts).toEqual(cases.map(() => false));
    });

    test('a key with the public key of another is refused', async () => {
      const { publicKey: stranger } = parameterSets[kind].keygen(counting(33).subarray(1));
      await expect(load(version2(kind, stranger))).rejects.toThrow(/not its own|not accept/);
      expect((await load(version2(kind, publicKey))).publicKey!.subarray(-publicKey.length)).toEqual(publicKey);
    });

    test('a key with the seed of another is refused', async () => {
      const der = pkcs8(kind, 'both', counting(33).subarray(1));
      await expect(load(der)).rejects.toThrow(/not its own|not accept/);
    });
  });
}

function algorithmsOf(
  algorithms: readonly SignatureVerificationAlgorithm[],
  kind: MlDsaKeyKind,
): readonly SignatureVerificationAlgorithm[] {
  return algorithms.filter((one) => Buffer.compare(one.publicKeyAlgorithm, publicKeyAlgorithm[kind]) === 0);
}

/** @param besides the seed to name; the expanded key is of {@link seed} always */
function pkcs8(kind: MlDsaKeyKind, form: MlDsaForm, besides: Uint8Array = seed): Uint8Array {
  const expandedKey = parameterSets[kind].keygen(seed).secretKey;
  if (expandedKey.length !== mlDsaLength[kind].expandedKey) throw new Error('not as long as FIPS 204 has it');
  return encodePkcs8({
    kind,
    seed: form === 'expanded' ? undefined : besides,
    expandedKey: form === 'seed' ? undefined : expandedKey,
    publicKey: undefined,
  });
}

/** The seed, and a public key beside it (RFC 5958 section 2). */
function version2(kind: MlDsaKeyKind, publicKey: Uint8Array): Uint8Array {
  return derEncode(
    DerTag.sequence,
    derEncode(DerTag.integer, Uint8Array.of(1)),
    derEncode(DerTag.sequence, publicKeyAlgorithm[kind]),
    derEncode(DerTag.octetString, derEncode(contextTag(0, false), seed)),
    derEncode(contextTag(1, false), Uint8Array.of(0), publicKey),
  );
}
