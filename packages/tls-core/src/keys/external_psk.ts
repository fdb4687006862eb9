/** Pre-shared keys from outside of TLS: RFC 8446 section 4.2.11, RFC 9257, and their import by RFC 9258. */
import { copyOf, emptyBytes, wipe } from '../codec/bytes.ts';
import { Writer } from '../codec/reader.ts';
import { type CryptoProvider, type Tls13CipherSuite } from '../crypto/provider.ts';
import { ProtocolVersion } from '../registry.ts';
import { hkdfExpandLabel } from './tls13_key_schedule.ts';

/** The hash that a PSK goes with: it is used with cipher suites of that hash alone (RFC 8446 section 4.2.11). */
export type PskHash = 'sha256' | 'sha384';

/** A key that both sides have from elsewhere. */
export interface ExternalPsk {
  /** By which the server finds it: 1 to 8 192 bytes, sent in the clear. Kept. */
  readonly identity: Uint8Array;
  /** At least 16 bytes, as hard to guess as a key: a password is none, since it can be guessed offline. Kept. */
  readonly secret: Uint8Array;
  readonly hash: PskHash;
  /** Whether {@link importPsk} made it (RFC 9258). */
  readonly imported?: boolean | undefined;
}

/** RFC 9257 section 6: at least 128 bits. */
const minSecret = 16;
const maxIdentity = 8192;

/** @throws RangeError if it cannot be used */
export function checkExternalPsk({ identity, secret }: ExternalPsk): void {
  if (identity.length === 0 || identity.length > maxIdentity) {
    throw new RangeError(`the identity of a PSK has 1 to ${maxIdentity} bytes, not ${identity.length}`);
  }
  if (secret.length < minSecret) throw new RangeError(`a PSK has at least ${minSecret} bytes, not ${secret.length}`);
}

/** Length of a digest in bytes, by which the suites that go with a PSK are known. */
export function hashLength(hash: PskHash): number {
  return hash === 'sha256' ? 32 : 48;
}

/** RFC 9258 section 3.1, the KDF identifiers of the two hashes. */
const kdfs: Readonly<Record<PskHash, number>> = { sha256: 0x0001, sha384: 0x0002 };

/** What {@link importPsk} needs. */
export interface ImportablePsk {
  /** At least one byte. Borrowed. */
  readonly identity: Uint8Array;
  /** As in {@link ExternalPsk}. Borrowed. */
  readonly secret: Uint8Array;
  /** The hash that comes with the key; SHA-256 by default, as RFC 9258 section 4.1 has it. */
  readonly hash?: PskHash | undefined;
  /** What else the keys are to depend on, the same on both sides: the roles, say. Empty by default. Borrowed. */
  readonly context?: Uint8Array | undefined;
}

/**
 * Makes PSKs for TLS 1.3 of a key that is used elsewhere too, or with either hash (RFC 9258): one for each hash of the
 * provider's suites. A client offers all of them; a server finds one by its `identity`, which is an ImportedIdentity.
 *
 * @throws RangeError if the key is too short, the identity too long, or the provider lacks the hash
 */
export function importPsk(provider: CryptoProvider, psk: ImportablePsk): readonly ExternalPsk[] {
  const { identity, secret, hash = 'sha256', context = emptyBytes } = psk;
  checkExternalPsk({ identity, secret, hash });
  const own = suiteWith(provider, hash);
  if (own === undefined) throw new RangeError(`the provider has no TLS 1.3 suite with ${hash}`);
  const extracted = own.hkdf.extract(new Uint8Array(own.hash.outputLength), secret);
  const imported = (['sha256', 'sha384'] as const)
    .filter((target) => suiteWith(provider, target) !== undefined)
    .map((target): ExternalPsk => {
      const name = new Writer().vec16(identity).vec16(context).u16(ProtocolVersion.TLSv1_3).u16(kdfs[target]).done();
      const digest = own.hash.start();
      digest.update(name);
      const derived = hkdfExpandLabel(own.hkdf, extracted, 'derived psk', digest.peek(), hashLength(target));
      return { identity: copyOf(name), secret: derived, hash: target, imported: true };
    });
  wipe(extracted);
  return imported;
}

function suiteWith({ cipherSuites }: CryptoProvider, hash: PskHash): Tls13CipherSuite | undefined {
  return cipherSuites
    .filter((suite) => suite.version === ProtocolVersion.TLSv1_3)
    .find((suite) => suite.hash.outputLength === hashLength(hash));
}
