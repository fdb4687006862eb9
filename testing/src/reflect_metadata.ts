/**
 * The part of the Reflect metadata proposal that @peculiar/x509's dependency container asks for when it is loaded.
 * Import this before @peculiar/x509.
 */
const stores = new WeakMap<object, Map<unknown, unknown>>();

const reflect = Reflect as typeof Reflect & {
  getMetadata?: (key: unknown, target: object) => unknown;
  getOwnMetadata?: (key: unknown, target: object) => unknown;
  defineMetadata?: (key: unknown, value: unknown, target: object) => void;
};

reflect.getMetadata ??= (key, target) => {
  for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const store = stores.get(at);
    if (store?.has(key) === true) return store.get(key);
  }
  return undefined;
};
reflect.getOwnMetadata ??= (key, target) => stores.get(target)?.get(key);
reflect.defineMetadata ??= (key, value, target) => {
  const store = stores.get(target) ?? new Map<unknown, unknown>();
  stores.set(target, store.set(key, value));
};
