import { expect, test } from 'vitest';
import { checkPackage } from '../lint/imports.mjs';

/** @param {Record<string, string[]>} files what each imports; `type x` stands for `import type` */
function check(folder, files, manifest = {}) {
  const graph = new Map(
    Object.entries(files).map(([file, imports]) => [
      file,
      imports.map((entry, index) => ({
        specifier: entry.replace(/^type /, ''),
        typeOnly: entry.startsWith('type '),
        line: index + 1,
      })),
    ]),
  );
  return checkPackage(folder, graph, manifest).map(({ file, line, message }) => `${file}:${line}: ${message}`);
}

const core = { dependencies: { '@tyls/tls-core': '^0.1.0' } };

test('tls-core and webpki depend on nothing from others', () => {
  expect(
    check('tls-core', { 'src/a.ts': ['@noble/hashes/sha2.js'] }, { dependencies: { '@noble/hashes': '2' } }),
  ).toEqual([
    'package.json:1: tls-core must not depend on @noble/hashes',
    'src/a.ts:1: this package must not import @noble/hashes/sha2.js',
  ]);
  expect(check('webpki', { 'src/a.ts': ['@tyls/tls-core', '@tyls/tls-core/der', 'node:crypto'] }, core)).toEqual([
    'src/a.ts:3: this package must not import node:crypto',
  ]);
  expect(check('webpki', {}, { peerDependencies: { asn1js: '3' } })).toEqual([
    'package.json:1: webpki must not depend on asn1js',
  ]);
});

test('an import never runs up a floor between packages', () => {
  expect(check('tls-core', { 'src/verify.ts': ['type @tyls/webpki'] })).toEqual([
    'src/verify.ts:1: this package must not import @tyls/webpki',
  ]);
  expect(check('webpki', { 'src/a.ts': ['@tyls/webpki-roots'] }, core)).toEqual([
    'src/a.ts:1: this package must not import @tyls/webpki-roots',
  ]);
  expect(check('tls-node', { 'src/a.ts': ['@tyls/testing'] })).toEqual([
    'src/a.ts:1: this package must not import @tyls/testing',
  ]);
});

test('a provider takes from the core what its seam has, and types', () => {
  const imports = ['@tyls/tls-core/provider', '@tyls/tls-core/der', 'type @tyls/tls-core', '@tyls/tls-core'];
  expect(check('crypto-node', { 'src/a.ts': imports }, core)).toEqual([
    'src/a.ts:4: only the types of @tyls/tls-core: write import type { … }',
  ]);
});

test('what is imported is among the dependencies', () => {
  expect(check('crypto-noble', { 'src/a.ts': ['@noble/curves/nist.js', 'node:crypto'] }, core)).toEqual([
    'src/a.ts:1: @noble/curves is not among the dependencies in package.json',
    'src/a.ts:2: this package must not import node:crypto',
  ]);
  const manifest = { dependencies: { '@noble/curves': '2' } };
  expect(check('crypto-noble', { 'src/a.ts': ['@noble/curves/nist.js'] }, manifest)).toEqual([]);
});

test('@peculiar/webcrypto is loaded by its own entry point alone', () => {
  const files = { 'src/index.ts': ['@peculiar/webcrypto'], 'src/peculiar.ts': ['@peculiar/webcrypto'] };
  expect(check('crypto-webcrypto', files, { peerDependencies: { '@peculiar/webcrypto': '1' } })).toEqual([
    'src/index.ts:1: only src/peculiar.ts may import @peculiar/webcrypto',
  ]);
});

test('inside tls-core imports run downwards', () => {
  const files = {
    'src/index.ts': ['./client.ts', './registry.ts'],
    'src/client.ts': ['./handshake/client.ts'],
    'src/handshake/client.ts': ['../messages/hello.ts', 'type ../client.ts'],
    'src/messages/hello.ts': ['../codec/reader.ts', '../record/deframer.ts'],
    'src/codec/reader.ts': ['../registry.ts'],
    'src/record/deframer.ts': [],
    'src/registry.ts': [],
    'src/stray.ts': ['./registry.ts'],
  };
  expect(check('tls-core', files)).toEqual([
    'src/handshake/client.ts:2: imports run downwards only: src/client.ts is in a layer above',
    'src/messages/hello.ts:2: imports run downwards only: src/record/deframer.ts is in a layer above',
    'src/stray.ts:1: say in scripts/lint/imports.mjs to which layer src/stray.ts belongs',
    'src/handshake/client.ts:2: cycle: src/client.ts → src/handshake/client.ts → src/client.ts',
  ]);
});

test('no cycles, no import of index.ts, nothing from beside the sources', () => {
  const files = {
    'src/index.ts': ['./a.ts'],
    'src/a.ts': ['./b.ts', './index.ts', '../../tls-core/src/error.ts'],
    'src/b.ts': ['./c/d.ts'],
    'src/c/d.ts': ['type ../b.ts', './d.ts'],
  };
  expect(check('webpki', files)).toEqual([
    'src/a.ts:2: index.ts is for others: import the file that has it',
    "src/a.ts:3: ../../tls-core/src/error.ts is not in this package's sources",
    'src/c/d.ts:1: cycle: src/b.ts → src/c/d.ts → src/b.ts',
    'src/c/d.ts:2: cycle: src/c/d.ts → src/c/d.ts',
    'src/a.ts:2: cycle: src/index.ts → src/a.ts → src/index.ts',
  ]);
});

test('a package that the table does not know is refused', () => {
  expect(check('left-pad', {})).toEqual(['package.json:1: say in scripts/lint/imports.mjs what left-pad may import']);
});
