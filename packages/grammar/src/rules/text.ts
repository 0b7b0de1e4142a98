// Texts as the bytes of their UTF-8, in strings of characters from 0 to 255: they compare and sort as bytes do.

const utf8 = new TextEncoder();

const ascii = /^[\0-\x7f]*$/;

/** Characters that are made by one call. */
const charactersPerCall = 8192;

/** The bytes of a text's UTF-8. */
export function bytesOf(text: string): string {
  if (ascii.test(text)) return text;
  const encoded = utf8.encode(text);
  const parts: string[] = [];
  for (let at = 0; at < encoded.length; at += charactersPerCall)
    parts.push(String.fromCharCode(...encoded.subarray(at, at + charactersPerCall)));
  return parts.join('');
}

/** JSON's own spelling of a value, in bytes. */
export function spellingOf(value: unknown): string {
  return bytesOf(JSON.stringify(value));
}

/** Part of a sorted list: the texts that begin alike for `depth` bytes. */
export interface TextRange {
  readonly low: number;
  /** Not included. */
  readonly high: number;
  readonly depth: number;
}

/** The texts of a range that go on with a byte; null where there are none. */
export function narrow(
  texts: readonly string[],
  { low, high, depth }: TextRange,
  byte: number,
): TextRange | null {
  const from = firstWhere(texts, low, high, (text) => codeAt(text, depth) >= byte);
  const to = firstWhere(texts, from, high, (text) => codeAt(text, depth) > byte);
  return from < to ? { low: from, high: to, depth: depth + 1 } : null;
}

/** The end of a text sorts before every byte. */
function codeAt(text: string, index: number): number {
  return index < text.length ? text.charCodeAt(index) : -1;
}

function firstWhere(
  texts: readonly string[],
  low: number,
  high: number,
  test: (text: string) => boolean,
): number {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (test(texts[middle] as string)) to = middle;
    else from = middle + 1;
  }
  return from;
}

export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Without repetitions, in the order of their bytes. */
export function sortedTexts(texts: Iterable<string>): string[] {
  return [...new Set(texts)].sort(compareTexts);
}
