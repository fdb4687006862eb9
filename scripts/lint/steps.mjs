/**
 * Finds steps that nobody runs and answers that nobody waits for.
 *
 * A generator is truthy and so is a promise: `if (!verify(…)) throw …` compiles and never throws where `verify` is a
 * `Step` or gives an `Awaitable`. So each expression of such a type must be in a place that takes it as what it is:
 * under `yield*`, `yield* wait(…)` or `await`, returned, kept, or handed to a parameter that is typed for it. What is
 * kept is checked again wherever it is used.
 */
import { TypeFlags } from 'typescript/unstable/sync';
import { SyntaxKind } from 'typescript/unstable/ast';
import * as is from 'typescript/unstable/ast/is';

const stepMessage = 'a step does nothing by itself: write yield*, or give it to a Runner or runToEnd';
const answerMessage = 'this may be a promise: write yield* wait(…), or await it';

/**
 * What is done with a value. `wrong` is so for steps and answers alike, `right` for both, `step` and `answer` only for
 * one of them; for the others the type that is expected there decides.
 */
const uses = {
  wrong: 'wrong',
  right: 'right',
  step: 'step',
  answer: 'answer',
  stored: 'stored',
  returned: 'returned',
  argument: 'argument',
};

/**
 * @param {import('typescript/unstable/sync').Project} project
 * @param {readonly string[]} fileNames those of the project's files to look at
 * @param {{ answers?: boolean }} [options] `answers: false` looks for steps only
 * @returns {{ file: string, line: number, message: string }[]}
 */
export function checkSteps({ program, checker }, fileNames, { answers = true } = {}) {
  const kinds = new Map();
  const handed = new Map();
  const findings = [];

  for (const fileName of fileNames) {
    const file = program.getSourceFile(fileName);
    if (file === undefined) throw new Error(`${fileName} is not part of the project`);
    const candidates = [];
    collect(file, candidates);
    const types = typesOf(candidates.map(({ node }) => node));
    candidates.forEach(({ node, value, use }, index) => {
      const message = complaint(types[index], node, value, use);
      if (message !== undefined) findings.push({ file: fileName, line: lineOf(file, node), message });
    });
  }
  return findings;

  /**
   * The types of nodes. The compiler's interface panics at some tuple types: one by one then, and a tuple, which is
   * neither step nor answer, is passed over.
   */
  function typesOf(nodes) {
    try {
      return checker.getTypeAtLocation(nodes);
    } catch (error) {
      if (!String(error).includes('not *checker.TupleType')) throw error;
      return nodes.length === 1 ? [undefined] : nodes.flatMap((node) => typesOf([node]));
    }
  }

  /** What is wrong with `node`, if anything: `value` is the outermost expression that has its value. */
  function complaint(type, node, value, use) {
    if (type === undefined || use === uses.right) return undefined;
    const kind = kindOf(type);
    if (kind === undefined) return use === uses.argument ? functionComplaint(type, node, value) : undefined;
    if (use === kind || (kind === uses.answer && !answers)) return undefined;
    const message = kind === uses.step ? stepMessage : answerMessage;
    if (use === uses.wrong || use === uses.step || use === uses.answer) return message;
    const expected = use === uses.argument ? expectedArgument(value, kind) : checker.getContextualType(value);
    return takes(expected, kind, use) ? undefined : message;
  }

  /** A function handed over to somebody who throws its result away, or only looks whether it is truthy. */
  function functionComplaint(type, node, value) {
    const kind = handedKind(type);
    if (kind === undefined || (!is.isIdentifier(node) && !is.isPropertyAccessExpression(node))) return undefined;
    const parameter = checker.getContextualType(value);
    const result = parameter && resultOf(parameter);
    if (result === undefined || (result.flags & (TypeFlags.Void | TypeFlags.Unknown)) === 0) return undefined;
    return kind === uses.step ? stepMessage : answerMessage;
  }

  function handedKind(type) {
    if ((type.flags & TypeFlags.Object) === 0) return undefined;
    if (!handed.has(type.id)) {
      const result = resultOf(type);
      handed.set(type.id, result && kindOf(result));
    }
    return handed.get(type.id);
  }

  function resultOf(type) {
    const [signature] = checker.getSignaturesOfType(type, 0);
    return signature && checker.getReturnTypeOfSignature(signature);
  }

  /** The type of the parameter that `value` is for; `undefined` where it may be anything, as in `isPromise`. */
  function expectedArgument(value, kind) {
    const signature = checker.getResolvedSignature(value.parent);
    if (signature === undefined) return checker.getContextualType(value);
    if (checker.getTypePredicateOfSignature(signature) !== undefined) return undefined;
    // What takes a `T` takes a step without knowing it: ask the declaration, where `T` is not yet filled in.
    const asked = kind === uses.step ? (signature.getTarget() ?? signature) : signature;
    return checker.getParameterType(asked, value.parent.arguments.indexOf(value));
  }

  /** Whether a type is `Step`, or `Awaitable` of something, or neither. */
  function kindOf(type) {
    if ((type.flags & (TypeFlags.Object | TypeFlags.Union)) === 0) return undefined;
    if (!kinds.has(type.id)) kinds.set(type.id, isStep(type) ? uses.step : isAwaitable(type) ? uses.answer : undefined);
    return kinds.get(type.id);
  }

  function isStep(type) {
    if (type.isUnionType()) return type.getTypes().some(isStep);
    if (!isGenerator(type)) return false;
    // A generator of plain values (records, say) is for a loop, not a step.
    const [yielded] = checker.getTypeArguments(type);
    const members = yielded.isUnionType() ? yielded.getTypes() : [yielded];
    return members.some(
      (member) => (member.flags & (TypeFlags.Never | TypeFlags.UniqueESSymbol)) !== 0 || isThenable(member),
    );
  }
}

/** Whether a place whose expected type is `expected` takes a step or an answer as such. */
function takes(expected, kind, use) {
  if (expected === undefined) return true;
  const { flags } = expected;
  if ((flags & TypeFlags.Any) !== 0) return kind === uses.answer && use === uses.returned;
  if ((flags & (TypeFlags.Unknown | TypeFlags.Void | TypeFlags.NonPrimitive)) !== 0) return false;
  if (expected.isUnionType()) return expected.getTypes().some((member) => takes(member, kind, use));
  if (kind === uses.step) return isGenerator(expected);
  return isThenable(expected) || (flags & (TypeFlags.TypeParameter | TypeFlags.IndexedAccess)) !== 0;
}

/** `Promise<T> | undefined` is none: that there is no promise is what one asks of it. Nor is `Suspend`, with its symbol. */
function isAwaitable(type) {
  if (!type.isUnionType()) return false;
  const members = type.getTypes();
  return (
    members.some(isThenable) &&
    (type.getAliasSymbol()?.name === 'Awaitable' ||
      members.some((member) => !isThenable(member) && (member.flags & notAnAnswer) === 0))
  );
}

const notAnAnswer = TypeFlags.Undefined | TypeFlags.Null | TypeFlags.UniqueESSymbol;

const isGenerator = (type) => (type.flags & TypeFlags.Object) !== 0 && type.getSymbol()?.name === 'Generator';

const isThenable = (type) =>
  (type.flags & TypeFlags.Object) !== 0 && /^Promise(Like)?$/.test(type.getSymbol()?.name ?? '');

function collect(node, candidates) {
  if (isCandidate(node)) {
    const value = outermost(node);
    candidates.push({ node, value, use: useOf(value, node) });
  }
  node.forEachChild((child) => {
    // Nothing in a type is a value.
    if (!is.isTypeNode(child)) collect(child, candidates);
  });
}

const isCandidate = (node) =>
  is.isCallExpression(node) ||
  is.isIdentifier(node) ||
  is.isPropertyAccessExpression(node) ||
  is.isElementAccessExpression(node) ||
  is.isAwaitExpression(node) ||
  (is.isYieldExpression(node) && node.asteriskToken !== undefined);

/** The outermost expression whose value is that of `node`, or may be. */
function outermost(node) {
  const { parent } = node;
  const passesOn =
    is.isParenthesizedExpression(parent) ||
    is.isAsExpression(parent) ||
    is.isSatisfiesExpression(parent) ||
    is.isNonNullExpression(parent) ||
    (is.isConditionalExpression(parent) && parent.condition !== node) ||
    (is.isBinaryExpression(parent) && parent.right === node && passesRight.has(parent.operatorToken.kind));
  return passesOn ? outermost(parent) : node;
}

const passesRight = new Set([
  SyntaxKind.AmpersandAmpersandToken,
  SyntaxKind.BarBarToken,
  SyntaxKind.QuestionQuestionToken,
  SyntaxKind.CommaToken,
]);

const assigns = new Set([
  SyntaxKind.EqualsToken,
  SyntaxKind.AmpersandAmpersandEqualsToken,
  SyntaxKind.BarBarEqualsToken,
  SyntaxKind.QuestionQuestionEqualsToken,
]);

/** What is done with `value`, the outermost expression that has the value of `node`. */
function useOf(value, node) {
  const { parent } = value;
  switch (parent.kind) {
    case SyntaxKind.YieldExpression:
      return parent.asteriskToken === undefined ? uses.wrong : uses.step;
    case SyntaxKind.AwaitExpression:
      return uses.answer;
    case SyntaxKind.CallExpression:
    case SyntaxKind.NewExpression:
      if (parent.expression === value) return uses.right;
      return isPromiseResolve(parent.expression) ? uses.answer : uses.argument;
    case SyntaxKind.PropertyAccessExpression:
      // Its own methods; the name of a property is judged with the whole expression.
      return uses.right;
    case SyntaxKind.ReturnStatement:
    case SyntaxKind.ArrowFunction:
      return uses.returned;
    case SyntaxKind.VariableDeclaration:
    case SyntaxKind.BindingElement:
      if (parent.initializer !== value) return uses.right;
      return is.isArrayBindingPattern(parent.name) ? uses.wrong : uses.stored;
    case SyntaxKind.PropertyDeclaration:
    case SyntaxKind.PropertyAssignment:
    case SyntaxKind.Parameter:
      return parent.initializer === value ? uses.stored : uses.right;
    case SyntaxKind.ArrayLiteralExpression:
      return uses.answer;
    case SyntaxKind.ElementAccessExpression:
      return parent.expression === value ? uses.right : uses.wrong;
    case SyntaxKind.BinaryExpression:
      if (!assigns.has(parent.operatorToken.kind)) return uses.wrong;
      return parent.left === value ? uses.right : uses.stored;
    case SyntaxKind.ExpressionStatement:
    case SyntaxKind.VoidExpression:
    case SyntaxKind.PrefixUnaryExpression:
    case SyntaxKind.TypeOfExpression:
    case SyntaxKind.IfStatement:
    case SyntaxKind.WhileStatement:
    case SyntaxKind.DoStatement:
    case SyntaxKind.ForStatement:
    case SyntaxKind.ForOfStatement:
    case SyntaxKind.SwitchStatement:
    case SyntaxKind.CaseClause:
    case SyntaxKind.ConditionalExpression:
    case SyntaxKind.SpreadElement:
    case SyntaxKind.SpreadAssignment:
    case SyntaxKind.TemplateSpan:
    case SyntaxKind.ThrowStatement:
      return uses.wrong;
    default:
      // A name in a declaration, a label, an import: no value.
      return is.isIdentifier(node) ? uses.right : uses.wrong;
  }
}

const isPromiseResolve = (callee) =>
  is.isPropertyAccessExpression(callee) && callee.expression.text === 'Promise' && callee.name.text === 'resolve';

const lineOf = (file, node) => file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
