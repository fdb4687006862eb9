import { TlsError } from '@tyls/tls-core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { equalBytes } from '../../src/codec/bytes.ts';
import { type Codec } from '../../src/codec/codec.ts';
import { certificate, certificateRequest, certificateVerify } from '../../src/messages/certificate.ts';
import { clientHello, type ClientHello } from '../../src/messages/client_hello.ts';
import { compressedCertificate } from '../../src/messages/compressed_certificate.ts';
import { encryptedExtensions } from '../../src/messages/encrypted_extensions.ts';
import { encodeMessage, parseBody } from '../../src/messages/handshake.ts';
import { finished, keyUpdate, newSessionTicket } from '../../src/messages/post_handshake.ts';
import { serverHello } from '../../src/messages/server_hello.ts';
import { HandshakeType, nameOf } from '../../src/registry.ts';
import {
  type ByteMutation,
  byteMutation,
  type Mutation,
  mutateItems,
  mutation,
  counterexample,
} from '../helpers/mutation.ts';
import { type Item, recordScript } from '../helpers/recorded.ts';

const codecs: readonly (readonly [HandshakeType, Codec<unknown>])[] = [
  [HandshakeType.client_hello, clientHello as Codec<unknown>],
  [HandshakeType.server_hello, serverHello as Codec<unknown>],
  [HandshakeType.new_session_ticket, newSessionTicket as Codec<unknown>],
  [HandshakeType.encrypted_extensions, encryptedExtensions as Codec<unknown>],
  [HandshakeType.certificate, certificate as Codec<unknown>],
  [HandshakeType.compressed_certificate, compressedCertificate as Codec<unknown>],
  [HandshakeType.certificate_request, certificateRequest as Codec<unknown>],
  [HandshakeType.certificate_verify, certificateVerify as Codec<unknown>],
  [HandshakeType.finished, finished as Codec<unknown>],
  [HandshakeType.key_update, keyUpdate as Codec<unknown>],
];

const samples: readonly Item[] = [
  ...recordScript('client', true).items,
  ...recordScript('server', true).items,
  {
    type: 22,
    epoch: 2,
    content: encodeMessage(HandshakeType.new_session_ticket, newSessionTicket, {
      lifetimeSeconds: 7200,
      ageAdd: 0xfedcba98,
      nonce: Uint8Array.of(1),
      ticket: new Uint8Array(50).fill(2),
      extensions: { types: [], unknown: [{ type: 42, data: Uint8Array.of(0, 0, 64, 0) }] },
    }),
  },
  {
    type: 22,
    epoch: 1,
    content: encodeMessage(HandshakeType.compressed_certificate, compressedCertificate, {
      algorithm: 1,
      uncompressedLength: 3000,
      compressed: new Uint8Array(100).fill(5),
    }),
  },
  {
    type: 22,
    epoch: 1,
    content: encodeMessage(HandshakeType.encrypted_extensions, encryptedExtensions, {
      types: [],
      unknown: [],
      serverCertificateType: 2,
      clientCertificateType: 0,
    }),
  },
  {
    type: 22,
    epoch: 0,
    content: encodeMessage(HandshakeType.client_hello, clientHello, {
      legacyVersion: 0x0303,
      random: new Uint8Array(32).fill(3),
      sessionId: new Uint8Array(32).fill(4),
      cipherSuites: [0x1301, 0x1302],
      compressionMethods: Uint8Array.of(0),
      extensions: {
        types: [],
        unknown: [],
        pskModes: Uint8Array.of(1),
        ticketRequest: { newSessionCount: 2, resumptionCount: 1 },
        preSharedKey: {
          identities: [
            { identity: new Uint8Array(50).fill(5), obfuscatedTicketAge: 0xfedcba98 },
            { identity: Uint8Array.of(6), obfuscatedTicketAge: 0 },
          ],
          binders: [new Uint8Array(32).fill(7), new Uint8Array(48).fill(8)],
        },
      },
    }),
  },
].filter(({ type }) => type === 22);

/** An address in the place of a name is read as no name, and that cannot be written. */
function isUnwritable(value: unknown): boolean {
  return (value as Partial<ClientHello>).extensions?.serverName === '';
}

/** What a parser made of bytes: nothing but a value or a refusal, and a value is worth the same when written again. */
function outcome(type: HandshakeType, codec: Codec<unknown>, raw: Uint8Array): 'parsed' | 'refused' {
  const before = raw.slice();
  let value: unknown;
  try {
    value = parseBody('message', codec, { type, raw });
  } catch (error) {
    if (!(error instanceof TlsError) || error.detail.code !== 'InvalidMessage') throw error;
    return 'refused';
  }
  if (!equalBytes(raw, before)) throw new Error('the parser wrote into the message');
  if (!isUnwritable(value)) {
    const written = encodeMessage(type, codec, value);
    const again = encodeMessage(type, codec, parseBody('message', codec, { type, raw: written }));
    if (!equalBytes(again, written)) throw new Error('the value changes when it is written');
  }
  return 'parsed';
}

describe.each(codecs.map(([type, codec]) => [nameOf(HandshakeType, type), type, codec] as const))(
  '%s',
  (_name, type, codec) => {
    const valid = samples.filter(({ content }) => content[0] === type).map(({ content }) => content);

    test('there are valid ones, and they parse; no part of one does, nor one with something behind it', () => {
      expect(valid.length).toBeGreaterThan(0);
      for (const raw of valid) {
        expect(outcome(type, codec, raw)).toBe('parsed');
        if (type === HandshakeType.finished) continue;
        for (let length = 4; length < raw.length; length++) {
          // TLS 1.2 hellos may end before their extensions.
          const value = outcome(type, codec, raw.slice(0, length));
          expect(value === 'refused' || type <= HandshakeType.server_hello).toBe(true);
        }
        expect(outcome(type, codec, Uint8Array.of(...raw, 0))).toBe('refused');
      }
    });

    test('random bytes', () => {
      expect(
        counterexample(
          fc.property(fc.uint8Array({ minLength: 4, maxLength: 200 }), (raw) => {
            outcome(type, codec, raw);
          }),
          1000,
        ),
      ).toBeUndefined();
    });

    test('valid messages, mutated', () => {
      const changes = fc.array(
        fc.oneof(
          byteMutation.map((bytes: ByteMutation): Mutation => ({ of: 'bytes', item: 0, fixLength: false, bytes })),
          mutation.filter((change) => change.of !== 'items'),
        ),
        { minLength: 1, maxLength: 3 },
      );
      expect(
        counterexample(
          fc.property(fc.nat(), changes, (which, mutations) => {
            const item = { type: 22, epoch: 0, content: valid[which % valid.length]! };
            const [{ content } = item] = mutateItems([item], mutations);
            if (content.length >= 4) outcome(type, codec, content.slice());
          }),
          4000,
        ),
      ).toBeUndefined();
    });
  },
);
