// The tokens of a template, one after the other.
import { Budget } from '../budget.js';
import { TemplateFault } from '../errors.js';
import type { Token } from './lexer.js';

export class TokenStream {
  readonly #tokens: readonly Token[];
  #at = 0;
  /** Of parsing: an expression within each other a thousand times is none. */
  readonly budget = new Budget();

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get current(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end' };
  }

  get following(): Token {
    return this.#tokens[this.#at + 1] ?? { kind: 'end' };
  }

  next(): Token {
    const token = this.current;
    this.#at += 1;
    return token;
  }

  isName(...names: readonly string[]): boolean {
    return this.current.kind === 'name' && names.includes(this.current.text);
  }

  isOperator(...operators: readonly string[]): boolean {
    return this.current.kind === 'operator' && operators.includes(this.current.text);
  }

  /** Takes the word if it is there. */
  skipName(name: string): boolean {
    const is = this.isName(name);
    if (is) this.#at += 1;
    return is;
  }

  skipOperator(operator: string): boolean {
    const is = this.isOperator(operator);
    if (is) this.#at += 1;
    return is;
  }

  /** @throws TemplateFault unless it is the next token */
  expectOperator(operator: string): void {
    if (!this.skipOperator(operator)) this.fail(`'${operator}'`);
  }

  expectWord(word: string): void {
    if (!this.skipName(word)) this.fail(word);
  }

  expectKind(kind: Token['kind']): void {
    if (this.current.kind !== kind) this.fail(kind);
    this.#at += 1;
  }

  expectName(): string {
    const token = this.current;
    if (token.kind !== 'name') return this.fail('a name');
    this.#at += 1;
    return token.text;
  }

  fail(expected: string): never {
    const token = this.current;
    const found =
      'text' in token ? token.text.slice(0, 40) : 'value' in token ? String(token.value) : token.kind;
    throw new TemplateFault(`expected ${expected}, found '${found}'`);
  }
}
