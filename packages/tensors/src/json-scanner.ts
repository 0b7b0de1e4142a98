// A strict reader of JSON text that hands out tokens and builds nothing: no object whose prototype a name could reach, no
// tree whose depth or size a file could choose, and duplicate keys stay visible (`JSON.parse` keeps the last in silence).
// RFC 8259, less lone surrogates in strings; a value that is skipped may be NaN or infinite, as Python's json module writes.

/** Nesting that `skipValue` follows; what moeq reads is at most 3 deep. */
const maxDepth = 64;

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const literal = /true|false|null|NaN|-?Infinity/y;

/** Character codes, which are compared faster than strings. */
const code = { '"': 34, ',': 44, ':': 58, '[': 91, '\\': 92, ']': 93, '{': 123, '}': 125 } as const;

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

  /** Steps over blanks. @returns the character code that follows, NaN at the end */
  #next(): number {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return code;
      this.#at++;
    }
  }

  #take(character: number): boolean {
    if (this.#next() !== character) return false;
    this.#at++;
    return true;
  }

  /** A string, escapes resolved. */
  string(what: string): string {
    if (this.#next() !== code['"']) this.fail(what);
    const start = this.#at;
    let at = start + 1;
    let plain = true;
    for (let next = this.#text.charCodeAt(at); next !== code['"']; next = this.#text.charCodeAt(at)) {
      // NaN at the end of the text is not 32 or more either
      if (!(next >= 32)) this.fail(`${what} that ends`);
      if (next === code['\\']) plain = false;
      at += next === code['\\'] ? 2 : 1;
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
    this.#next();
    let at = this.#at;
    let value = 0;
    for (let digit = this.#digit(at); digit >= 0; digit = this.#digit(++at)) value = 10 * value + digit;
    const digits = at - this.#at;
    const leadingZero = digits > 1 && this.#digit(this.#at) === 0;
    const goesOn = '.eE'.includes(this.#text.charAt(at) || ' ');
    if (digits === 0 || leadingZero || goesOn || !Number.isSafeInteger(value)) {
      this.fail(`${what}: a whole number from 0 to 2^53 - 1`);
    }
    this.#at = at;
    return value;
  }

  /** The digit at a place; negative or NaN where there is none. */
  #digit(at: number): number {
    const digit = this.#text.charCodeAt(at) - 48;
    return digit <= 9 ? digit : Number.NaN;
  }

  /** An object; `member` takes the value of each key. A key that comes twice fails. */
  object(what: string, member: (key: string) => void): void {
    if (!this.#take(code['{'])) this.fail(what);
    if (this.#take(code['}'])) return;
    const keys = new Set<string>();
    do {
      const key = this.string(`a key of ${what}`);
      if (keys.has(key)) this.#fail(`each key of ${what} once`, `${JSON.stringify(key.slice(0, 60))} twice`);
      keys.add(key);
      if (!this.#take(code[':'])) this.fail('":"');
      member(key);
    } while (this.#take(code[',']));
    if (!this.#take(code['}'])) this.fail(`"," or "}" in ${what}`);
  }

  /** An array; `element` takes each element. */
  array(what: string, element: () => void): void {
    if (!this.#take(code['['])) this.fail(what);
    if (this.#take(code[']'])) return;
    do element();
    while (this.#take(code[',']));
    if (!this.#take(code[']'])) this.fail(`"," or "]" in ${what}`);
  }

  /** Any value, checked and forgotten. */
  skipValue(depth = 0): void {
    if (depth > maxDepth) this.fail(`at most ${maxDepth} levels of nesting`);
    const next = this.#next();
    if (next === code['{']) this.object('an object', () => this.skipValue(depth + 1));
    else if (next === code['[']) this.array('an array', () => this.skipValue(depth + 1));
    else if (next === code['"']) this.string('a string');
    else if (this.#match(number) === '' && this.#match(literal) === '') this.fail('a JSON value');
  }

  /** Nothing but blanks may follow. */
  end(): void {
    if (!Number.isNaN(this.#next())) this.fail('nothing after the JSON text');
  }
}
