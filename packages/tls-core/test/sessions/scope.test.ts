import { nodeProvider } from '@tyls/crypto-node';
import { describe, expect, it } from 'vitest';
import { asciiBytes, hex } from '../../src/codec/bytes.ts';
import { parseServerName, type ServerName } from '../../src/server_name.ts';
import { policyDigest, serverScope } from '../../src/sessions/scope.ts';

const provider = nodeProvider();
const known = (...policyId: number[]): { readonly policyId: Uint8Array } => ({ policyId: Uint8Array.from(policyId) });

describe('the digest of policies', () => {
  it('is the same for what says the same of itself', () => {
    expect(policyDigest(provider, [known(1), undefined])).toEqual(policyDigest(provider, [known(1), undefined]));
  });

  it('is another for another policy, another place, or one policy less', () => {
    const digests = [[known(1)], [known(2)], [known(1), undefined], [undefined, known(1)], [known(1), known(1)], []];
    const different = new Set(digests.map((policies) => policyDigest(provider, policies).join()));
    expect(different.size).toBe(digests.length);
  });

  it('knows one that says nothing by itself alone', () => {
    const silent = {};
    expect(policyDigest(provider, [silent])).toEqual(policyDigest(provider, [silent]));
    expect(policyDigest(provider, [silent])).not.toEqual(policyDigest(provider, [{}]));
  });
});

describe('the scope of a session', () => {
  const scopeOf = (name: ServerName, ...policyId: number[]): string =>
    hex(serverScope({ provider, policies: () => policyDigest(provider, [known(...policyId)]) }, name));
  const [a, b] = [parseServerName('a.test'), parseServerName('b.test')];

  it('is another for another server or another policy', () => {
    expect(scopeOf(a, 1)).toBe(scopeOf(parseServerName('A.test.'), 1));
    expect(new Set([scopeOf(a, 1), scopeOf(b, 1), scopeOf(a, 2)]).size).toBe(3);
  });

  it('is that of an address, however it is written, and not that of a text', () => {
    expect(scopeOf(parseServerName('::1'), 1)).toBe(scopeOf(parseServerName('[0:0::0:1]'), 1));
    const address = Uint8Array.of(10, 0, 0, 1);
    const named = [
      { type: 'ip', name: 'database', address },
      { type: 'ip', name: 'database', address: Uint8Array.of(10, 0, 0, 2) },
      { type: 'dns', name: 'database' },
      { type: 'ip', name: 'a.test', address: asciiBytes('a.test') },
      a,
    ] as const;
    expect(new Set(named.map((name) => scopeOf(name, 1))).size).toBe(named.length);
  });
});
