/** `npm run lint`: the checks of this folder over every project of the repository. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPackage } from './imports.mjs';
import { checkFeatures, checkLinks } from './links.mjs';
import { importsOf, openProjects } from './project.mjs';
import { checkSteps } from './steps.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path) => readFileSync(join(root, path), 'utf8');
const json = (path) => JSON.parse(read(path));

const tests = join(root, 'tsconfig.test.json');
const configs = [...json('tsconfig.json').references.map(({ path }) => join(root, path, 'tsconfig.json')), tests];
const findings = [];
for (const project of openProjects(root, configs)) {
  const files = project.rootFiles.map((file) => resolve(file));
  // A type that cannot be found is `any`, and about that nothing can be said.
  for (const { fileName, text } of project.program.getSemanticDiagnostics()) {
    findings.push({ file: fileName ?? project.configFileName, line: 1, message: `does not compile: ${text}` });
  }
  // A test that knows its provider to be synchronous waits for nothing, and says so with `void` or a cast.
  findings.push(...checkSteps(project, files, { answers: resolve(project.configFileName) !== tests }));

  const folder = dirname(resolve(project.configFileName));
  if (basename(dirname(folder)) !== 'packages') continue;
  const imports = new Map(
    files.map((file) => [relative(folder, file).split(sep).join('/'), importsOf(project.program.getSourceFile(file))]),
  );
  for (const finding of checkPackage(basename(folder), imports, json(join(relative(root, folder), 'package.json')))) {
    findings.push({ ...finding, file: join(folder, finding.file) });
  }
}

const markdown = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' }).trimEnd().split('\n');
const documents = [
  ...markdown.flatMap((path) => checkLinks(path, read(path), (target) => existsSync(join(root, target)))),
  ...checkFeatures('README.md', read('README.md')),
];
findings.push(...documents.map((finding) => ({ ...finding, file: join(root, finding.file) })));

for (const { file, line, message } of findings) console.error(`${relative(root, file)}:${line}: ${message}`);
console.log(
  `steps, imports and links: ${findings.length === 0 ? 'nothing to report' : `${findings.length} to correct`}`,
);
process.exit(findings.length === 0 ? 0 : 1);
