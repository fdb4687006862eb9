/** The extensions block of RFC 8446 section 4.2, and the extensions that several messages share. */
import { type Codec, opaque16, opaque8, struct, u16, vec } from '../codec/codec.ts';
import { type Reader } from '../codec/reader.ts';
import { TlsError } from '../error.ts';
import { ExtensionType, nameOf } from '../registry.ts';

/** An extension that the reader does not know in the message where it stands. */
export interface UnknownExtension {
  readonly type: ExtensionType;
  /** extension_data. */
  readonly data: Uint8Array;
}

/** Part of every extensions block that was read. */
export interface ExtensionBlock {
  /** The code points in the order they came, or in which they are to be written. */
  readonly types: readonly ExtensionType[];
  readonly unknown: readonly UnknownExtension[];
}

/** An extensions block of which nothing is known. */
export const rawExtensions: Codec<readonly UnknownExtension[]> = vec(2, struct({ type: u16, data: opaque16() }), true);

/**
 * To be spread into a block that is made, not read: nothing unknown, in the codec's order. As its last part, as
 * everywhere on the way of a handshake: what follows a spread takes V8 before version 12 (Node 20) 0.7 µs a property.
 */
export const onlyKnown: ExtensionBlock = { types: [], unknown: [] };

/** Which extensions a message can have: for each property of its block the code point and the codec. */
export type KnownExtensions<T extends ExtensionBlock> = {
  readonly [N in Exclude<keyof T, keyof ExtensionBlock>]-?: readonly [ExtensionType, Codec<NonNullable<T[N]>>];
};

/**
 * Extensions by name. Duplicates are refused (section 4.2), unknown ones kept. Written in the order of the block's `types`;
 * what it does not name follows, first `unknown`, then in the order of `known`, where pre_shared_key is to stand last
 * (section 4.2.11).
 */
export function extensions<T extends ExtensionBlock>(message: string, known: KnownExtensions<T>): Codec<T> {
  const entries = Object.entries(known) as [string, readonly [ExtensionType, Codec<unknown>]][];
  const byType = new Map(entries.map(([name, [type, codec]]) => [type, { name, codec }]));
  return {
    read(r) {
      const block = r.sub16();
      const types: ExtensionType[] = [];
      const unknown: UnknownExtension[] = [];
      const value: Record<string, unknown> = { types, unknown };
      const seen = new Set<ExtensionType>();
      while (block.remaining > 0) {
        const type = block.u16();
        if (seen.has(type)) {
          const what = `${message} (${nameOf(ExtensionType, type)})`;
          throw new TlsError({ code: 'InvalidMessage', reason: 'DuplicateExtension', what });
        }
        seen.add(type);
        types.push(type);
        const data = block.sub16();
        const entry = byType.get(type);
        if (entry === undefined) unknown.push({ type, data: data.rest() });
        else value[entry.name] = entry.codec.read(data);
        data.finish();
      }
      return value as never;
    },
    write(w, block) {
      const values = block as unknown as Readonly<Record<string, unknown>>;
      const order = new Set([...block.types, ...block.unknown.map(({ type }) => type), ...byType.keys()]);
      w.prefixed(2, () => {
        for (const type of order) {
          const entry = byType.get(type);
          const value = entry === undefined ? undefined : values[entry.name];
          if (entry !== undefined && value !== undefined) {
            w.u16(type).prefixed(2, () => entry.codec.write(w, value));
          } else {
            const other = block.unknown.find((one) => one.type === type);
            if (other !== undefined) w.u16(type).vec16(other.data);
          }
        }
      });
    },
  };
}

/**
 * Section 4.2: an answer may only have extensions that were asked for (unsupported_extension), and of those only the
 * ones that its message can have (illegal_parameter).
 */
export function checkSolicited(message: string, block: ExtensionBlock, offered: readonly ExtensionType[]): void {
  const unsolicited = block.types.find((type) => !offered.includes(type));
  if (unsolicited !== undefined) throw refusedExtension('UnsolicitedExtension', message, unsolicited);
  const misplaced = block.unknown[0];
  if (misplaced !== undefined) throw refusedExtension('DisallowedExtension', message, misplaced.type);
}

/** The error for an extension that nobody asked for, or that is known and has no place in this message. */
export function refusedExtension(
  reason: 'UnsolicitedExtension' | 'DisallowedExtension',
  message: string,
  type: ExtensionType,
): TlsError {
  return new TlsError({ code: 'PeerMisbehaved', reason, what: `${nameOf(ExtensionType, type)} in ${message}` });
}

/** Section 4.2.7. */
export const namedGroupList: Codec<readonly number[]> = vec(2, u16);

/** Sections 4.2.3 and 4.2.3 (signature_algorithms_cert). */
export const signatureSchemeList: Codec<readonly number[]> = vec(2, u16);

/** RFC 8879 section 3: `CertificateCompressionAlgorithm algorithms<2..2^8-2>`. */
export const compressionAlgorithmList: Codec<readonly number[]> = vec(1, u16);

/** RFC 7301 section 3.1: `ProtocolName protocol_name_list<2..2^16-1>`. */
export const protocolNameList: Codec<readonly Uint8Array[]> = vec(2, opaque8(1));

/** RFC 8449 section 4: in bytes, 64 or more. */
export const recordSizeLimit: Codec<number> = {
  read(r) {
    const limit = r.u16();
    if (limit < minRecordSizeLimit) throw r.error('InvalidRecordSizeLimit');
    return limit;
  },
  write: u16.write,
};
export const minRecordSizeLimit = 64;

/** Section 4.2.4: `DistinguishedName authorities<3..2^16-1>`. Each is a DER Name. */
export const distinguishedName: Codec<Uint8Array> = opaque16(1);
export const certificateAuthorities: Codec<readonly Uint8Array[]> = vec(2, distinguishedName);

/** Whatever is left: extensions that are recognized, but whose data is read later or never. */
export const anyData: Codec<Uint8Array> = {
  read: (r: Reader) => r.rest(),
  write: (w, data) => void w.bytes(data),
};
