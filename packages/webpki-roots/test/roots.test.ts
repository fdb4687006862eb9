import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { nodeProvider } from '@tyls/crypto-node';
import { DerReader, derEncode, DerTag } from '@tyls/tls-core/der';
import { createCa } from '@tyls/testing';
import { certificatesFromPem, describeName, serverCertVerifier, trustAnchorFromCertificate } from '@tyls/webpki';
import { webpkiRoots } from '@tyls/webpki-roots';
import { build } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';
import { generate } from '../scripts/generate.mjs';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const spkiOf = (content: Uint8Array): Uint8Array => derEncode(DerTag.sequence, content);

test('there are 121 roots, decoded once', () => {
  expect(webpkiRoots()).toHaveLength(121);
  expect(webpkiRoots()).toBe(webpkiRoots());
});

test('each is what the hashes of the generator say, the keys by another parser', () => {
  const hashes = webpkiRoots().map(
    ({ subject, subjectPublicKeyInfo }) => `${sha256(subject)} ${sha256(spkiOf(subjectPublicKeyInfo))}`,
  );
  const expected = readFileSync(new URL('roots.sha256', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
  expect(hashes).toEqual(expected);
  expect(new Set(hashes).size).toBe(121);
});

test('each has a name and a key that can be read, and is among the algorithms of a provider', () => {
  const { algorithms } = nodeProvider().signatureVerification;
  const keyAlgorithms = new Set(algorithms.map(({ publicKeyAlgorithm }) => sha256(publicKeyAlgorithm)));
  for (const { subject, subjectPublicKeyInfo } of webpkiRoots()) {
    expect(describeName(subject)).toMatch(/(CN|O|OU)=/);
    expect(() =>
      createPublicKey({ key: Buffer.from(spkiOf(subjectPublicKeyInfo)), format: 'der', type: 'spki' }),
    ).not.toThrow();
    const key = new DerReader(subjectPublicKeyInfo, (what) => new Error(what));
    expect(keyAlgorithms).toContain(sha256(key.read(DerTag.sequence)));
  }
});

test('they agree with the roots of the Node that runs this, of which most are the same', () => {
  const own = new Map(webpkiRoots().map((anchor) => [sha256(anchor.subjectPublicKeyInfo), anchor]));
  const shared = certificatesFromPem(rootCertificates.join('\n'))
    .map((der) => {
      const { certificate: _, ...anchor } = trustAnchorFromCertificate(der);
      return anchor;
    })
    .filter((anchor) => own.has(sha256(anchor.subjectPublicKeyInfo)));
  expect(shared.length).toBeGreaterThan(90);
  for (const anchor of shared) expect(own.get(sha256(anchor.subjectPublicKeyInfo))).toEqual(anchor);
});

test('a verifier takes them, and a CA of our own is not among them', async () => {
  const verifier = serverCertVerifier({ roots: webpkiRoots(), provider: nodeProvider() });
  const { certificate } = await (await createCa()).issue({ names: ['a.test'] });
  const serverName = { type: 'dns', name: 'a.test' } as const;
  const sent = { endEntity: certificate, intermediates: [], serverName, ocspResponse: undefined, now: Date.now() };
  expect(() => verifier.verifyServerCert(sent)).toThrow(/issuer is unknown/);
});

test('a bundle that imports them for nothing does not carry them', async () => {
  const bundled = async (use: string) => {
    const from = fileURLToPath(new URL('../src/index.ts', import.meta.url));
    const contents = `import { webpkiRoots } from ${JSON.stringify(from)};\n${use}`;
    const stdin = { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)) };
    const { outputFiles } = await build({ stdin, bundle: true, format: 'esm', write: false });
    return outputFiles[0]!.contents.length;
  };
  expect(await bundled('console.log(1)')).toBeLessThan(100);
  expect(await bundled('console.log(webpkiRoots())')).toBeGreaterThan(50_000);
});

describe('the generator', () => {
  let certificates: Uint8Array[];
  beforeAll(async () => {
    const constraints = { oid: '2.5.29.30', critical: true, value: Uint8Array.of(0x30, 2, 5, 0) };
    const cas = [
      await createCa({ name: 'b', notAfter: new Date('2051-06-07T00:00:00Z') }),
      await createCa({ name: 'a */ \n escaped' }),
      await createCa({ name: 'a', extensions: [constraints] }),
      await createCa({ name: 'a' }),
    ];
    certificates = cas.map(({ certificate }) => certificate);
  });

  test('gives the same output for the same roots in any order', () => {
    const once = generate(certificates, 'a test', '2026-01-02');
    expect(generate(certificates.toReversed(), 'a test', '2026-01-02')).toEqual(once);
    expect(generate([...certificates, ...certificates], 'a test', '2026-01-02')).toEqual(once);
  });

  test('says what the roots are and where they are from', () => {
    const { code } = generate(certificates, 'a test', '2026-01-02');
    expect(code).toContain('4 root certificates, from a test, read on 2026-01-02.');
    expect(code).toContain(`  // CN=b, until 2051-06-07\n  // ${sha256(certificates[0]!)}\n`);
    expect(code).toContain('  // CN=a */ \\0a escaped, until ');
  });

  test('keeps name constraints', () => {
    const { code } = generate(certificates, 'a test', '2026-01-02');
    expect(code.match(/ {4}'.*',\n/g)).toHaveLength(4 * 2 + 1);
    expect(code).toContain(`    '${Buffer.from([5, 0]).toString('base64').replace('=', '')}',\n`);
  });
});
