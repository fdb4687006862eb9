// Packs every package, installs the tarballs in a project of their own, and runs testing/packed/smoke.mjs there on each
// release line of Node that is supported. Other Nodes come from npm and are kept in node_modules/.cache.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeOf } from './node_line.mjs';
import { npm, packages, root } from './workspace.mjs';

const lines = [20, 22, 24, 26];
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const project = realpathSync(mkdtempSync(join(tmpdir(), 'tyls-packed-')));
let failed = 0;
try {
  // The optional ones that entry points of their own need.
  const optional = ['@noble/post-quantum', '@peculiar/webcrypto'];
  const dependencies = Object.fromEntries(optional.map((name) => [name, devDependencies[name]]));
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
