/** How much a bundle grows by this package. */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

interface Bundled {
  readonly gzippedSize: number;
  /** What of this package is in it, by path. */
  readonly files: readonly string[];
}

async function bundled(code: string): Promise<Bundled> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: fileURLToPath(new URL('../src/', import.meta.url)) },
    external: ['@tyls/tls-core', '@tyls/tls-core/*'],
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    metafile: true,
  });
  const { inputs } = Object.values(metafile.outputs)[0]!;
  return {
    gzippedSize: gzipSync(outputFiles[0]!.contents, { level: 9 }).length,
    files: Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  };
}

async function gzippedSize(code: string): Promise<number> {
  return (await bundled(code)).gzippedSize;
}

test('all of it, minified and gzipped, is under 25 kB; what a client needs is under 18 kB', async () => {
  const all = await gzippedSize("export * from './index.ts'");
  const client = await gzippedSize("export { serverCertVerifier } from './index.ts'");
  console.log(`webpki, minified and gzipped: ${all} bytes; serverCertVerifier alone: ${client} bytes`);
  expect(all).toBeLessThan(25_000);
  expect(client).toBeLessThan(18_000);
});

test('what is not used is left out', async () => {
  expect(await gzippedSize("import './index.ts'")).toBeLessThan(300);
  const strict = await gzippedSize("export { strictPolicy } from './index.ts'");
  expect(await gzippedSize("export { defaultPolicy } from './index.ts'")).toBeLessThan(strict / 10);
});

test('a verifier of paths is without PEM, OCSP, timestamps and the lists, but for the names of their extensions', async () => {
  const others = /\/(pem|crl\/(?!distribution_point)\w+|ocsp\/\w+|sct\/\w+)\.ts$/;
  const path = await bundled("export { serverPathVerifier } from './index.ts'");
  expect(path.files.filter((file) => others.test(file))).toEqual([]);
  const all = await bundled("export * from './index.ts'");
  expect(all.files.filter((file) => others.test(file)).length).toBeGreaterThan(10);
});
