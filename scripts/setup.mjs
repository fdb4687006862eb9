// Run by prestart and pretest: installs what the lock file names if it changed since the last time, then builds.
// Needs only Node and npm.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1' };

function run(script, args) {
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: 'inherit', env });
  if (status !== 0) process.exit(status ?? 1);
}

const stamp = 'node_modules/.setup-stamp';
const wanted = createHash('sha256')
  .update(readFileSync('package-lock.json'))
  .update(process.platform + process.arch)
  .digest('hex');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  // npm_execpath: the npm that is running this script, also on Windows, where npm is a .cmd file.
  run(process.env.npm_execpath, ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund']);
  writeFileSync(stamp, wanted);
}
run('node_modules/turbo/bin/turbo', ['run', 'build', '--output-logs=errors-only']);
