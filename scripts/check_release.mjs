// Checks that a release would be right: every package packs with what it needs and nothing else, and would be published
// as it stands; and, in a throw-away copy, that a changeset for one package bumps that package and those that depend on
// it, no others.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npm, npmResult, packages, root } from './workspace.mjs';

for (const { folder, manifest } of packages) {
  checkTarball(folder, manifest);
  checkPublication(folder, manifest);
}

const copy = realpathSync(mkdtempSync(join(tmpdir(), 'tyls-release-')));
try {
  const folders = [...packages.map(({ folder }) => relative(root, folder)), 'testing', 'demo'];
  for (const path of ['package.json', '.changeset', ...folders.map((folder) => join(folder, 'package.json'))]) {
    cpSync(join(root, path), join(copy, path), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction');
  git('init', '--quiet', '--initial-branch=main');
  git('config', 'user.name', 'release check');
  git('config', 'user.email', 'release@check.invalid');
  commit();
  changesetVersion();
  for (const name of readdirSync(join(copy, '.changeset'))) {
    assert.ok(['README.md', 'config.json'].includes(name), `${name} was not used up by changeset version`);
  }
  commit();
  for (const { manifest } of packages) checkBump(manifest.name);
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(
  `release: ${packages.length} packages pack and would be published, and each is bumped with its dependents only`,
);

function checkTarball(folder, manifest) {
  const { name } = manifest;
  const [tarball] = JSON.parse(npm(['pack', '--dry-run', '--json'], folder));
  const files = tarball.files.map(({ path }) => path);
  const targets = [...Object.values(manifest.exports), ...Object.values(manifest.bin ?? {})]
    .flatMap((target) => (typeof target === 'string' ? target : Object.values(target)))
    .map((path) => path.replace(/^\.\//, ''));
  for (const path of [...targets, 'LICENSE-APACHE', 'LICENSE-ISC', 'LICENSE-MIT']) {
    assert.ok(files.includes(path), `${name}: ${path} is missing in the tarball`);
  }
  const stray = files.filter(
    (path) => !/^(dist|src)\/.*\.(js|ts|map)$|^LICENSE-|^(package\.json|README\.md|CHANGELOG\.md)$/.test(path),
  );
  assert.deepEqual(stray, [], `${name}: does not belong in the tarball`);
  assert.equal(manifest.license, 'Apache-2.0 OR ISC OR MIT', `${name}: license`);
  assert.equal(manifest.publishConfig.access, 'public', `${name}: publishConfig.access`);
  assert.equal(manifest.type, 'module', `${name}: type`);
}

/** A dry run; npm corrects, with a mere warning, what it does not like in a package.json, and may remove it. */
function checkPublication(folder, { name }) {
  const { status, stderr } = npmResult(['publish', '--dry-run', '--loglevel=warn'], folder);
  assert.equal(status, 0, `${name} cannot be published: ${stderr}`);
  assert.doesNotMatch(stderr, /auto-corrected/, `${name} would not be published as it stands: ${stderr}`);
}

function checkBump(name) {
  const before = versions();
  writeFileSync(join(copy, '.changeset/one.md'), `---\n'${name}': minor\n---\n\nA change.\n`);
  changesetVersion();
  const after = versions();
  const bumped = [...after.keys()].filter((other) => after.get(other) !== before.get(other));
  const dependents = dependentsOf(name);
  assert.ok(bumped.includes(name), `${name} was not bumped by its own changeset`);
  for (const other of bumped) {
    assert.ok(other === name || dependents.has(other), `a changeset for ${name} bumped ${other}`);
  }
  git('reset', '--quiet', '--hard');
  git('clean', '--quiet', '--force', '-d', 'packages', '.changeset');
}

/** Those that depend on `name`, directly or through others. */
function dependentsOf(name) {
  const found = new Set();
  const visit = (target) => {
    for (const { manifest } of packages) {
      const uses = { ...manifest.dependencies, ...manifest.peerDependencies };
      if (uses[target] === undefined || found.has(manifest.name)) continue;
      found.add(manifest.name);
      visit(manifest.name);
    }
  };
  visit(name);
  return found;
}

function versions() {
  return new Map(
    readdirSync(join(copy, 'packages')).map((folder) => {
      const { name, version } = JSON.parse(readFileSync(join(copy, 'packages', folder, 'package.json'), 'utf8'));
      return [name, version];
    }),
  );
}

function changesetVersion() {
  const script = fileURLToPath(new URL('../node_modules/@changesets/cli/bin.js', import.meta.url));
  execFileSync(process.execPath, [script, 'version'], { cwd: copy, stdio: ['ignore', 'ignore', 'inherit'] });
}

function commit() {
  git('add', '--all', 'package.json', '.changeset', 'packages', 'testing', 'demo');
  git('commit', '--quiet', '--allow-empty', '--message', 'Release');
}

function git(...args) {
  execFileSync('git', args, { cwd: copy, stdio: ['ignore', 'ignore', 'inherit'] });
}
