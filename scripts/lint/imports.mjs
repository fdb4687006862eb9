/** Checks that imports never run up a floor: between packages, between the layers of tls-core, and in no cycle. */
import { dirname, join, normalize } from 'node:path/posix';

/**
 * What the sources of each package may import from outside. `type x` allows `import type` of `x` only, `x/*` all its
 * entry points. A package without a line here is refused.
 */
const provider = ['type @tyls/tls-core', '@tyls/tls-core/provider', '@tyls/tls-core/tls12', '@tyls/tls-core/der'];
const cryptoPackages = [
  '@tyls/crypto-node',
  '@tyls/crypto-noble',
  '@tyls/crypto-noble/*',
  '@tyls/crypto-webcrypto',
  '@tyls/crypto-webcrypto/*',
];
export const allowedImports = {
  'tls-core': [],
  webpki: ['@tyls/tls-core', '@tyls/tls-core/der'],
  'crypto-noble': [...provider, '@noble/*'],
  'crypto-webcrypto': [...provider, '@noble/hashes/*', '@peculiar/webcrypto'],
  'crypto-node': [...provider, 'node:crypto'],
  'webpki-roots': ['type @tyls/webpki'],
  'tls-node': ['@tyls/tls-core', '@tyls/tls-core/*', '@tyls/webpki', '@tyls/webpki-roots', ...cryptoPackages, 'node:*'],
  'tls-web': ['@tyls/tls-core', '@tyls/webpki'],
  'tls-cli': [
    '@tyls/tls-core',
    '@tyls/tls-core/*',
    '@tyls/webpki',
    '@tyls/webpki-roots',
    '@tyls/tls-node',
    ...cryptoPackages,
    'commander',
    'node:*',
  ],
};

/** What needs its own entry point, so that whoever does not ask for it does not load it. */
const onlyIn = { '@peculiar/webcrypto': 'src/peculiar.ts', '@noble/post-quantum': 'src/post_quantum.ts' };

/** The layers of tls-core from the ground up: a file imports from its own layer and from those below it. */
export const layers = [
  ['util/'],
  ['registry', 'error', 'server_name', 'codec/', 'step/'],
  ['messages/', 'crypto/'],
  ['record/', 'keys/', 'sessions/', 'verify', 'trace', 'compression'],
  ['config', 'certificate_resolver'],
  ['handshake/'],
  ['connection'],
  ['client', 'client_config', 'server'],
  ['index', 'provider', 'tls12', 'der'],
];

/**
 * @typedef {{ specifier: string, typeOnly: boolean, line: number }} Import `typeOnly`: `import type`, erased as a whole
 * @typedef {{ file: string, line: number, message: string }} Finding
 */

/**
 * @param {string} folder of the package under packages/
 * @param {ReadonlyMap<string, readonly Import[]>} files path in the package (`src/x.ts`) and what it imports
 * @param {Record<string, unknown>} manifest its package.json
 * @returns {Finding[]}
 */
export function checkPackage(folder, files, manifest) {
  const allowed = allowedImports[folder];
  if (allowed === undefined) {
    return [{ file: 'package.json', line: 1, message: `say in scripts/lint/imports.mjs what ${folder} may import` }];
  }
  const findings = [];
  const declared = { ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies };
  for (const name of Object.keys(declared)) {
    if (
      !allowed.some((entry) => packageOf(entry.replace(/^type /, '')) === name || entry === `${name.split('/')[0]}/*`)
    ) {
      findings.push({ file: 'package.json', line: 1, message: `${folder} must not depend on ${name}` });
    }
  }
  for (const [file, imports] of files) {
    for (const { specifier, typeOnly, line } of imports) {
      const message = specifier.startsWith('.')
        ? relativeComplaint(folder, file, specifier, files)
        : outsideComplaint(file, specifier, typeOnly, allowed, declared);
      if (message !== undefined) findings.push({ file, line, message });
    }
  }
  return [...findings, ...cycles(files)];
}

function relativeComplaint(folder, file, specifier, files) {
  const target = resolve(file, specifier);
  if (!files.has(target)) return `${specifier} is not in this package's sources`;
  if (target === 'src/index.ts') return 'index.ts is for others: import the file that has it';
  if (folder !== 'tls-core') return undefined;
  const [from, to] = [layerOf(file), layerOf(target)];
  if (from === -1) return `say in scripts/lint/imports.mjs to which layer ${file} belongs`;
  return to > from ? `imports run downwards only: ${target} is in a layer above` : undefined;
}

function outsideComplaint(file, specifier, typeOnly, allowed, declared) {
  const matches = (entry) => (entry.endsWith('*') ? specifier.startsWith(entry.slice(0, -1)) : specifier === entry);
  if (!allowed.some((entry) => matches(entry.replace(/^type /, ''))))
    return `this package must not import ${specifier}`;
  // `import { type X }` stays behind as `import {}`, and loads the module.
  if (!typeOnly && !allowed.some(matches)) return `only the types of ${specifier}: write import type { … }`;
  const place = onlyIn[packageOf(specifier)];
  if (place !== undefined && place !== file) return `only ${place} may import ${specifier}`;
  if (!specifier.startsWith('node:') && declared[packageOf(specifier)] === undefined) {
    return `${packageOf(specifier)} is not among the dependencies in package.json`;
  }
  return undefined;
}

/** One finding for each cycle that a search from the top meets. Types count: what is in a cycle cannot be read alone. */
function cycles(files) {
  const findings = [];
  const done = new Set();
  const path = [];
  const visit = (file) => {
    path.push(file);
    for (const { specifier, line } of files.get(file) ?? []) {
      const target = specifier.startsWith('.') ? resolve(file, specifier) : undefined;
      if (target === undefined || !files.has(target) || done.has(target)) continue;
      const start = path.indexOf(target);
      if (start === -1) visit(target);
      else findings.push({ file, line, message: `cycle: ${[...path.slice(start), target].join(' → ')}` });
    }
    path.pop();
    done.add(file);
  };
  for (const file of files.keys()) if (!done.has(file)) visit(file);
  return findings;
}

const resolve = (file, specifier) => normalize(join(dirname(file), specifier));

const packageOf = (specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');

const layerOf = (file) => {
  const name = file.slice('src/'.length);
  return layers.findIndex((entries) =>
    entries.some((entry) => (entry.endsWith('/') ? name.startsWith(entry) : name === `${entry}.ts`)),
  );
};
