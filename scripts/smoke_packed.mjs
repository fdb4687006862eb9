// Packs every package, installs the tarballs in a project of their own, and runs testing/packed/smoke.mjs there on each
// release line of Node that is supported. Other Nodes come from npm and are kept in node_modules/.cache.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { npm, packages, root } from './workspace.mjs';

const lines = [20, 22, 24, 26];
const oldest = [20, 19];
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const project = realpathSync(mkdtempSync(join(tmpdir(), 'tyls-packed-')));
let failed = 0;
try {
  const dependencies = { '@peculiar/webcrypto': devDependencies['@peculiar/webcrypto'] };
  for (const { folder, manifest } of packages) {
    const [{ filename }] = JSON.parse(npm(['pack', '--json', '--pack-destination', project], folder));
    dependencies[manifest.name] = `file:./${filename}`;
  }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }));
  npm(['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'], project);
  copyFileSync(join(root, 'testing/packed/smoke.mjs'), join(project, 'smoke.mjs'));
  await writeCertificates();

  for (const line of lines) {
    try {
      execFileSync(nodeOf(line), ['smoke.mjs'], { cwd: project, stdio: 'inherit', timeout: 120_000 });
    } catch (error) {
      failed++;
      console.error(`Node ${line}: ${error.message}`);
    }
  }
} finally {
  rmSync(project, { recursive: true, force: true });
}
console.log(`packed: ${lines.length - failed} of ${lines.length} Nodes`);
process.exitCode = failed === 0 ? 0 : 1;

/** A server's, and the root that issued it: the packed packages have nothing to make them with. */
async function writeCertificates() {
  const { createCa } = await import('../testing/dist/index.js');
  const ca = await createCa();
  const server = await ca.issue({ names: ['localhost'] });
  writeFileSync(join(project, 'ca.pem'), ca.certificatePem);
  writeFileSync(join(project, 'server.pem'), server.chainPem);
  writeFileSync(join(project, 'server.key'), server.privateKeyPem);
}

/** Path of a Node of this release line: the running one, or the newest that npm has. */
function nodeOf(line) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major === line && (major > oldest[0] || minor >= oldest[1])) return process.execPath;
  const folder = join(root, 'node_modules/.cache/node', String(line));
  // The package `node` fetches one of these in an install script; asking for it by name needs none.
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform === 'darwin' && process.arch === 'arm64' ? 'bin-' : ''}${platform}-${process.arch}`;
  const path = join(folder, 'node_modules', name, 'bin', platform === 'win' ? 'node.exe' : 'node');
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: { [name]: `${line}` } }));
    npm(['install', '--ignore-scripts', '--no-audit', '--no-fund'], folder);
  }
  return path;
}
