/** Bundles the shim from the sources, so that starting it reads one file: `node testing/bogo/build.mjs`. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** @param {string} outfile where the bundle goes */
export async function buildShim(outfile) {
  await build({
    entryPoints: [`${root}testing/bogo/src/main.ts`],
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'warning',
    plugins: [fromSources],
  });
}

/** The packages of this repository from their sources: nothing has to be built before. */
const fromSources = {
  name: 'from-sources',
  setup(bundle) {
    bundle.onResolve({ filter: /^@tyls\// }, ({ path }) => {
      const [, name, entry = 'index'] = path.split('/');
      return { path: `${root}packages/${name}/src/${entry.replaceAll('-', '_')}.ts` };
    });
  },
};

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildShim(`${root}testing/bogo/dist/shim.cjs`);
