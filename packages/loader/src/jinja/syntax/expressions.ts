// Expressions, by Jinja's precedence: if, or, and, not, comparisons, + and -, ~, * / // %, **, signs, then what follows a
// value: attributes, items, calls, filters and tests.
import type { Arguments, Arithmetic, Comparison, Expression, Named, Target } from './nodes.js';
import type { TokenStream } from './token-stream.js';

/** One expression, or a tuple of those between commas. */
export interface TupleOptions {
  readonly withCondition?: boolean;
  /** Words that end it besides the end of the tag. */
  readonly endWords?: readonly string[];
  readonly inParentheses?: boolean;
}

export function parseTuple(stream: TokenStream, options: TupleOptions = {}): Expression {
  const { withCondition = true, endWords = [], inParentheses = false } = options;
  return tupleOf(
    stream,
    () => (withCondition ? parseExpression(stream) : parseOr(stream)),
    endWords,
    inParentheses,
  );
}

function tupleOf(
  stream: TokenStream,
  parse: () => Expression,
  endWords: readonly string[],
  inParentheses: boolean,
): Expression {
  const items: Expression[] = [];
  let isTuple = false;
  for (;;) {
    if (items.length > 0) stream.expectOperator(',');
    const { kind } = stream.current;
    if (kind === 'printEnd' || kind === 'blockEnd' || stream.isOperator(')') || stream.isName(...endWords))
      break;
    items.push(parse());
    if (!stream.isOperator(',')) break;
    isTuple = true;
  }
  const [only] = items;
  if (!isTuple && only !== undefined) return only;
  if (!isTuple && !inParentheses) stream.fail('an expression');
  return { kind: 'tuple', items };
}

/** What a value is assigned to. @throws TemplateFault where that is no name */
export function parseTarget(stream: TokenStream, endWords: readonly string[] = [], members = false): Target {
  let member: Target | null = null;
  const parse = (): Expression => {
    if (members && stream.current.kind === 'name' && stream.following.kind === 'operator') {
      const { following } = stream;
      if (following.kind === 'operator' && following.text === '.') {
        const name = stream.expectName();
        stream.next();
        member = { kind: 'member', name, attribute: stream.expectName() };
        return { kind: 'name', name };
      }
    }
    return parsePrimary(stream);
  };
  const parsed = tupleOf(stream, parse, endWords, false);
  if (member !== null && parsed.kind === 'name') return member;
  if (member !== null) return stream.fail('names in a tuple');
  return targetOf(parsed, stream);
}

function targetOf(node: Expression, stream: TokenStream): Target {
  if (node.kind === 'name') return { kind: 'name', name: node.name };
  if (node.kind === 'tuple')
    return { kind: 'tuple', items: node.items.map((item) => targetOf(item, stream)) };
  return stream.fail('a name to assign to before it');
}

export function parseExpression(stream: TokenStream): Expression {
  stream.budget.enter();
  let node = parseOr(stream);
  while (stream.skipName('if')) {
    const test = parseOr(stream);
    const otherwise = stream.skipName('else') ? parseExpression(stream) : null;
    node = { kind: 'condition', test, chosen: node, otherwise };
  }
  stream.budget.leave();
  return node;
}

function parseOr(stream: TokenStream): Expression {
  let left = parseAnd(stream);
  while (stream.skipName('or')) left = { kind: 'or', left, right: parseAnd(stream) };
  return left;
}

function parseAnd(stream: TokenStream): Expression {
  let left = parseNot(stream);
  while (stream.skipName('and')) left = { kind: 'and', left, right: parseNot(stream) };
  return left;
}

function parseNot(stream: TokenStream): Expression {
  let count = 0;
  while (stream.skipName('not')) count += 1;
  let node = parseCompare(stream);
  for (; count > 0; count -= 1) node = { kind: 'not', operand: node };
  return node;
}

const comparisons: readonly string[] = ['==', '!=', '<', '<=', '>', '>='];

function parseCompare(stream: TokenStream): Expression {
  const first = parseSum(stream);
  const rest: [Comparison, Expression][] = [];
  for (;;) {
    const { current, following } = stream;
    if (current.kind === 'operator' && comparisons.includes(current.text)) {
      stream.next();
      rest.push([current.text as Comparison, parseSum(stream)]);
    } else if (stream.skipName('in')) {
      rest.push(['in', parseSum(stream)]);
    } else if (stream.isName('not') && following.kind === 'name' && following.text === 'in') {
      stream.next();
      stream.next();
      rest.push(['not in', parseSum(stream)]);
    } else break;
  }
  return rest.length === 0 ? first : { kind: 'compare', first, rest };
}

function leftToRight(
  stream: TokenStream,
  operators: readonly string[],
  operand: (stream: TokenStream) => Expression,
): Expression {
  let left = operand(stream);
  for (;;) {
    const { current } = stream;
    if (current.kind !== 'operator' || !operators.includes(current.text)) return left;
    stream.next();
    left = { kind: 'binary', operator: current.text as Arithmetic, left, right: operand(stream) };
  }
}

const parseSum = (stream: TokenStream): Expression => leftToRight(stream, ['+', '-'], parseConcat);

function parseConcat(stream: TokenStream): Expression {
  const first = parseProduct(stream);
  const items = [first];
  while (stream.skipOperator('~')) items.push(parseProduct(stream));
  return items.length === 1 ? first : { kind: 'concat', items };
}

const parseProduct = (stream: TokenStream): Expression =>
  leftToRight(stream, ['*', '/', '//', '%'], parsePower);
const parsePower = (stream: TokenStream): Expression => leftToRight(stream, ['**'], parseUnary);

function parseUnary(stream: TokenStream, withFilters: unknown = true): Expression {
  stream.budget.enter();
  let node: Expression;
  if (stream.skipOperator('-')) node = { kind: 'negative', operand: parseUnary(stream, false) };
  else if (stream.skipOperator('+')) node = { kind: 'positive', operand: parseUnary(stream, false) };
  else node = parsePrimary(stream);
  node = parsePostfix(stream, node);
  stream.budget.leave();
  return withFilters === false ? node : parseFiltersAndTests(stream, node);
}

const constants = new Map<string, boolean | null>([
  ...([
    ['true', true],
    ['True', true],
    ['false', false],
    ['False', false],
    ['none', null],
    ['None', null],
  ] as const),
]);

function parsePrimary(stream: TokenStream): Expression {
  const token = stream.current;
  if (token.kind === 'name') {
    stream.next();
    const value = constants.get(token.text);
    return value === undefined ? { kind: 'name', name: token.text } : { kind: 'constant', value };
  }
  if (token.kind === 'string') {
    let value = '';
    for (let part = stream.current; part.kind === 'string'; part = stream.current) {
      value += part.text;
      stream.next();
    }
    return { kind: 'constant', value };
  }
  if (token.kind === 'number') {
    stream.next();
    return { kind: 'constant', value: token.value };
  }
  if (stream.skipOperator('(')) {
    const node = parseTuple(stream, { inParentheses: true });
    stream.expectOperator(')');
    return node;
  }
  if (stream.skipOperator('[')) {
    return { kind: 'list', items: separated(stream, ']', () => parseExpression(stream)) };
  }
  if (stream.skipOperator('{')) {
    const pairs = separated(stream, '}', (): [Expression, Expression] => {
      const key = parseExpression(stream);
      stream.expectOperator(':');
      return [key, parseExpression(stream)];
    });
    return { kind: 'dict', pairs };
  }
  return stream.fail('an expression');
}

/** Up to the closing bracket, between commas, one of which may be the last. */
function separated<Item>(stream: TokenStream, close: string, parse: () => Item): Item[] {
  const items: Item[] = [];
  while (!stream.isOperator(close)) {
    if (items.length > 0) {
      stream.expectOperator(',');
      if (stream.isOperator(close)) break;
    }
    items.push(parse());
  }
  stream.expectOperator(close);
  return items;
}

function parsePostfix(stream: TokenStream, first: Expression): Expression {
  let node = first;
  for (;;) {
    if (stream.skipOperator('.')) node = parseMember(stream, node);
    else if (stream.skipOperator('[')) node = { kind: 'item', object: node, key: parseSubscript(stream) };
    else if (stream.isOperator('(')) node = { kind: 'call', callee: node, args: parseArguments(stream) };
    else return node;
  }
}

function parseMember(stream: TokenStream, object: Expression): Expression {
  const token = stream.next();
  if (token.kind === 'name') return { kind: 'attribute', object, name: token.text };
  if (token.kind === 'number' && typeof token.value === 'bigint')
    return { kind: 'item', object, key: { kind: 'constant', value: token.value } };
  return stream.fail('a name or number after the dot');
}

function parseSubscript(stream: TokenStream): Expression {
  const keys: Expression[] = [];
  while (!stream.isOperator(']')) {
    if (keys.length > 0) stream.expectOperator(',');
    keys.push(parseKey(stream));
  }
  stream.expectOperator(']');
  const [only] = keys;
  return keys.length === 1 && only !== undefined ? only : { kind: 'tuple', items: keys };
}

function parseKey(stream: TokenStream): Expression {
  const bound = () => (stream.isOperator(':', ']', ',') ? null : parseExpression(stream));
  const start = stream.isOperator(':') ? null : parseExpression(stream);
  if (!stream.skipOperator(':')) return start ?? stream.fail('an expression');
  const stop = bound();
  const step = stream.skipOperator(':') ? bound() : null;
  return { kind: 'slice', bounds: [start, stop, step] };
}

const noArguments: Arguments = { positional: [], keywords: [], spread: null, spreadKeywords: null };

function parseArguments(stream: TokenStream): Arguments {
  stream.expectOperator('(');
  const positional: Expression[] = [];
  const keywords: [string, Expression][] = [];
  let spread: Expression | null = null;
  let spreadKeywords: Expression | null = null;
  separated(stream, ')', () => {
    const { current, following } = stream;
    if (spreadKeywords !== null) stream.fail("')'");
    if (stream.skipOperator('**')) {
      spreadKeywords = parseExpression(stream);
    } else if (stream.isOperator('*')) {
      if (spread !== null) stream.fail('one argument after *');
      stream.next();
      spread = parseExpression(stream);
    } else if (current.kind === 'name' && following.kind === 'operator' && following.text === '=') {
      stream.next();
      stream.next();
      keywords.push([current.text, parseExpression(stream)]);
    } else {
      if (spread !== null || keywords.length > 0) stream.fail('arguments with names');
      positional.push(parseExpression(stream));
    }
  });
  return { positional, keywords, spread, spreadKeywords };
}

function parseFiltersAndTests(stream: TokenStream, first: Expression): Expression {
  let node = first;
  for (;;) {
    if (stream.skipOperator('|')) node = { kind: 'filter', operand: node, named: parseNamed(stream) };
    else if (stream.skipName('is')) node = parseTest(stream, node);
    else if (stream.isOperator('(')) node = { kind: 'call', callee: node, args: parseArguments(stream) };
    else return node;
  }
}

function dottedName(stream: TokenStream): string {
  let name = stream.expectName();
  while (stream.skipOperator('.')) name += `.${stream.expectName()}`;
  return name;
}

/** A filter's name and arguments. */
export function parseNamed(stream: TokenStream): Named {
  const name = dottedName(stream);
  return { name, ...(stream.isOperator('(') ? parseArguments(stream) : noArguments) };
}

function parseTest(stream: TokenStream, operand: Expression): Expression {
  const isNegated = stream.skipName('not');
  const name = dottedName(stream);
  const node: Expression = { kind: 'test', operand, named: { name, ...testArguments(stream) } };
  return isNegated ? { kind: 'not', operand: node } : node;
}

/** In parentheses, or one value without. */
function testArguments(stream: TokenStream): Arguments {
  if (stream.isOperator('(')) return parseArguments(stream);
  const { kind } = stream.current;
  const isValue = kind === 'name' || kind === 'string' || kind === 'number' || stream.isOperator('[', '{');
  if (!isValue || stream.isName('else', 'or', 'and')) return noArguments;
  if (stream.isName('is')) stream.fail('no second test with is');
  return { ...noArguments, positional: [parsePostfix(stream, parsePrimary(stream))] };
}
