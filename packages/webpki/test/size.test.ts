/** How much a bundle grows by this package. */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

async function gzippedSize(code: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: fileURLToPath(new URL('../src/', import.meta.url)) },
    external: ['@tyls/tls-core', '@tyls/tls-core/*'],
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  });
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
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
