/** The published packages of this repository, and npm, for the scripts beside this one. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Absolute folder and package.json of each. */
export const packages = readdirSync(join(root, 'packages')).map((name) => {
  const folder = join(root, 'packages', name);
  return { folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) };
});

/** Runs the npm that runs this script, or the first in the path, and returns what it wrote to standard output. */
export function npm(args, cwd) {
  const own = process.env.npm_execpath;
  const [command, first] = own === undefined ? ['npm', []] : [process.execPath, [own]];
  return execFileSync(command, [...first, '--loglevel=error', '--foreground-scripts=false', ...args], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
}
