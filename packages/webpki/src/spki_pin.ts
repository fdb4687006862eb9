/** Pins: SHA-256 of SubjectPublicKeyInfo (RFC 7469 section 2.4), by which a key is known whoever certifies it. */
import { type CryptoProvider } from '@tyls/tls-core';
import { derEncode, DerTag } from '@tyls/tls-core/der';
import { decodeBase64 } from './base64.ts';
import { hex } from './bytes.ts';
import { type Digest, digestsOf } from './digests.ts';
import { certificateError } from './error.ts';

/** 32 bytes, or the same in base64, perhaps after `sha256/` or `sha256//` as other software has it. */
export type SpkiPin = Uint8Array | string;

/** Which keys are pinned. */
export class PinSet {
  readonly #pins: ReadonlySet<string>;
  readonly #sha256: Digest;

  /**
   * @throws RangeError if there are no pins, or the provider has no SHA-256
   * @throws TypeError if a pin is none
   */
  constructor(pins: readonly SpkiPin[], provider: Pick<CryptoProvider, 'cipherSuites'>) {
    const { sha256 } = digestsOf(provider);
    if (sha256 === undefined) throw new RangeError('pins need a provider with SHA-256');
    if (pins.length === 0) throw new RangeError('no pins: every key would be refused');
    this.#pins = new Set(pins.map((pin) => hex(pinBytes(pin))));
    this.#sha256 = sha256;
  }

  /**
   * @param keys contents of SubjectPublicKeyInfo's SEQUENCE; one that is pinned is enough
   * @throws TlsError `InvalidCertificate.UnknownPublicKey`
   */
  check(keys: readonly Uint8Array[]): void {
    const sha256 = keys.map((key) => hex(this.#sha256(derEncode(DerTag.sequence, key))));
    if (!sha256.some((pin) => this.#pins.has(pin))) throw certificateError({ reason: 'UnknownPublicKey', sha256 });
  }
}

/** The base64 of 32 bytes, which has 44 characters and may itself begin with a slash. */
const prefixes = /^sha256\/\/?(?=.{44}$)/;

function pinBytes(pin: SpkiPin): Uint8Array {
  const bytes = typeof pin === 'string' ? decodeBase64(pin.replace(prefixes, '')) : pin;
  if (bytes?.length !== 32) throw new TypeError(`not the SHA-256 of a public key: ${JSON.stringify(pin)}`);
  return bytes;
}
