/** What a program pays for in bytes: bundles by esbuild, minified and gzipped. The same on every machine. */
import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type Bench } from './bench.ts';
import { figureOf } from './figure.ts';

/** What no client on noble can be without, as noble has it. */
const nobleParts = `
  export { montgomery } from '@noble/curves/abstract/montgomery.js';
  export { p256 } from '@noble/curves/nist.js';
  export { chacha20poly1305 } from '@noble/ciphers/chacha.js';
  export { sha256, sha384 } from '@noble/hashes/sha2.js';
  export { hmac } from '@noble/hashes/hmac.js';`;

interface Bundle {
  readonly name: string;
  readonly code: string;
  /** In bytes: what it is meant to stay below. */
  readonly target: number;
  /** Without which it cannot be. */
  readonly floor?: string;
}

const core = `export { ClientConnection, clientConfig } from '@tyls/tls-core';`;
const minimalCore = `export { ClientConnection, minimalClientConfig } from '@tyls/tls-core';`;
const webpki = `export { serverCertVerifier } from '@tyls/webpki';`;
const noble = `export { nobleProvider } from '@tyls/crypto-noble';`;
const path = `export { serverPathVerifier } from '@tyls/webpki';`;
const nobleClient = `export { nobleTls13ClientProvider } from '@tyls/crypto-noble';`;

const bundles: readonly Bundle[] = [
  { name: 'bundle/core', code: core, target: 20_000 },
  { name: 'bundle/core-minimal', code: minimalCore, target: 20_000 },
  { name: 'bundle/webpki', code: `export * from '@tyls/webpki';`, target: 25_000 },
  { name: 'bundle/core-webpki', code: core + webpki, target: 45_000 },
  { name: 'bundle/client-noble', code: minimalCore + path + nobleClient, target: 45_000, floor: nobleParts },
  { name: 'bundle/client-noble/everything', code: core + webpki + noble, target: 45_000, floor: noble },
];

export const bundleSizes: Bench = {
  names: bundles.map(({ name }) => name),
  async run(_effort, wants) {
    const figures = [];
    for (const { name, code, target, floor } of bundles.filter((bundle) => wants(bundle.name))) {
      const peer = { name: 'its target', values: [target] };
      figures.push(
        figureOf(name, 'bytes', [await size(code)], peer, floor === undefined ? undefined : [await size(floor)]),
      );
    }
    return figures;
  },
};

/** Of what is left of the packages, in their built form, when only this is used. */
async function size(code: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: fileURLToPath(new URL('./', import.meta.url)) },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  });
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
}
