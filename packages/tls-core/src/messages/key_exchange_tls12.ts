/** ServerKeyExchange and ClientKeyExchange of ECDHE, RFC 8422 sections 5.4 and 5.7; and ServerHelloDone. */
import { type Codec, empty, opaque16, opaque8, struct, u16 } from '../codec/codec.ts';
import { Writer } from '../codec/reader.ts';
import { ECCurveType, type NamedGroup, type SignatureScheme } from '../registry.ts';

export interface ServerEcdhParams {
  readonly group: NamedGroup;
  /** An ECPoint: as KeyShareEntry.key_exchange of TLS 1.3. */
  readonly publicKey: Uint8Array;
}

const serverEcdhParams: Codec<ServerEcdhParams> = {
  read(r) {
    // RFC 8422 section 5.4: curves that are spelled out are no longer used.
    if (r.u8() !== ECCurveType.named_curve) throw r.error('UnsupportedCurveType');
    return { group: r.u16(), publicKey: r.vec8(1) };
  },
  write: (w, { group, publicKey }) => void w.u8(ECCurveType.named_curve).u16(group).vec8(publicKey),
};

/** The bytes that are signed. They have one encoding, so these are the ones that came. */
export function encodeServerEcdhParams(params: ServerEcdhParams): Uint8Array {
  const w = new Writer();
  serverEcdhParams.write(w, params);
  return w.done();
}

export interface ServerKeyExchange {
  readonly params: ServerEcdhParams;
  readonly scheme: SignatureScheme;
  readonly signature: Uint8Array;
}

export const serverKeyExchange: Codec<ServerKeyExchange> = struct({
  params: serverEcdhParams,
  scheme: u16,
  signature: opaque16(),
});

/** The client's ECPoint. */
export const clientKeyExchange: Codec<Uint8Array> = opaque8(1);

export const serverHelloDone: Codec<true> = empty;
