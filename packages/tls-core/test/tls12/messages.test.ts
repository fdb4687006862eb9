/** The messages of TLS 1.2: written and read again, cut short, with something behind them, and mutated. */
import { TlsError } from '@tyls/tls-core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { equalBytes } from '../../src/codec/bytes.ts';
import { type Codec } from '../../src/codec/codec.ts';
import { certificateStatus } from '../../src/messages/certificate.ts';
import { tls12Certificate, tls12CertificateRequest } from '../../src/messages/certificate_tls12.ts';
import { encodeMessage, parseBody } from '../../src/messages/handshake.ts';
import { clientKeyExchange, serverKeyExchange } from '../../src/messages/key_exchange_tls12.ts';
import { tls12ServerHello } from '../../src/messages/server_hello_tls12.ts';
import { HandshakeType, NamedGroup, nameOf, SignatureScheme } from '../../src/registry.ts';
import { byteMutation, counterexample, mutateBytes } from '../helpers/mutation.ts';

function message<T>(
  type: HandshakeType,
  codec: Codec<T>,
  value: T,
): readonly [string, number, Codec<unknown>, Uint8Array] {
  return [nameOf(HandshakeType, type), type, codec as Codec<unknown>, encodeMessage(type, codec, value)];
}

const signature = new Uint8Array(70).fill(3);
const messages = [
  message(HandshakeType.server_hello, tls12ServerHello, {
    legacyVersion: 0x0303,
    random: new Uint8Array(32).fill(1),
    sessionId: new Uint8Array(32).fill(2),
    cipherSuite: 0xc02b,
    compressionMethod: 0,
    extensions: {
      types: [],
      unknown: [{ type: 35, data: new Uint8Array(0) }],
      serverName: true,
      certificateStatusRequest: true,
      sctList: Uint8Array.of(0, 4, 0, 2, 8, 9),
      namedGroups: [29],
      ecPointFormats: Uint8Array.of(0),
      protocol: Uint8Array.of(0x68, 0x32),
      extendedMasterSecret: true,
      renegotiationInfo: new Uint8Array(0),
    },
  }),
  message(HandshakeType.certificate, tls12Certificate, [new Uint8Array(50).fill(4), new Uint8Array(20).fill(5)]),
  message(HandshakeType.certificate_status, certificateStatus, new Uint8Array(30).fill(6)),
  message(HandshakeType.server_key_exchange, serverKeyExchange, {
    params: { group: NamedGroup.X25519, publicKey: new Uint8Array(32).fill(7) },
    scheme: SignatureScheme.ed25519,
    signature,
  }),
  message(HandshakeType.certificate_request, tls12CertificateRequest, {
    certificateTypes: Uint8Array.of(1, 64),
    signatureSchemes: [SignatureScheme.ed25519, SignatureScheme.rsa_pkcs1_sha256],
    certificateAuthorities: [Uint8Array.of(0x30, 0)],
  }),
  message(HandshakeType.client_key_exchange, clientKeyExchange, new Uint8Array(32).fill(8)),
] as const;

/** Nothing but a value or a refusal, and a value is worth the same when it is written again. */
function isParsed(type: HandshakeType, codec: Codec<unknown>, raw: Uint8Array): boolean {
  let value: unknown;
  try {
    value = parseBody('message', codec, { type, raw });
  } catch (error) {
    if (!(error instanceof TlsError) || error.detail.code !== 'InvalidMessage') throw error;
    return false;
  }
  const written = encodeMessage(type, codec, value);
  const again = encodeMessage(type, codec, parseBody('message', codec, { type, raw: written }));
  if (!equalBytes(again, written)) throw new Error('the value changes when it is written');
  return true;
}

describe.each(messages)('%s', (_name, type, codec, raw) => {
  test('is what was written', () => {
    expect(encodeMessage(type, codec, parseBody('message', codec, { type, raw }))).toEqual(raw);
  });

  test('is refused in part, and with something behind it', () => {
    // Of a ServerHello the extensions may be left out as a whole.
    const shortest = type === HandshakeType.server_hello ? 4 + 2 + 32 + 33 + 2 + 1 : undefined;
    for (let length = 4; length < raw.length; length++) {
      expect(isParsed(type, codec, raw.subarray(0, length))).toBe(length === shortest);
    }
    expect(isParsed(type, codec, Uint8Array.of(...raw, 0))).toBe(false);
  });

  test('is refused or parsed, however it is mutated', () => {
    const mutations = fc.array(byteMutation, { minLength: 1, maxLength: 3 });
    expect(
      counterexample(
        fc.property(mutations, (changes) => {
          const mutated = changes.reduce(mutateBytes, raw);
          if (mutated.length >= 4) isParsed(type, codec, mutated);
        }),
        4000,
      ),
    ).toBeUndefined();
  });
});
