// `node scripts/run_on.mjs LINE ARGUMENTS…`: runs another release line of Node with these arguments. It is fetched if it
// is not here yet. Without arguments: prints where it is, and fails if it is not here.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { nodeOf, pathOf } from './node_line.mjs';

const [line, ...args] = process.argv.slice(2);
if (args.length === 0) {
  const path = pathOf(Number(line));
  if (existsSync(path)) console.log(path);
  process.exit(existsSync(path) ? 0 : 1);
}
const { status } = spawnSync(nodeOf(Number(line)), args, { stdio: 'inherit' });
process.exit(status ?? 1);
