// A template's text as tokens, by the rules of Jinja 3.1 with trim_blocks and lstrip_blocks and without
// keep_trailing_newline, as transformers sets them: lines end in \n; a newline after a block or comment is dropped, and so
// is the white space between it and the line's beginning; `-` beside a delimiter drops all white space, `+` keeps it.
import { TemplateFault } from '../errors.js';
import { spaceClass } from '../python/text.js';
import { readString } from './strings.js';

export type Token =
  | { readonly kind: 'data' | 'name' | 'operator' | 'string'; readonly text: string }
  | { readonly kind: 'number'; readonly value: bigint | number }
  | { readonly kind: 'printBegin' | 'printEnd' | 'blockBegin' | 'blockEnd' | 'end' };

const s = `[${spaceClass}]`;
const rawBegin = new RegExp(`\\{%([-+]?)${s}*raw${s}*(?:-%\\}${s}*|%\\})`, 'y');
const rawEnd = new RegExp(`\\{%([-+]?)${s}*endraw${s}*(?:\\+%\\}|-%\\}${s}*|%\\}\\n?)`, 'g');
const begin = /\{[{%#]/g;
const commentEnd = new RegExp(`\\+#\\}|-#\\}${s}*|#\\}\\n?`, 'g');
const blockEnd = new RegExp(`\\+%\\}|-%\\}${s}*|%\\}\\n?`, 'y');
const printEnd = new RegExp(`-\\}\\}${s}*|\\}\\}`, 'y');
const space = new RegExp(`${s}+`, 'y');
const float = /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy;
const integer = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy;
const name = /[\p{XID_Start}_][\p{XID_Continue}]*/uy;
const string = /'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"/sy;
const operator = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}><=.:|,;]/y;

const closing: Readonly<Record<string, string>> = { '{': '}', '(': ')', '[': ']' };

/** @throws TemplateFault for text that is no template */
export function tokenize(template: string): Token[] {
  return new Lexer(template).run();
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  /** Whether what was read last ended a line, or nothing was read. */
  #atLineStart = true;

  constructor(template: string) {
    this.#source = template.replace(/\r\n?/g, '\n').replace(/\n$/, '');
  }

  run(): Token[] {
    while (this.#at < this.#source.length) this.#root();
    this.#tokens.push({ kind: 'end' });
    return this.#tokens;
  }

  /** Text up to the next delimiter, and what that begins. */
  #root(): void {
    begin.lastIndex = this.#at;
    const found = begin.exec(this.#source);
    if (found === null) {
      this.#data(this.#source.slice(this.#at));
      this.#at = this.#source.length;
      return;
    }
    const before = this.#source.slice(this.#at, found.index);
    this.#at = found.index;
    const raw = found[0] === '{%' ? this.#match(rawBegin) : null;
    if (raw !== null) {
      this.#data(this.#stripped(before, raw[1] ?? '', false));
      this.#advance(raw[0].length);
      this.#raw();
      return;
    }
    const after = this.#source.charAt(this.#at + 2);
    const sign = after === '-' || after === '+' ? after : '';
    const isPrint = found[0] === '{{';
    this.#data(this.#stripped(before, sign, isPrint));
    this.#advance(2 + sign.length);
    if (found[0] === '{#') this.#comment();
    else this.#tag(isPrint);
  }

  /** The text before a tag, without what its sign or lstrip_blocks drops. */
  #stripped(text: string, sign: string, isPrint: boolean): string {
    if (sign === '-') return text.replace(new RegExp(`${s}+$`), '');
    if (sign === '+' || isPrint) return text;
    const line = text.lastIndexOf('\n') + 1;
    if (line === 0 && !this.#atLineStart) return text;
    return new RegExp(`^${s}+$`).test(text.slice(line)) ? text.slice(0, line) : text;
  }

  #raw(): void {
    rawEnd.lastIndex = this.#at;
    const end = rawEnd.exec(this.#source);
    if (end === null) throw new TemplateFault('missing end of raw directive');
    this.#data(this.#stripped(this.#source.slice(this.#at, end.index), end[1] ?? '', false));
    this.#advance(end.index + end[0].length - this.#at);
  }

  #comment(): void {
    commentEnd.lastIndex = this.#at;
    const end = commentEnd.exec(this.#source);
    if (end === null) throw new TemplateFault('missing end of comment tag');
    this.#advance(end.index + end[0].length - this.#at);
  }

  #tag(isPrint: boolean): void {
    this.#tokens.push({ kind: isPrint ? 'printBegin' : 'blockBegin' });
    const open: string[] = [];
    for (;;) {
      const end = open.length === 0 ? this.#match(isPrint ? printEnd : blockEnd) : null;
      if (end !== null) {
        this.#advance(end[0].length);
        this.#tokens.push({ kind: isPrint ? 'printEnd' : 'blockEnd' });
        return;
      }
      this.#token(open);
    }
  }

  #token(open: string[]): void {
    if (this.#take(space) !== null) return;
    const literal = this.#literal();
    if (literal !== null) {
      this.#tokens.push(literal);
      return;
    }
    const sign = this.#take(operator);
    if (sign === null) {
      const found = this.#source.charAt(this.#at);
      throw new TemplateFault(
        found === '' ? 'unexpected end of template' : `unexpected char '${found}' at ${this.#at}`,
      );
    }
    if (closing[sign] !== undefined) open.push(closing[sign]);
    else if (')]}'.includes(sign) && open.pop() !== sign) throw new TemplateFault(`unexpected '${sign}'`);
    this.#tokens.push({ kind: 'operator', text: sign });
  }

  /** A number, a name or a string. */
  #literal(): Token | null {
    const number = this.#take(float);
    if (number !== null) return { kind: 'number', value: Number(number.replaceAll('_', '')) };
    const whole = this.#take(integer);
    if (whole !== null) return { kind: 'number', value: BigInt(whole.replaceAll('_', '').toLowerCase()) };
    const word = this.#take(name);
    if (word !== null) return { kind: 'name', text: word.normalize('NFKC') };
    const quoted = this.#take(string);
    return quoted === null ? null : { kind: 'string', text: readString(quoted.slice(1, -1)) };
  }

  #data(text: string): void {
    if (text !== '') this.#tokens.push({ kind: 'data', text });
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#source);
  }

  #take(pattern: RegExp): string | null {
    const [found = null] = this.#match(pattern) ?? [];
    if (found !== null) this.#advance(found.length);
    return found;
  }

  #advance(length: number): void {
    this.#at += length;
    this.#atLineStart = this.#source.charAt(this.#at - 1) === '\n';
  }
}
