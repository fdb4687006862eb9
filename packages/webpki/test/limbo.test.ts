/** x509-limbo's cases, judged against what rustls-webpki says of them. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { nodeProvider } from '@tyls/crypto-node';
import { isTlsError, parseServerName } from '@tyls/tls-core';
import { certificatesFromPem, parseCertificate, rootStore, verifyPath, verifyServerName } from '@tyls/webpki';
import { describe, expect, test } from 'vitest';
import { atOnce } from './craft.ts';

const folder = fileURLToPath(new URL('../../../../shared/vectors/x509-limbo/', import.meta.url));
const isPresent = existsSync(folder);
if (!isPresent) console.log(`limbo: skipped, ${folder} is not there`);

interface Case {
  readonly id: string;
  readonly features: readonly string[];
  readonly validation_kind: 'SERVER' | 'CLIENT';
  readonly validation_time: string | null;
  readonly trusted_certs: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly peer_certificate: string;
  readonly expected_result: 'SUCCESS' | 'FAILURE';
  readonly expected_peer_name: { readonly kind: string; readonly value: string } | null;
  readonly max_chain_depth: number | null;
  readonly crls: readonly string[];
}

type Verdict = 'SUCCESS' | 'FAILURE' | 'SKIPPED';

describe.skipIf(!isPresent)('x509-limbo', () => {
  const cases = isPresent ? readCases() : [];
  const rustlsVerdicts = isPresent ? readVerdicts() : new Map<string, Verdict>();

  const counts = new Map<string, string[]>();
  const count = (what: string, id: string): void => {
    counts.set(what, [...(counts.get(what) ?? []), id]);
  };

  test('accepts nothing that rustls-webpki refuses, and refuses only what is not built yet', () => {
    for (const one of cases) {
      const reference = rustlsVerdicts.get(one.id)!;
      const { verdict, code } = judge(one);
      const expected = reference === 'SKIPPED' ? one.expected_result : reference;
      if (one.max_chain_depth !== null) count('skipped: a maximum depth that is not an option', one.id);
      else if (one.crls.length > 0) count('skipped: revocation', one.id);
      else if (verdict === expected) count('ok', one.id);
      else if (verdict === 'SUCCESS') count('false-accept', one.id);
      else if (hasNameConstraints(one)) count('skipped: name constraints, so refused', one.id);
      else count('false-reject', `${one.id} ${code}`);
    }
    const number = (what: string): number =>
      [...counts].filter(([key]) => key.startsWith(what)).reduce((sum, [, ids]) => sum + ids.length, 0);
    for (const [what, ids] of counts)
      if (what !== 'ok') console.log(`limbo ${what}: ${ids.length}\n  ${ids.join('\n  ')}`);
    console.log(
      `limbo: ${number('ok')} ok, ${number('false-accept')} false-accept, ` +
        `${number('false-reject')} false-reject, ${number('skipped')} skipped`,
    );
    expect(counts.get('false-accept') ?? []).toEqual([]);
    expect(counts.get('false-reject') ?? []).toEqual([]);
  });
});

function judge(one: Case): { readonly verdict: Verdict; readonly code?: string } {
  const now = one.validation_time === null ? Date.now() : Date.parse(one.validation_time);
  try {
    const { endEntity } = atOnce(
      verifyPath({
        endEntity: certificatesFromPem(one.peer_certificate)[0]!,
        intermediates: one.untrusted_intermediates.flatMap((pem) => certificatesFromPem(pem)),
        roots: rootStore(one.trusted_certs.join('')),
        algorithms: nodeProvider().signatureVerification.algorithms,
        purpose: one.validation_kind === 'CLIENT' ? 'clientAuth' : 'serverAuth',
        now,
      }),
    );
    if (one.expected_peer_name !== null) verifyServerName(endEntity, parseServerName(one.expected_peer_name.value));
    return { verdict: 'SUCCESS' };
  } catch (error) {
    if (!isTlsError(error)) throw new Error(one.id, { cause: error });
    return { verdict: 'FAILURE', code: error.code };
  }
}

function hasNameConstraints(one: Case): boolean {
  const certificates = [...one.trusted_certs, ...one.untrusted_intermediates, one.peer_certificate];
  return certificates
    .flatMap((pem) => certificatesFromPem(pem))
    .some((der) => parseCertificate(der).extensions.nameConstraints !== undefined);
}

function readCases(): readonly Case[] {
  const text = gunzipSync(readFileSync(`${folder}limbo-core.json.gz`)).toString();
  return (JSON.parse(text) as { testcases: Case[] }).testcases;
}

function readVerdicts(): ReadonlyMap<string, Verdict> {
  const [, ...lines] = readFileSync(`${folder}peer-verdicts.tsv`, 'utf8').trim().split('\n');
  return new Map(lines.map((line) => line.split('\t')).map(([id, , rustls]) => [id!, rustls as Verdict]));
}
