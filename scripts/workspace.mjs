/** The published packages of this repository, and npm, for the scripts beside this one. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Absolute folder and package.json of each. */
export const packages = readdirSync(join(root, 'packages')).map((name) => {
  const folder = join(root, 'packages', name);
  return { folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) };
});

/** Runs the npm that runs this script, or the first in the path; its status and what it wrote. */
export function npmResult(args, cwd) {
  const own = process.env.npm_execpath;
  const [command, first] = own === undefined ? ['npm', []] : [process.execPath, [own]];
  return spawnSync(command, [...first, '--foreground-scripts=false', ...args], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
}

/** The same for a run that has to succeed; what it wrote to standard output. */
export function npm(args, cwd) {
  const { status, stdout, stderr, error } = npmResult(['--loglevel=error', ...args], cwd);
  if (status !== 0) throw error ?? new Error(`npm ${args[0]} failed: ${stderr}`);
  return stdout;
}
