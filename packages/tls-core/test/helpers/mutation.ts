/** Mutations of bytes, messages and scripts: small numbers that are taken modulo whatever they are applied to. */
import * as fc from 'fast-check';
import { concat } from '../../src/codec/bytes.ts';
import { ContentType, HandshakeType } from '../../src/registry.ts';
import { type Item } from './recorded.ts';

/** How many cases of a property to run, of the 100 000 in CI; elsewhere a sample of them. */
function runs(inCi: number): number {
  return process.env['CI'] === undefined ? Math.ceil((inCi * 3) / 100) : inCi;
}

/**
 * Runs a property; `undefined` if it holds, else what it fails for.
 *
 * @param inCi as for {@link runs}
 */
export function counterexample<T>(property: fc.IProperty<T>, inCi: number): string | undefined {
  return fc.defaultReportMessage(fc.check(property, { numRuns: runs(inCi), includeErrorInReport: true }));
}

const byteKinds = ['flip', 'set', 'delete', 'insert', 'copy', 'truncate', 'replace'] as const;
const extensionKinds = ['drop', 'duplicate', 'swap', 'retype', 'data'] as const;
const itemKinds = ['drop', 'duplicate', 'swap', 'type', 'epoch', 'insert'] as const;

export interface ByteMutation {
  readonly kind: (typeof byteKinds)[number];
  readonly at: number;
  readonly length: number;
  readonly bytes: Uint8Array;
}

export type Mutation =
  | { readonly of: 'bytes'; readonly item: number; readonly fixLength: boolean; readonly bytes: ByteMutation }
  | {
      readonly of: 'extensions';
      readonly item: number;
      readonly kind: (typeof extensionKinds)[number];
      readonly at: number;
      readonly type: number;
      readonly bytes: ByteMutation;
    }
  | {
      readonly of: 'items';
      readonly item: number;
      readonly kind: (typeof itemKinds)[number];
      readonly other: number;
      readonly bytes: Uint8Array;
    };

const at = fc.nat(2000);
export const byteMutation: fc.Arbitrary<ByteMutation> = fc.record({
  kind: fc.constantFrom(...byteKinds),
  at,
  length: fc.oneof(fc.nat(4), fc.nat(40)),
  bytes: fc.oneof(
    fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0xff).map((byte) => Uint8Array.of(byte)),
    fc.uint8Array({ minLength: 1, maxLength: 40 }),
  ),
});

export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ of: fc.constant('bytes' as const), item: at, fixLength: fc.boolean(), bytes: byteMutation }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      of: fc.constant('extensions' as const),
      item: at,
      kind: fc.constantFrom(...extensionKinds),
      at,
      type: fc.oneof(fc.nat(60), fc.nat(0xffff)),
      bytes: byteMutation,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      of: fc.constant('items' as const),
      item: at,
      kind: fc.constantFrom(...itemKinds),
      other: at,
      bytes: fc.uint8Array({ maxLength: 10 }),
    }),
  },
);

export function mutateBytes(data: Uint8Array, { kind, at: place, length, bytes }: ByteMutation): Uint8Array {
  const from = place % (data.length + 1);
  const [before, after] = [data.subarray(0, from), data.subarray(from)];
  const rest = data.subarray(Math.min(from + length, data.length));
  switch (kind) {
    case 'flip':
      return from < data.length ? data.with(from, data[from]! ^ (1 << (length & 7))) : data;
    case 'set':
      return from < data.length ? data.with(from, bytes[0]!) : data;
    case 'delete':
      return concat([before, rest]);
    case 'insert':
      return concat([before, bytes, after]);
    case 'copy':
      return concat([before, data.subarray(from, from + length), after]);
    case 'truncate':
      return before.slice();
    case 'replace':
      return concat([before, bytes, rest]);
  }
}

/** The items, mutated in turn. */
export function mutateItems(items: readonly Item[], mutations: readonly Mutation[]): Item[] {
  const mutated = [...items];
  for (const change of mutations) {
    const index = change.item % Math.max(1, mutated.length);
    const item = mutated[index];
    if (item === undefined) continue;
    if (change.of === 'items') mutateList(mutated, index, item, change);
    else mutated[index] = { ...item, content: mutateContent(item, change) };
  }
  return mutated;
}

function mutateList(
  items: Item[],
  index: number,
  item: Item,
  { kind, other, bytes }: Mutation & { of: 'items' },
): void {
  switch (kind) {
    case 'drop':
      items.splice(index, 1);
      break;
    case 'duplicate':
      items.splice(other % (items.length + 1), 0, item);
      break;
    case 'swap':
      items[index] = items[other % items.length]!;
      items[other % items.length] = item;
      break;
    case 'type':
      items[index] = { ...item, type: ContentType.change_cipher_spec + (other % 4) };
      break;
    case 'epoch':
      items[index] = { ...item, epoch: other % 4 };
      break;
    case 'insert':
      items.splice(index, 0, { type: 20 + (other % 4), content: bytes, epoch: (other >> 2) % 4 });
  }
}

function mutateContent(item: Item, change: Exclude<Mutation, { of: 'items' }>): Uint8Array {
  const content =
    change.of === 'bytes' ? mutateBytes(item.content, change.bytes) : mutateExtensions(item.content, change);
  const isFixed = change.of === 'extensions' || change.fixLength;
  if (!isFixed || item.type !== ContentType.handshake || content.length < 4) return content;
  const length = content.length - 4;
  return concat([
    Uint8Array.of(item.content[0]!, length >> 16, (length >> 8) & 0xff, length & 0xff),
    content.subarray(4),
  ]);
}

/** Where the extensions block of a message begins; nowhere in most. */
function extensionsAt(message: Uint8Array): number | undefined {
  let place = 4;
  const skip = (size: 1 | 2): void => {
    place += size + (size === 1 ? message[place]! : (message[place]! << 8) | message[place + 1]!);
  };
  switch (message[0]) {
    case HandshakeType.client_hello:
      place += 34;
      skip(1);
      skip(2);
      skip(1);
      return place;
    case HandshakeType.server_hello:
      place += 34;
      skip(1);
      return place + 3;
    case HandshakeType.encrypted_extensions:
      return place;
    case HandshakeType.certificate_request:
      skip(1);
      return place;
    default:
      return undefined;
  }
}

/** Whole extensions, and what is in them, with all lengths right. */
function mutateExtensions(message: Uint8Array, change: Mutation & { of: 'extensions' }): Uint8Array {
  const start = extensionsAt(message);
  if (start === undefined || start + 2 > message.length) return message;
  const list: { type: number; data: Uint8Array }[] = [];
  for (let place = start + 2; place + 4 <= message.length;) {
    const length = (message[place + 2]! << 8) | message[place + 3]!;
    const type = (message[place]! << 8) | message[place + 1]!;
    list.push({ type, data: message.subarray(place + 4, place + 4 + length) });
    place += 4 + length;
  }
  const index = change.at % Math.max(1, list.length);
  const extension = list[index] ?? { type: change.type, data: change.bytes.bytes };
  switch (change.kind) {
    case 'drop':
      list.splice(index, 1);
      break;
    case 'duplicate':
      list.push(extension);
      break;
    case 'swap':
      list.splice(index, 1);
      list.push(extension);
      break;
    case 'retype':
      list[index] = { ...extension, type: change.type };
      break;
    case 'data':
      list[index] = { ...extension, data: mutateBytes(extension.data, change.bytes) };
  }
  const block = concat(
    list.flatMap(({ type, data }) => [
      Uint8Array.of(type >> 8, type & 0xff, (data.length >> 8) & 0xff, data.length & 0xff),
      data,
    ]),
  );
  return concat([message.subarray(0, start), Uint8Array.of((block.length >> 8) & 0xff, block.length & 0xff), block]);
}
