import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('./', import.meta.url));
// Tests run against the sources, so that one class is one class and coverage needs no maps.
const alias = [
  { find: /^@tyls\/testing$/, replacement: `${root}testing/src/index.ts` },
  { find: /^@tyls\/([^/]+)$/, replacement: `${root}packages/$1/src/index.ts` },
  { find: /^@tyls\/crypto-noble\/post-quantum$/, replacement: `${root}packages/crypto-noble/src/post_quantum.ts` },
  { find: /^@tyls\/([^/]+)\/(.+)$/, replacement: `${root}packages/$1/src/$2.ts` },
];
const packages = [
  'tls-core',
  'crypto-noble',
  'crypto-webcrypto',
  'crypto-node',
  'webpki',
  'webpki-roots',
  'tls-node',
  'tls-cli',
];

export default defineConfig({
  test: {
    projects: [
      ...packages.map((name) => ({ name, folder: `packages/${name}` })),
      { name: 'testing', folder: 'testing' },
      { name: 'bench', folder: 'bench' },
      { name: 'scripts', folder: 'scripts' },
    ].map(({ name, folder }) => ({
      resolve: { alias },
      test: {
        name,
        root: folder,
        include: ['test/**/*.test.{ts,mjs}'],
        setupFiles: [`${root}testing/src/byte_equality.ts`],
        environment: 'node' as const,
        // Long enough for a machine that is busy with other things; what hangs still fails.
        testTimeout: 30_000,
        hookTimeout: 30_000,
      },
    })),
    coverage: { provider: 'v8', include: ['packages/*/src/**'] },
  },
});
