/** Counts the byte arrays that JavaScript makes, and the bytes that it copies from one into another. */

export interface ArrayCount {
  /** Arrays with memory of their own. */
  readonly made: number;
  /** Bytes copied by `set` and `slice`. */
  readonly copied: number;
}

/**
 * Puts a `Uint8Array` that counts in the place of the global one. Node's own modules keep theirs.
 *
 * @returns what tells how much it was until now
 */
export function countArrays(): () => ArrayCount {
  let made = 0;
  let copied = 0;
  const native = Uint8Array;
  // oxlint-disable-next-line typescript/unbound-method -- each is called with the `this` that it is called with
  const { set, slice } = native.prototype;
  native.prototype.set = function (source, offset) {
    copied += source.length;
    set.call(this, source, offset);
  };
  native.prototype.slice = function (start, end) {
    const result = slice.call(this, start, end);
    made++;
    copied += result.length;
    return result;
  };
  globalThis.Uint8Array = new Proxy(native, {
    construct(target, args: [unknown], newTarget) {
      // A view of a buffer makes none.
      if (!(args[0] instanceof ArrayBuffer)) made++;
      return Reflect.construct(target, args, newTarget) as Uint8Array;
    },
  });
  return () => ({ made, copied });
}
