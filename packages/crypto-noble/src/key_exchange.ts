/** ECDHE groups (RFC 8446 section 4.2.8.2, RFC 7748). */
import { x25519 } from '@noble/curves/ed25519.js';
import { p256, p384 } from '@noble/curves/nist.js';
import { type KeyExchangeGroup, NamedGroup } from '@tyls/tls-core/provider';
import { drawBytes, type Random } from './random.ts';

interface Curve {
  readonly newPrivateKey: (random: Random) => Uint8Array;
  readonly keyShare: (privateKey: Uint8Array) => Uint8Array;
  /** With a peer whose share nobody has checked. */
  readonly agree: (privateKey: Uint8Array, share: Uint8Array) => Uint8Array | undefined;
}

type Curves = ReadonlyMap<NamedGroup, Curve>;

/** X25519 as noble has it: it makes key shares with tables for the base point, of an Edwards curve. */
export const curves: Curves = /* @__PURE__ */ curvesWith(x25519);

/** In order of preference. */
export function curvesWith(montgomeryCurve: typeof x25519): Curves {
  return new Map([
    [NamedGroup.X25519, montgomery(montgomeryCurve)],
    [NamedGroup.secp256r1, nistCurve(p256, 32)],
    [NamedGroup.secp384r1, nistCurve(p384, 48)],
  ]);
}

/** The groups of some curves, drawing their keys from `random`. */
export function groupsOf(those: Curves, random: Random): readonly KeyExchangeGroup[] {
  return [...those].map(([name, curve]) => ({
    name,
    start() {
      const privateKey = curve.newPrivateKey(random);
      return { keyShare: curve.keyShare(privateKey), complete: (share) => curve.agree(privateKey, share) };
    },
    respond(clientShare) {
      const privateKey = curve.newPrivateKey(random);
      const sharedSecret = curve.agree(privateKey, clientShare);
      return sharedSecret === undefined ? undefined : { keyShare: curve.keyShare(privateKey), sharedSecret };
    },
  }));
}

function montgomery(curve: typeof x25519): Curve {
  return {
    newPrivateKey: (random) => drawBytes(random, 32),
    keyShare: (privateKey) => curve.getPublicKey(privateKey),
    agree(privateKey, share) {
      try {
        return curve.getSharedSecret(privateKey, share); // throws at an all-zero result (RFC 7748 section 6.1)
      } catch {
        return undefined;
      }
    },
  };
}

function nistCurve(curve: typeof p256, fieldLength: number): Curve {
  return {
    // FIPS 186-5 appendix A.2.1: from more random bits than the order has, so that the remainder is not biased.
    newPrivateKey: (random) => curve.utils.randomSecretKey(drawBytes(random, curve.lengths.seed!)),
    keyShare: (privateKey) => curve.getPublicKey(privateKey, false),
    agree(privateKey, share) {
      if (share[0] !== 4) return undefined; // noble would take a compressed point too
      try {
        // Throws at a point that is not on the curve. The secret is the x coordinate alone (RFC 8446 section 7.4.2).
        return curve.getSharedSecret(privateKey, share, false).slice(1, 1 + fieldLength);
      } catch {
        return undefined;
      }
    },
  };
}
