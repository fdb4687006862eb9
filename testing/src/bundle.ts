/** Programs bundled from the sources, for tests that run them as processes of their own: nothing has to be built before. */
import { build, type Plugin } from 'esbuild';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packages = fileURLToPath(new URL('../../packages/', import.meta.url));

const sources: Plugin = {
  name: 'sources',
  setup(bundling) {
    bundling.onResolve({ filter: /^@tyls\// }, ({ path }) => {
      const [, name, entry = 'index'] = path.split('/');
      return { path: join(packages, name!, 'src', `${entry}.ts`) };
    });
  },
};

/**
 * Bundles each program into a file of its own that Node runs.
 *
 * @param programs paths of sources
 * @param folder where they go, with `.mjs` in place of `.ts`
 */
export async function bundle(programs: readonly string[], folder: string): Promise<void> {
  await build({
    entryPoints: [...programs],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    plugins: [sources],
    // commander is CommonJS inside.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
}
