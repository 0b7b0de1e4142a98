// JSON without loss: Python prints 1.0 as 1.0 and integers of any size whole, and keeps the order of keys; a JavaScript
// number or object does not. What they would lose is kept here as text, a JsonNumber, and as a Map.

/** A number of JSON that a JavaScript number does not print as it was written: 1.0, 1e16, 2512292042121000001. */
export class JsonNumber {
  /** As JSON writes it. */
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  /** Whether Python would read a float rather than an integer. */
  get isFloat(): boolean {
    return /[.eE]/.test(this.source);
  }

  valueOf(): number {
    return Number(this.source);
  }

  toJSON(): number {
    return Number(this.source);
  }
}

const number = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/**
 * The value of a text in JSON, as of JSON.parse, except that numbers are a JsonNumber and objects a Map where something
 * would be lost: floats without a fraction, integers beyond 2^53, keys that look like integers.
 * @throws SyntaxError as JSON.parse
 */
export function exactJson(text: string): unknown {
  const plain: unknown = JSON.parse(text);
  return losesNothing(text) ? plain : new Reader(text).value();
}

/** Digits before `.0`, exponents, long integers, and keys of digits, wherever they are: in strings too, which costs time only. */
function losesNothing(text: string): boolean {
  return !/\d\.\d*0(?!\d)|\d[eE]|\d{16}|-0|"-?\d+"\s*:|"__proto__"/.test(text);
}

/** Reads a text that is known to be JSON. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): unknown {
    const text = this.#text;
    switch (this.#next()) {
      case '{':
        return this.#object();
      case '[':
        return this.#array();
      case '"':
        return this.#string();
      case 't':
        this.#at += 4;
        return true;
      case 'f':
        this.#at += 5;
        return false;
      case 'n':
        this.#at += 4;
        return null;
      default: {
        number.lastIndex = this.#at;
        const [source = ''] = number.exec(text) ?? [];
        this.#at += source.length;
        return exactNumber(source);
      }
    }
  }

  /** The next character that is no space. */
  #next(): string {
    while (' \t\n\r'.includes(this.#text.charAt(this.#at))) this.#at += 1;
    return this.#text.charAt(this.#at);
  }

  #string(): string {
    const from = this.#at;
    this.#at += 1;
    while (this.#text[this.#at] !== '"') this.#at += this.#text[this.#at] === '\\' ? 2 : 1;
    this.#at += 1;
    return JSON.parse(this.#text.slice(from, this.#at)) as string;
  }

  #array(): unknown[] {
    const values: unknown[] = [];
    this.#at += 1;
    while (this.#next() !== ']') {
      values.push(this.value());
      if (this.#next() === ',') this.#at += 1;
    }
    this.#at += 1;
    return values;
  }

  #object(): unknown {
    const entries = new Map<string, unknown>();
    this.#at += 1;
    while (this.#next() !== '}') {
      const key = this.#string();
      this.#next();
      this.#at += 1; // the colon
      entries.set(key, this.value());
      if (this.#next() === ',') this.#at += 1;
    }
    this.#at += 1;
    for (const key of entries.keys()) if (/^\d+$/.test(key) || key === '__proto__') return entries;
    return Object.fromEntries(entries);
  }
}

function exactNumber(source: string): number | JsonNumber {
  const value = Number(source);
  const printed = Number.isSafeInteger(value) && !Object.is(value, -0) ? String(value) : '';
  const isFraction = !Number.isInteger(value) && Number.isFinite(value);
  return source === printed || isFraction ? value : new JsonNumber(source);
}
