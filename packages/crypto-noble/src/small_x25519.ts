/**
 * X25519 (RFC 7748) by noble's Montgomery ladder alone. Its own `x25519` brings Edwards curves with it, whose tables make
 * key shares in half the time, once they are made themselves: that takes as long as some thirty key shares by the ladder.
 */
import { pow } from '@noble/curves/abstract/modular.js';
import { montgomery, type MontgomeryECDH } from '@noble/curves/abstract/montgomery.js';

const p = 2n ** 255n - 19n;

export const smallX25519: MontgomeryECDH = /* @__PURE__ */ montgomery({
  type: 'x25519',
  P: p,
  /** decodeScalar25519 (section 5). */
  adjustScalarBytes(bytes: Uint8Array) {
    bytes[0]! &= 0xf8;
    bytes[31] = (bytes[31]! & 0x7f) | 0x40;
    return bytes;
  },
  powPminus2: (x) => pow(x, p - 2n, p),
});
