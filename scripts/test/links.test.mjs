import { expect, test } from 'vitest';
import { checkFeatures, checkLinks } from '../lint/links.mjs';

const there = new Set(['LICENSE', 'packages/a/test', 'packages/a/README.md']);
const messages = (findings) => findings.map(({ file, line, message }) => `${file}:${line}: ${message}`);
const links = (text, file = 'README.md') => messages(checkLinks(file, text, (path) => there.has(path)));

test('links lead to what is there', () => {
  expect(links('[a](packages/a/test)\n[b](packages/b/test), [c](LICENCE)')).toEqual([
    'README.md:2: links to packages/b/test, which is not there',
    'README.md:2: links to LICENCE, which is not there',
  ]);
});

test('links are read from the folder of their file, and without the heading', () => {
  expect(links('[licence](../../LICENSE) [test](test#more) [none](LICENSE)', 'packages/a/README.md')).toEqual([
    'packages/a/README.md:1: links to LICENSE, which is not there',
  ]);
});

test('links elsewhere, headings and code are passed over', () => {
  expect(links('[a](https://example.org/x) [b](#c) `[d](e)`\n```js\nf[g](h)\n```\n[i](j)')).toEqual([
    'README.md:5: links to j, which is not there',
  ]);
});

const table = (...rows) => ['# x', '| feature | | shown by |', '| --- | --- | --- |', ...rows, ''].join('\n');
const features = (text) => messages(checkFeatures('README.md', text));

test('every feature that there is links to a test', () => {
  expect(
    features(
      table(
        '| A | yes | [a](packages/a/test/a.test.ts) |',
        '| B | yes | |',
        '| C | when asked for | [c](packages/c/src/c.ts) |',
        '| D | no | |',
      ),
    ),
  ).toEqual(['README.md:5: no test shows: B', 'README.md:6: no test shows: C']);
  expect(features('# x')).toEqual(['README.md:1: has no table of features']);
});
