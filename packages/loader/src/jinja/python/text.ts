// Texts as Python counts them, in code points, and its notion of white space.

const astral = /[\ud800-\udfff]/;

/** Whether UTF-16 units are not code points. */
function isWide(text: string): boolean {
  return astral.test(text);
}

/** Characters of a text, one a code point. */
export function characters(text: string): readonly string[] {
  return isWide(text) ? Array.from(text) : text.split('');
}

export function textLength(text: string): number {
  return isWide(text) ? Array.from(text).length : text.length;
}

/** Where a place in UTF-16 units is in code points. */
export function codePointIndex(text: string, index: number): number {
  return index < 0 ? index : textLength(text.slice(0, index));
}

/** Characters of str.isspace, inside a class of a pattern: JavaScript's \s lacks five of them and has U+FEFF besides. */
export const spaceClass =
  '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

const leading = new RegExp(`^[${spaceClass}]+`);
const notSpace = new RegExp(`[^${spaceClass}]`);

/** str.strip, lstrip and rstrip; without `chars` white space. */
export function strip(text: string, chars: string | null, side: 'both' | 'left' | 'right' = 'both'): string {
  if (chars === null) {
    const from = side === 'right' ? 0 : (leading.exec(text)?.[0].length ?? 0);
    let to = text.length;
    if (side !== 'left') while (to > from && !notSpace.test(text.charAt(to - 1))) to -= 1;
    return text.slice(from, to);
  }
  const set = new Set(characters(chars));
  const list = characters(text);
  let [from, to] = [0, list.length];
  if (side !== 'right') while (from < to && set.has(list[from] ?? '')) from += 1;
  if (side !== 'left') while (to > from && set.has(list[to - 1] ?? '')) to -= 1;
  return list.slice(from, to).join('');
}

/** By code points, as Python orders texts. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  if (!isWide(a) && !isWide(b)) return a < b ? -1 : 1;
  const [left, right] = [Array.from(a), Array.from(b)];
  for (const [index, character] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    const difference = (character.codePointAt(0) ?? 0) - (other.codePointAt(0) ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return -1;
}

/** str.splitlines */
export function splitLines(text: string, keepEnds = false): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Python ends lines at these
  const parts = text.split(/(\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])/);
  const lines: string[] = [];
  for (let at = 0; at < parts.length; at += 2) {
    const [line = '', end = ''] = [parts[at], parts[at + 1]];
    if (line !== '' || end !== '') lines.push(keepEnds ? line + end : line);
  }
  return lines;
}

/** Escapes &, <, >, ' and " as markupsafe does. */
export function escapeHtml(text: string): string {
  const names: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    "'": '&#39;',
    '"': '&#34;',
  };
  return text.replace(/[&<>'"]/g, (character) => names[character] ?? character);
}
