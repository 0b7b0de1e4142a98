// A strict reader of JSON text that hands out tokens and builds nothing: no object whose prototype a name could reach, no
// tree whose depth or size a file could choose, and duplicate keys stay visible (`JSON.parse` keeps the last in silence).
// RFC 8259, less lone surrogates in strings.

/** Nesting that `skipValue` follows; what moeq reads is at most 3 deep. */
const maxDepth = 64;

const whitespace = /[ \t\n\r]*/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const literal = /true|false|null/y;
/** Text of a number that counts something. */
const count = /^(?:0|[1-9]\d*)$/;

export class JsonScanner {
  readonly #text: string;
  readonly #fail: (expected: string, found: string) => never;
  #at = 0;

  /** @param fail throws; given what had to be at a place and what is there */
  constructor(text: string, fail: (expected: string, found: string) => never) {
    this.#text = text;
    this.#fail = fail;
  }

  fail(expected: string): never {
    const rest = this.#text.slice(this.#at, this.#at + 24);
    return this.#fail(
      expected,
      rest === '' ? 'the end of the text' : `${JSON.stringify(rest)} at character ${this.#at}`,
    );
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  /** The next character that is no blank, without taking it; empty at the end. */
  peek(): string {
    this.#match(whitespace);
    return this.#text.charAt(this.#at);
  }

  #take(character: string): boolean {
    if (this.peek() !== character) return false;
    this.#at++;
    return true;
  }

  /** A string, escapes resolved. */
  string(what: string): string {
    if (this.peek() !== '"') this.fail(what);
    const start = this.#at;
    let at = start + 1;
    let plain = true;
    for (let code = this.#text.charCodeAt(at); code !== 34; code = this.#text.charCodeAt(at)) {
      // NaN at the end of the text fails both
      if (!(code >= 32)) this.fail(`${what} that ends`);
      if (code === 92) plain = false;
      at += code === 92 ? 2 : 1;
    }
    if (plain) {
      this.#at = at + 1;
      return this.#text.slice(start + 1, at);
    }
    let value: string;
    try {
      value = JSON.parse(this.#text.slice(start, at + 1)) as string;
    } catch {
      return this.fail(`${what} with valid escapes`);
    }
    if (!value.isWellFormed()) this.fail(`${what} without lone surrogates`);
    this.#at = at + 1;
    return value;
  }

  /** A whole number from 0 to 2^53 - 1, written in digits alone. */
  count(what: string): number {
    this.peek();
    const start = this.#at;
    const text = this.#match(number);
    const value = Number(text);
    if (count.test(text) && Number.isSafeInteger(value)) return value;
    this.#at = start;
    return this.fail(`${what}: a whole number from 0 to 2^53 - 1`);
  }

  /** An object; `member` takes the value of each key. A key that comes twice fails. */
  object(what: string, member: (key: string) => void): void {
    if (!this.#take('{')) this.fail(what);
    if (this.#take('}')) return;
    const keys = new Set<string>();
    do {
      const key = this.string(`a key of ${what}`);
      if (keys.has(key)) this.#fail(`each key of ${what} once`, `${JSON.stringify(key.slice(0, 60))} twice`);
      keys.add(key);
      if (!this.#take(':')) this.fail('":"');
      member(key);
    } while (this.#take(','));
    if (!this.#take('}')) this.fail(`"," or "}" in ${what}`);
  }

  /** An array; `element` takes each element. */
  array(what: string, element: () => void): void {
    if (!this.#take('[')) this.fail(what);
    if (this.#take(']')) return;
    do element();
    while (this.#take(','));
    if (!this.#take(']')) this.fail(`"," or "]" in ${what}`);
  }

  /** Any value, checked and forgotten. */
  skipValue(depth = 0): void {
    if (depth > maxDepth) this.fail(`at most ${maxDepth} levels of nesting`);
    const next = this.peek();
    if (next === '{') this.object('an object', () => this.skipValue(depth + 1));
    else if (next === '[') this.array('an array', () => this.skipValue(depth + 1));
    else if (next === '"') this.string('a string');
    else if (this.#match(number) === '' && this.#match(literal) === '') this.fail('a JSON value');
  }

  /** Nothing but blanks may follow. */
  end(): void {
    if (this.peek() !== '') this.fail('nothing after the JSON text');
  }
}
