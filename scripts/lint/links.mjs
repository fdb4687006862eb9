/** Checks that what a Markdown file links to in this repository is there. */
import { dirname, join, normalize } from 'node:path/posix';

/** `[text](target)`, outside of code. */
const link = /`[^`]*`|\]\(([^)\s]+)\)/g;

/**
 * @param {string} file path from the root, with `/`
 * @param {string} text of the file
 * @param {(path: string) => boolean} exists whether there is a file or folder with that path from the root
 * @returns {{ file: string, line: number, message: string }[]}
 */
export function checkLinks(file, text, exists) {
  const findings = [];
  let isCode = false;
  for (const [index, content] of text.split('\n').entries()) {
    if (content.startsWith('```')) isCode = !isCode;
    if (isCode) continue;
    for (const [, target] of content.matchAll(link)) {
      // Elsewhere, or a heading of the same file.
      if (target === undefined || /^([a-z]+:|#)/.test(target)) continue;
      const path = normalize(join(dirname(file), target.replace(/#.*/, '')));
      if (!exists(path)) findings.push({ file, line: index + 1, message: `links to ${target}, which is not there` });
    }
  }
  return findings;
}

/**
 * Checks that each row of the table of features that says more than `no` links to a test.
 *
 * @param {string} file as in {@link checkLinks}, and so are the others
 * @param {string} text
 * @returns {{ file: string, line: number, message: string }[]}
 */
export function checkFeatures(file, text) {
  const lines = text.split('\n');
  const header = lines.findIndex((content) => /^\|\s*feature\s*\|/.test(content));
  if (header < 0) return [{ file, line: 1, message: 'has no table of features' }];
  const findings = [];
  for (let at = header + 2; lines[at]?.startsWith('|'); at++) {
    const [, feature, stands, shown] = lines[at].split('|').map((cell) => cell.trim());
    const isShown = /\]\((packages|testing)\/[^)]*(test|crypto_suite)/.test(shown);
    if (stands !== 'no' && !isShown) findings.push({ file, line: at + 1, message: `no test shows: ${feature}` });
  }
  return findings;
}
