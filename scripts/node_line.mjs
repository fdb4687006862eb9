// Other Nodes than the running one: from npm, kept in node_modules/.cache.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm, root } from './workspace.mjs';

const oldest = [20, 19];

const isWindows = process.platform === 'win32';
// The package `node` fetches one of these in an install script; asking for it by name needs none.
const platform = isWindows ? 'win' : process.platform;
const name = `node-${platform === 'darwin' && process.arch === 'arm64' ? 'bin-' : ''}${platform}-${process.arch}`;

/** Where a Node of this release line is, or will be once it is fetched: the running one, or one from npm. */
export function pathOf(line) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major === line && (major > oldest[0] || minor >= oldest[1])) return process.execPath;
  return join(folderOf(line), 'node_modules', name, 'bin', isWindows ? 'node.exe' : 'node');
}

/** The same, fetched if it is not here: the newest of its line that npm has. */
export function nodeOf(line) {
  const path = pathOf(line);
  if (!existsSync(path)) {
    const folder = folderOf(line);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: { [name]: `${line}` } }));
    npm(['install', '--ignore-scripts', '--no-audit', '--no-fund'], folder);
  }
  return path;
}

function folderOf(line) {
  return join(root, 'node_modules/.cache/node', String(line));
}
