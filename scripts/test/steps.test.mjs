import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { importsOf, openProjects } from '../lint/project.mjs';
import { checkSteps } from '../lint/steps.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const config = fileURLToPath(new URL('../lint/fixtures/tsconfig.json', import.meta.url));
const [project] = openProjects(root, [config]);
const fixture = (name) => project.rootFiles.find((file) => basename(file) === name);
const linesOf = (findings) => [...new Set(findings.map(({ line }) => line))];

test('the fixtures compile, so it is this check that finds the mistakes', () => {
  expect(project.program.getSemanticDiagnostics()).toEqual([]);
});

test('a step that is not run and an answer that is not waited for are found', () => {
  const file = fixture('steps_bad.ts');
  const flagged = readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, index) => (line.endsWith('// flagged') ? [index + 1] : []));
  expect(flagged.length).toBeGreaterThan(30);
  expect(linesOf(checkSteps(project, [file]))).toEqual(flagged);
});

test('right uses are left alone', () => {
  expect(checkSteps(project, [fixture('steps_good.ts')])).toEqual([]);
});

test('a file that is not in the project is an error, not a pass', () => {
  expect(() => checkSteps(project, [`${config}.ts`])).toThrow('not part of the project');
});

test('every form of import is read, and whether it is erased', () => {
  const imports = importsOf(project.program.getSourceFile(fixture('imports.ts')));
  expect(imports.map(({ specifier, typeOnly }) => `${typeOnly ? 'type ' : ''}${basename(specifier)}`)).toEqual([
    'steps_good.ts',
    'step.ts',
    'type step.ts',
    'steps_bad.ts',
    'steps_good.ts',
    'type steps_good.ts',
    'steps_good.ts',
    'type steps_bad.ts',
  ]);
});
