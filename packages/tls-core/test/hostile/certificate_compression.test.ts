/** What is refused of a peer's CompressedCertificate (RFC 8879): wrong lengths, bombs, and what nobody asked for. */
import { certificateCompression } from '@tyls/tls-node';
import { brotliCompressSync, deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import { type CertificateDecompressor } from '../../src/compression.ts';
import { AlertDescription, CertificateCompressionAlgorithm, ExtensionType, HandshakeType } from '../../src/registry.ts';
import { client, clientVerifier, identity, server } from './fixtures.ts';
import { clientWaitingFor, refusal, ScriptedClient, type ScriptedPeer, serverWaitingFor } from './scripted_peer.ts';
import { bytes, extensionBlock, handshake, u16, vec24, vec8 } from './wire.ts';

const { bad_certificate, decode_error, illegal_parameter, unexpected_message } = AlertDescription;
const { brotli, zlib, zstd } = CertificateCompressionAlgorithm;
const { compress_certificate } = ExtensionType;
const { certificate, compressed_certificate } = HandshakeType;

const [decompressor] = certificateCompression(['zlib']).certificateDecompressors;
/** What the decompressor was asked for, and gave. */
const asked: { readonly maxLength: number; readonly given: number | undefined }[] = [];
const certificateDecompressors: readonly CertificateDecompressor[] = [
  {
    algorithm: zlib,
    decompress: (compressed, maxLength) => {
      let given: number | undefined;
      try {
        const output = decompressor!.decompress(compressed, maxLength) as Uint8Array;
        given = output.length;
        return output;
      } finally {
        asked.push({ maxLength, given });
      }
    },
  },
];

/** Body of a Certificate message. */
const entry = concat([vec24(identity.certificates[0]!), extensionBlock([])]);
const body = concat([vec8(), vec24(entry)]);

function compressedCertificate(
  compressed: Uint8Array,
  { algorithm = zlib, length = body.length }: { readonly algorithm?: number; readonly length?: number } = {},
): Uint8Array {
  return handshake(compressed_certificate, concat([u16(algorithm), u24(length), vec24(compressed)]));
}

function u24(value: number): Uint8Array {
  return bytes(value >> 16, (value >> 8) & 0xff, value & 0xff);
}

const deflated = deflateSync(body);
const bomb = deflateSync(new Uint8Array(60_000_000));
/** As long as a message may be. */
const certificateOf = (length: number): Uint8Array => {
  const der = new Uint8Array(length - 1 - 3 - 3 - 2);
  return concat([vec8(), vec24(concat([vec24(der), extensionBlock([])]))]);
};

type Refusal = readonly [what: string, message: Uint8Array, code: string, alert: number];
const corrupt = 'PeerMisbehaved.InvalidCertCompression';
const refusals: readonly Refusal[] = [
  [
    'one byte more than it says',
    compressedCertificate(deflated, { length: body.length - 1 }),
    corrupt,
    bad_certificate,
  ],
  [
    'one byte less than it says',
    compressedCertificate(deflated, { length: body.length + 1 }),
    corrupt,
    bad_certificate,
  ],
  ['nothing, as it says', compressedCertificate(deflateSync(bytes()), { length: 0 }), corrupt, bad_certificate],
  ['60 MB, though it says a few', compressedCertificate(bomb), corrupt, bad_certificate],
  ['60 MB, though it says 64 KiB', compressedCertificate(bomb, { length: 65_536 }), corrupt, bad_certificate],
  ['what was cut short', compressedCertificate(deflated.subarray(0, -1)), corrupt, bad_certificate],
  ['bytes behind its end', compressedCertificate(concat([deflated, bytes(0)])), corrupt, bad_certificate],
  ['what is another algorithm', compressedCertificate(brotliCompressSync(body)), corrupt, bad_certificate],
  ['what is not compressed', compressedCertificate(body), corrupt, bad_certificate],
  [
    'the header of the message in it',
    compressedCertificate(deflateSync(handshake(certificate, body)), { length: body.length + 4 }),
    'InvalidMessage.CertificatePayloadTooLarge',
    bad_certificate,
  ],
  [
    'a message with bytes behind it',
    compressedCertificate(deflateSync(concat([body, bytes(0)])), { length: body.length + 1 }),
    'InvalidMessage.TrailingData',
    decode_error,
  ],
  [
    'a context',
    compressedCertificate(deflateSync(concat([vec8(bytes(1)), vec24(entry)])), { length: body.length + 1 }),
    'PeerMisbehaved.NonEmptyCertificateRequestContext',
    illegal_parameter,
  ],
  ['no data', compressedCertificate(bytes()), 'InvalidMessage.IllegalEmptyList', decode_error],
  ['no length', handshake(compressed_certificate, u16(zlib)), 'InvalidMessage.MissingData', decode_error],
  [
    'bytes behind the data',
    handshake(compressed_certificate, concat([u16(zlib), u24(body.length), vec24(deflated), bytes(0)])),
    'InvalidMessage.TrailingData',
    decode_error,
  ],
];
/** Refused before anything is decompressed. */
const unreadRefusals: readonly Refusal[] = [
  ...[0, brotli, zstd, 0x4001].map((algorithm): Refusal => [
    `an algorithm that was not offered, ${algorithm}`,
    compressedCertificate(deflated, { algorithm }),
    'PeerMisbehaved.SelectedUnofferedCertCompression',
    illegal_parameter,
  ]),
  ...[65_537, 0xff_ff_ff].map((length): Refusal => [
    `${length} bytes`,
    compressedCertificate(bomb, { length }),
    'InvalidMessage.CertificatePayloadTooLarge',
    bad_certificate,
  ]),
];

const ends = [
  [
    'a client',
    () => clientWaitingFor('Certificate or CertificateRequest', client({ certificateDecompressors })),
    () => clientWaitingFor('Certificate or CertificateRequest'),
  ],
  [
    'a client that is asked for its own',
    () => clientWaitingFor('Certificate', client({ certificateDecompressors })),
    () => clientWaitingFor('Certificate'),
  ],
  [
    'a server',
    () => serverWaitingFor('Certificate', server({ certificateDecompressors, clientVerifier })),
    () => serverWaitingFor('Certificate', server({ clientVerifier })),
  ],
] as const;

describe.each(ends)('%s', (_name, start, startWithout) => {
  it.each(refusals)('refuses of a CompressedCertificate %s', (_what, message, code, alert) => {
    asked.length = 0;
    const scripted = start();
    scripted.peer.send(message);
    expect(refusal(scripted)).toEqual([code, alert]);
    // Whatever was asked for, what was given is no more.
    for (const { maxLength, given = 0 } of asked) {
      expect(maxLength).toBeLessThanOrEqual(65_536);
      expect(given).toBeLessThanOrEqual(maxLength);
    }
  });

  it.each(unreadRefusals)(
    'refuses of a CompressedCertificate, without reading it, %s',
    (_what, message, code, alert) => {
      asked.length = 0;
      const scripted = start();
      scripted.peer.send(message);
      expect(refusal(scripted)).toEqual([code, alert]);
      expect(asked).toEqual([]);
    },
  );

  it('refuses one that it has not offered to read', () => {
    const scripted = startWithout();
    scripted.peer.send(compressedCertificate(deflated));
    expect(refusal(scripted)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });

  it('takes one of 64 KiB as far as it goes', () => {
    asked.length = 0;
    const scripted = start();
    const longest = certificateOf(65_536);
    scripted.peer.send(compressedCertificate(deflateSync(longest), { length: 65_536 }));
    expect(scripted.connection.error).toBeUndefined();
    expect(asked).toEqual([{ maxLength: 65_536, given: 65_536 }]);
    scripted.peer.send(scripted.peer.certificateVerify());
    expect(refusal(scripted)).toEqual(['InvalidCertificate.BadEncoding', bad_certificate]);
  });

  it('takes one as what it is without compression', () => {
    const scripted = start();
    const { peer }: { readonly peer: ScriptedPeer } = scripted;
    peer.send(compressedCertificate(deflated));
    peer.send(peer.certificateVerify());
    scripted.sendFinished();
    expect(scripted.connection.error).toBeUndefined();
    expect(scripted.connection.isHandshaking).toBe(false);
    expect(scripted.connection.peerCertificates).toEqual([identity.certificates[0]]);
  });

  it('refuses two certificates, one of them compressed', () => {
    const scripted = start();
    scripted.peer.send(compressedCertificate(deflated));
    scripted.peer.send(scripted.peer.certificate());
    expect(refusal(scripted)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });
});

const lists = [
  ['without algorithms', vec8(), 'InvalidMessage.IllegalEmptyList', decode_error],
  ['with half an algorithm', vec8(bytes(0)), 'InvalidMessage.MissingData', decode_error],
  ['cut short', bytes(2, 0), 'InvalidMessage.MissingData', decode_error],
  ['with bytes behind it', concat([vec8(u16(zlib)), bytes(0)]), 'InvalidMessage.TrailingData', decode_error],
] as const;

describe('compress_certificate is refused', () => {
  it.each(lists)('in a ClientHello %s', (_what, list, code, alert) => {
    const scripted = serverWaitingFor('ClientHello');
    scripted.sendClientHello({ append: [[compress_certificate, list]] });
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it.each(lists)('in a CertificateRequest %s', (_what, list, code, alert) => {
    const scripted = clientWaitingFor('Certificate or CertificateRequest');
    scripted.peer.send(scripted.certificateRequest({ append: [[compress_certificate, list]] }));
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it('in EncryptedExtensions, where it has no place', () => {
    const scripted = clientWaitingFor('EncryptedExtensions', client({ certificateDecompressors }));
    scripted.peer.send(scripted.encryptedExtensions([[compress_certificate, vec8(u16(zlib))]]));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.DisallowedExtension', illegal_parameter]);
  });
});

it('algorithms that nobody knows are passed over', () => {
  const { certificateCompressors } = certificateCompression(['zlib']);
  for (const [algorithms, type] of [
    [u16(0, 0xffff, zlib), compressed_certificate],
    [u16(0, 0xffff, brotli), certificate],
  ] as const) {
    const scripted = serverWaitingFor('ClientHello', server({ certificateCompressors }));
    scripted.sendClientHello({ append: [[compress_certificate, vec8(algorithms)]] });
    expect(scripted.peer.received.map((message) => message.type)).toContain(type);
  }
});

it.each([1, 2])('a server refuses %i algorithms that are offered twice', (count) => {
  const offered = [zlib, brotli].slice(0, count);
  const scripted = new ScriptedClient();
  scripted.sendClientHello({ append: [[compress_certificate, vec8(u16(...offered, ...offered))]] });
  expect(refusal(scripted)).toEqual(['PeerMisbehaved.OfferedDuplicateCertificateCompressions', illegal_parameter]);
});
