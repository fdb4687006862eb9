// Run by scripts/smoke_packed.mjs in a project that has the packed packages installed, on several versions of Node.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const scope = new URL('node_modules/@tyls/', import.meta.url);
const manifests = readdirSync(scope).map((name) =>
  JSON.parse(readFileSync(new URL(`${name}/package.json`, scope), 'utf8')),
);

const steps = [
  ['every entry point has exports, by import and by require', entryPoints],
  ['the core has its names', coreNames],
];

async function main() {
  let failed = 0;
  for (const [name, run] of steps) {
    try {
      await run();
    } catch (error) {
      failed++;
      console.error(`Node ${process.version}: ${name}:`, error);
    }
  }
  console.log(`Node ${process.version}: ${steps.length - failed} of ${steps.length} steps`);
  process.exitCode = failed === 0 ? 0 : 1;
}

async function entryPoints() {
  for (const { name, exports } of manifests) {
    for (const entry of Object.keys(exports)) {
      if (entry === './package.json') continue;
      const specifier = name + entry.slice(1);
      const names = Object.keys(await import(specifier));
      assert.notEqual(names.length, 0, `${specifier} exports nothing`);
      // From 20.19 on a module without top-level await can be required too.
      for (const each of names) assert.ok(each in require(specifier), `require('${specifier}') lacks ${each}`);
    }
  }
}

async function coreNames() {
  const core = await import('@tyls/tls-core');
  assert.equal(typeof core.TlsError, 'function');
  assert.equal(core.CipherSuite.TLS_AES_128_GCM_SHA256, 0x1301);
}

await main();
