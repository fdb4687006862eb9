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
import { expect, test } from 'vitest';

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
    .split('\n')
    .map((line) => line.split(' '));
  expect(hashes).toEqual(expected.map(([, subject, key]) => `${subject} ${key}`));
  expect(new Set(hashes).size).toBe(121);
  // Each certificate is named in the source, once and in this order.
  const source = readFileSync(new URL('../src/roots.ts', import.meta.url), 'utf8');
  expect(source.match(/(?<=^ {2}\/\/ )[0-9a-f]{64}$/gm)).toEqual(expected.map(([certificate]) => certificate));
});

test('what Mozilla enforces beside its list is in them, and enforced', () => {
  const limited = webpkiRoots().filter(
    ({ distrustAfter, nameConstraints }) => distrustAfter !== undefined || nameConstraints !== undefined,
  );
  const summary = limited.map(({ subject, distrustAfter, nameConstraints }) => [
    describeName(subject).replace(/.*CN=/, ''),
    distrustAfter === undefined ? undefined : new Date(distrustAfter).toISOString(),
    nameConstraints === undefined ? undefined : Buffer.from(nameConstraints).toString('latin1'),
  ]);
  expect(summary).toEqual([
    ['Izenpe.com', '2026-04-15T23:59:59.000Z', undefined],
    ['TUBITAK Kamu SM SSL Kok Sertifikasi - Surum 1', undefined, '\xa0\x07\x30\x05\x82\x03.tr'],
  ]);
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
  for (const anchor of shared) expect(own.get(sha256(anchor.subjectPublicKeyInfo))).toMatchObject(anchor);
});

test('a verifier takes them, and a CA of our own is not among them', async () => {
  const verifier = serverCertVerifier({ roots: webpkiRoots(), provider: nodeProvider() });
  const { certificate } = await (await createCa()).issue({ names: ['a.test'] });
  const serverName = { type: 'dns', name: 'a.test' } as const;
  const sent = {
    endEntity: certificate,
    intermediates: [],
    serverName,
    ocspResponse: undefined,
    sctList: undefined,
    now: Date.now(),
  };
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
