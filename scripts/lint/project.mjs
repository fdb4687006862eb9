/** The compiler's view of a project, by the programming interface that comes with TypeScript 7 (its version is pinned). */
import { SyntaxKind } from 'typescript/unstable/ast';
import * as is from 'typescript/unstable/ast/is';
import { API } from 'typescript/unstable/sync';

/**
 * The compiler runs as a child process that ends with this one.
 *
 * @param {string} root folder of the repository
 * @param {readonly string[]} configs absolute paths of the tsconfig files
 * @returns {import('typescript/unstable/sync').Project[]}
 */
export function openProjects(root, configs) {
  const snapshot = new API({ cwd: root }).updateSnapshot({ openProjects: [...configs] });
  return configs.map((config) => {
    const project = snapshot.getProject(config);
    if (project === undefined) throw new Error(`${config} cannot be opened`);
    return project;
  });
}

/**
 * @param {import('typescript/unstable/ast').SourceFile} file
 * @returns {import('./imports.mjs').Import[]}
 */
export function importsOf(file) {
  const imports = [];
  const add = (node, specifier, typeOnly) => {
    if (specifier === undefined || !is.isStringLiteral(specifier)) return;
    const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
    imports.push({ specifier: specifier.text, typeOnly, line: line + 1 });
  };
  const visit = (node) => {
    if (is.isImportDeclaration(node)) {
      add(node, node.moduleSpecifier, node.importClause?.phaseModifier === SyntaxKind.TypeKeyword);
    } else if (is.isExportDeclaration(node)) {
      add(node, node.moduleSpecifier, node.isTypeOnly);
    } else if (is.isImportTypeNode(node)) {
      add(node, node.argument.literal, true);
    } else if (is.isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword) {
      add(node, node.arguments[0], false);
    }
    node.forEachChild(visit);
  };
  visit(file);
  return imports;
}
