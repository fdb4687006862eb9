import { nodeProvider } from '@tyls/crypto-node';
import { describe, expect, it } from 'vitest';
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

it('is another scope for another server', () => {
  const policies = policyDigest(provider, [known(1)]);
  expect(serverScope(provider, policies, 'a.test')).toEqual(serverScope(provider, policies, 'a.test'));
  expect(serverScope(provider, policies, 'a.test')).not.toEqual(serverScope(provider, policies, 'b.test'));
  expect(serverScope(provider, policyDigest(provider, [known(2)]), 'a.test')).not.toEqual(
    serverScope(provider, policies, 'a.test'),
  );
});
