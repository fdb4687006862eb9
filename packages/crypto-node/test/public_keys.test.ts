import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { type ImportKey, maxRememberedKeys, remembering } from '../src/public_keys.ts';

const key: KeyObject = generateKeyPairSync('ed25519').publicKey;
const bytes = (i: number): Uint8Array => Uint8Array.of(i >> 8, i);

describe('remembering', () => {
  it('imports a key once', () => {
    const importKey = vi.fn<ImportKey>(() => key);
    const remembered = remembering(importKey);
    expect(remembered(bytes(1))).toBe(key);
    expect(remembered(bytes(1))).toBe(key);
    expect(importKey).toHaveBeenCalledTimes(1);
  });

  it('forgets the key that was used longest ago, once there are too many', () => {
    const importKey = vi.fn<ImportKey>(() => key);
    const remembered = remembering(importKey);
    for (let i = 0; i < maxRememberedKeys; i++) remembered(bytes(i));
    remembered(bytes(0));
    remembered(bytes(maxRememberedKeys));
    importKey.mockClear();
    for (let i = 0; i <= maxRememberedKeys; i++) if (i !== 1) remembered(bytes(i));
    expect(importKey).not.toHaveBeenCalled();
    remembered(bytes(1));
    expect(importKey).toHaveBeenCalledTimes(1);
  });

  it('does not remember what is no key', () => {
    const importKey = vi.fn<ImportKey>(() => undefined);
    const remembered = remembering(importKey);
    expect([remembered(bytes(1)), remembered(bytes(1))]).toEqual([undefined, undefined]);
    expect(importKey).toHaveBeenCalledTimes(2);
  });
});
