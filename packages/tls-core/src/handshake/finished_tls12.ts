/** What ends a TLS 1.2 handshake, full or abbreviated: change_cipher_spec and Finished of both sides (RFC 5246 section 7.3). */
import { type Tls12CipherSuite } from '../crypto/provider.ts';
import { TlsError } from '../error.ts';
import { type ConnectionSecrets } from '../keys/tls12_prf.ts';
import { encodeMessage } from '../messages/handshake.ts';
import { finished } from '../messages/post_handshake.ts';
import { Tls12RecordOpener, Tls12RecordSealer } from '../record/protection_tls12.ts';
import { ContentType, HandshakeType } from '../registry.ts';
import { type Step } from '../step/step.ts';
import { compareFinished, type FinishedVerified } from './authentication.ts';
import { type HandshakeIo, sendChangeCipherSpec } from './io.ts';
import { type Transcript } from './transcript.ts';

export class Tls12Finish {
  readonly #io: HandshakeIo;
  readonly #role: 'client' | 'server';
  readonly #transcript: Transcript;
  readonly #secrets: ConnectionSecrets;
  readonly #sealer: Tls12RecordSealer;
  readonly #opener: Tls12RecordOpener;

  /** Makes the keys of both directions, which come into use one by one. Borrows `secrets`. */
  constructor(
    io: HandshakeIo,
    role: 'client' | 'server',
    suite: Tls12CipherSuite,
    transcript: Transcript,
    secrets: ConnectionSecrets,
  ) {
    this.#io = io;
    this.#role = role;
    this.#transcript = transcript;
    this.#secrets = secrets;
    const keys = secrets.keyBlock();
    this.#sealer = new Tls12RecordSealer(suite, keys[role]);
    this.#opener = new Tls12RecordOpener(suite, keys[this.#peer]);
  }

  get #peer(): 'client' | 'server' {
    return this.#role === 'client' ? 'server' : 'client';
  }

  /** Ours, over the transcript up to here, and in it from then on. */
  send(): void {
    this.#io.inbound.checkFlightEnd();
    sendChangeCipherSpec(this.#io.outbound);
    this.#io.outbound.setSealer(this.#sealer);
    const verifyData = this.#secrets.verifyData(this.#role, this.#transcript.digest());
    const message = encodeMessage(HandshakeType.finished, finished, verifyData);
    this.#transcript.add(message);
    this.#io.outbound.send(ContentType.handshake, message);
  }

  /** The peer's, which must be the next to come; verified over the transcript up to it, and in it from then on. */
  *receive(): Step<FinishedVerified> {
    const { inbound } = this.#io;
    const { change_cipher_spec, handshake } = ContentType;
    if (inbound.joined() !== undefined) {
      throw new TlsError({ code: 'InappropriateMessage', expected: [change_cipher_spec], received: handshake });
    }
    yield* inbound.recordOf(change_cipher_spec);
    inbound.setOpener(this.#opener);
    const message = yield* inbound.message(HandshakeType.finished);
    const verified = compareFinished(this.#secrets.verifyData(this.#peer, this.#transcript.digest()), message);
    this.#transcript.add(message.raw);
    return verified;
  }
}
