/** Finished, EndOfEarlyData, NewSessionTicket and KeyUpdate: RFC 8446 sections 4.4.4, 4.5, 4.6.1 and 4.6.3. */
import { type Codec, empty, opaque16, opaque8, struct, u32, u8 } from '../codec/codec.ts';
import { ExtensionType, KeyUpdateRequest } from '../registry.ts';
import { type ExtensionBlock, extensions } from './extension.ts';

/** `opaque verify_data[Hash.length]`: its length is checked where it is compared. */
export const finished: Codec<Uint8Array> = {
  read: (r) => r.rest(),
  write: (w, verifyData) => void w.bytes(verifyData),
};

/** Section 4.5. */
export const endOfEarlyData: Codec<true> = empty;

export interface NewSessionTicketExtensions extends ExtensionBlock {
  /** Section 4.2.10: max_early_data_size, in bytes. */
  readonly maxEarlyDataSize?: number | undefined;
}

export interface NewSessionTicket {
  readonly lifetimeSeconds: number;
  readonly ageAdd: number;
  readonly nonce: Uint8Array;
  readonly ticket: Uint8Array;
  readonly extensions: NewSessionTicketExtensions;
}

export const newSessionTicket: Codec<NewSessionTicket> = struct({
  lifetimeSeconds: u32,
  ageAdd: u32,
  nonce: opaque8(),
  ticket: opaque16(1),
  extensions: extensions<NewSessionTicketExtensions>('NewSessionTicket', {
    maxEarlyDataSize: [ExtensionType.early_data, u32],
  }),
});

export const keyUpdate: Codec<KeyUpdateRequest> = {
  read(r) {
    const request = r.u8();
    if (request > KeyUpdateRequest.update_requested) throw r.error('InvalidKeyUpdate');
    return request;
  },
  write: u8.write,
};
