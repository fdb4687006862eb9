/** Codecs: how a value is read and written, side by side, and combinators for plain structs and vectors. */
import { type Reader, type Writer } from './reader.ts';

/** Function properties, not methods, so that a codec with an extra field does not type-check. */
export interface Codec<T> {
  readonly read: (r: Reader) => T;
  readonly write: (w: Writer, value: T) => void;
}

type Value<C> = C extends Codec<infer T> ? T : never;

export const u8: Codec<number> = { read: (r) => r.u8(), write: (w, value) => void w.u8(value) };
export const u16: Codec<number> = { read: (r) => r.u16(), write: (w, value) => void w.u16(value) };
export const u32: Codec<number> = { read: (r) => r.u32(), write: (w, value) => void w.u32(value) };

/** `opaque x[length]` */
export function opaque(length: number): Codec<Uint8Array> {
  return { read: (r) => r.bytes(length), write: (w, value) => void w.bytes(value) };
}

/** `opaque x<min..max>`, `max` under 2^8 */
export function opaque8(min: number = 0, max: number = 255): Codec<Uint8Array> {
  return { read: (r) => r.vec8(min, max), write: (w, value) => void w.vec8(value) };
}

/** `opaque x<min..2^16-1>` */
export function opaque16(min: number = 0): Codec<Uint8Array> {
  return { read: (r) => r.vec16(min), write: (w, value) => void w.vec16(value) };
}

/** `T x<1..2^(8*size)-1>`, or from 0 on where `mayBeEmpty`. */
export function vec<T>(size: 1 | 2, item: Codec<T>, mayBeEmpty: boolean = false): Codec<readonly T[]> {
  return {
    read(r) {
      const items = r.sub(size === 1 ? r.u8() : r.u16());
      const values: T[] = [];
      while (items.remaining > 0) values.push(item.read(items));
      if (values.length === 0 && !mayBeEmpty) throw r.error('IllegalEmptyList');
      return values;
    },
    write(w, values) {
      w.prefixed(size, () => {
        for (const value of values) item.write(w, value);
      });
    },
  };
}

/** Nothing at all: extensions that say something just by being there. */
export const empty: Codec<true> = { read: () => true, write: () => {} };

// `any` because a struct's fields are of any type at all; the result's type is computed from them.
// oxlint-disable-next-line typescript/no-explicit-any
type Fields = Readonly<Record<string, Codec<any>>>;

/** A struct whose fields follow one another with no rule between them. */
export function struct<S extends Fields>(fields: S): Codec<{ readonly [K in keyof S]: Value<S[K]> }> {
  const entries = Object.entries(fields);
  return {
    read(r) {
      const value: Record<string, unknown> = {};
      for (const [name, field] of entries) value[name] = field.read(r);
      return value as never;
    },
    write(w, value) {
      for (const [name, field] of entries) field.write(w, value[name]);
    },
  };
}
