// Statements: text, what is printed, and the tags of Jinja with loop controls and transformers' `generation`.
import { TemplateFault, TemplateUnsupported } from '../errors.js';
import { parseExpression, parseNamed, parseTarget, parseTuple } from './expressions.js';
import { tokenize } from './lexer.js';
import type { Body, Expression, Named, Signature, Statement, Target } from './nodes.js';
import { TokenStream } from './token-stream.js';

/** @throws TemplateFault for what is no template; TemplateUnsupported for a tag that is not here; TemplateLimit */
export function parseTemplate(template: string): Body {
  const parser = new Parser(new TokenStream(tokenize(template)));
  return parser.body([]);
}

/** Tags of Jinja that need other templates, or a way to escape that transformers has turned off. */
const unsupported: readonly string[] = ['extends', 'include', 'import', 'from', 'autoescape'];

class Parser {
  readonly #stream: TokenStream;
  /** Loops around what is parsed, up to the function it becomes part of. */
  #loops = 0;

  constructor(stream: TokenStream) {
    this.#stream = stream;
  }

  /** Statements up to one of the words, which is not taken; up to the end of the template where there are none. */
  body(endWords: readonly string[]): Statement[] {
    const stream = this.#stream;
    const statements: Statement[] = [];
    for (;;) {
      const token = stream.next();
      if (token.kind === 'data') statements.push({ kind: 'text', text: token.text });
      else if (token.kind === 'printBegin') {
        statements.push({ kind: 'print', value: parseTuple(stream) });
        stream.expectKind('printEnd');
      } else if (token.kind === 'blockBegin') {
        if (stream.isName(...endWords)) return statements;
        stream.budget.enter();
        statements.push(...this.#statement());
        stream.budget.leave();
        stream.expectKind('blockEnd');
      } else {
        if (token.kind === 'end' && endWords.length === 0) return statements;
        throw new TemplateFault(`unexpected end of template, expected ${endWords.join(' or ')}`);
      }
    }
  }

  /** What is between a tag and one of the words that end it; the next token is that word. */
  #block(...endWords: readonly string[]): Body {
    this.#stream.skipOperator(':');
    this.#stream.expectKind('blockEnd');
    return this.body(endWords);
  }

  #blockToEnd(endWord: string): Body {
    const body = this.#block(endWord);
    this.#stream.next();
    return body;
  }

  #function<Result>(parse: () => Result): Result {
    const loops = this.#loops;
    this.#loops = 0;
    const result = parse();
    this.#loops = loops;
    return result;
  }

  #statement(): Statement[] {
    const stream = this.#stream;
    const tag = stream.expectName();
    switch (tag) {
      case 'for':
        return [this.#for()];
      case 'if':
        return [this.#if()];
      case 'set':
        return [this.#set()];
      case 'print':
        return this.#print();
      case 'macro': {
        const name = stream.expectName();
        const signature = this.#signature();
        return [
          { kind: 'macro', name, ...signature, body: this.#function(() => this.#blockToEnd('endmacro')) },
        ];
      }
      case 'call':
        return [this.#call()];
      case 'filter': {
        const filters = [parseNamed(stream), ...this.#filters()];
        return [{ kind: 'filterBlock', filters, body: this.#blockToEnd('endfilter') }];
      }
      case 'with':
        return [this.#with()];
      case 'block':
        return [this.#namedBlock()];
      case 'generation':
        return [{ kind: 'generation', body: this.#function(() => this.#blockToEnd('endgeneration')) }];
      case 'break':
      case 'continue':
        if (this.#loops === 0) throw new TemplateFault(`'${tag}' outside loop`);
        return [{ kind: tag }];
      default:
        if (unsupported.includes(tag)) throw new TemplateUnsupported(`the statement ${tag}`);
        throw new TemplateFault(`unknown tag '${tag}'`);
    }
  }

  #for(): Statement {
    const stream = this.#stream;
    const target = parseTarget(stream, ['in']);
    stream.expectWord('in');
    const iterable = parseTuple(stream, { withCondition: false, endWords: ['recursive'] });
    const test = stream.skipName('if') ? parseExpression(stream) : null;
    const isRecursive = stream.skipName('recursive');
    this.#loops += 1;
    const body = this.#block('endfor', 'else');
    this.#loops -= 1;
    const otherwise = stream.skipName('else') ? this.#blockToEnd('endfor') : [];
    stream.skipName('endfor');
    return { kind: 'for', target, iterable, test, isRecursive, body, otherwise };
  }

  #if(): Statement {
    const stream = this.#stream;
    const branches: [Expression, Body][] = [];
    do {
      const test = parseTuple(stream, { withCondition: false });
      branches.push([test, this.#block('elif', 'else', 'endif')]);
    } while (stream.skipName('elif'));
    const otherwise = stream.skipName('else') ? this.#block('endif') : [];
    stream.expectWord('endif');
    return { kind: 'if', branches, otherwise };
  }

  #set(): Statement {
    const target = parseTarget(this.#stream, [], true);
    if (this.#stream.skipOperator('=')) return { kind: 'set', target, value: parseTuple(this.#stream) };
    return { kind: 'setBlock', target, filters: this.#filters(), body: this.#blockToEnd('endset') };
  }

  #filters(): Named[] {
    const filters: Named[] = [];
    while (this.#stream.skipOperator('|')) filters.push(parseNamed(this.#stream));
    return filters;
  }

  #print(): Statement[] {
    const statements: Statement[] = [];
    while (this.#stream.current.kind !== 'blockEnd') {
      if (statements.length > 0) this.#stream.expectOperator(',');
      statements.push({ kind: 'print', value: parseExpression(this.#stream) });
    }
    return statements;
  }

  #signature(): Signature {
    const stream = this.#stream;
    const parameters: { name: string; fallback: Expression | null }[] = [];
    stream.expectOperator('(');
    while (!stream.skipOperator(')')) {
      if (parameters.length > 0) stream.expectOperator(',');
      const name = stream.expectName();
      const fallback = stream.skipOperator('=') ? parseExpression(stream) : null;
      const isLate = fallback === null && parameters.at(-1)?.fallback;
      if (isLate) throw new TemplateFault('non-default argument follows default argument');
      parameters.push({ name, fallback });
    }
    return { parameters };
  }

  #call(): Statement {
    const signature = this.#stream.isOperator('(') ? this.#signature() : { parameters: [] };
    const call = parseExpression(this.#stream);
    if (call.kind !== 'call') return this.#stream.fail('a call before it');
    return { kind: 'callBlock', ...signature, call, body: this.#function(() => this.#blockToEnd('endcall')) };
  }

  #with(): Statement {
    const values: [Target, Expression][] = [];
    while (this.#stream.current.kind !== 'blockEnd') {
      if (values.length > 0) this.#stream.expectOperator(',');
      const target = parseTarget(this.#stream);
      this.#stream.expectOperator('=');
      values.push([target, parseExpression(this.#stream)]);
    }
    return { kind: 'with', values, body: this.#blockToEnd('endwith') };
  }

  #namedBlock(): Statement {
    const name = this.#stream.expectName();
    const isScoped = this.#stream.skipName('scoped');
    if (this.#stream.isName('required')) throw new TemplateUnsupported('a required block');
    const body = this.#function(() => this.#blockToEnd('endblock'));
    this.#stream.skipName(name);
    return { kind: 'block', isScoped, body };
  }
}
