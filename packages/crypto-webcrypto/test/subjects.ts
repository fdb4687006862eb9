/** What the two platforms that are tested have in common. */
import { encodePkcs8 } from '@tyls/tls-core/provider';
import { type Subject } from '../../../testing/src/crypto_suite/subject.ts';
import { derFromP1363, p1363FromDer } from '../src/ecdsa_signature.ts';
import { agree, curves } from '../src/key_exchange.ts';
import { type Platform, source } from '../src/platform.ts';

export const everyKind = ['rsa', 'ecP256', 'ecP384', 'ecP521', 'ed25519'] as const;

export const signatures: Pick<Subject, 'signsWith' | 'p1363'> = {
  signsWith: everyKind,
  p1363: { fromDer: p1363FromDer, toDer: derFromP1363 },
};

export function agreeOn(platform: Platform): Subject['agree'] {
  return async (group, scalar, share) => {
    const curve = curves.find(({ name }) => name === group)!;
    const pkcs8 =
      curve.algorithm.name === 'X25519'
        ? Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), scalar])
        : encodePkcs8({ kind: scalar.length === 32 ? 'ecP256' : 'ecP384', scalar, publicKey: undefined });
    const key = await platform.subtle.importKey('pkcs8', source(pkcs8), curve.algorithm, false, ['deriveBits']);
    return agree(platform, curve, key, share);
  };
}
