// Escapes of a string literal, as Python's codec unicode-escape reads them: an escape that it does not know stays.
import { TemplateFault, TemplateUnsupported } from '../errors.js';

const named: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  v: '\v',
  a: '\x07',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '\n': '',
};

const digits: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** Two characters of Python, and one of JavaScript. */
const surrogatePair =
  /(?<!\\)(?:\\\\)*\\(?:u|U0000)[dD][89abAB][\da-fA-F]{2}\\(?:u|U0000)[dD][c-fC-F][\da-fA-F]{2}/;

/**
 * @param text between the quotes
 * @throws TemplateFault for an escape of too few digits or beyond Unicode; TemplateUnsupported for escapes of a surrogate pair
 */
export function readString(text: string): string {
  if (!text.includes('\\')) return text;
  if (surrogatePair.test(text)) throw new TemplateUnsupported('two escapes that are a surrogate pair');
  return text.replace(/\\([0-7]{1,3}|[xuU][\da-fA-F]{0,8}|N|.)/gsu, (whole, sequence: string) => {
    const first = sequence.charAt(0);
    const length = digits[first];
    if (length !== undefined) {
      const hex = sequence.slice(1, 1 + length);
      const code = Number.parseInt(hex, 16);
      if (hex.length < length || code > 0x10ffff) throw new TemplateFault(`truncated \\${first} escape`);
      return (
        (code > 0xffff ? String.fromCodePoint(code) : String.fromCharCode(code)) + sequence.slice(1 + length)
      );
    }
    if (/^[0-7]/.test(sequence)) return String.fromCharCode(Number.parseInt(sequence, 8));
    if (sequence === 'N') throw new TemplateUnsupported('the escape \\N{...}');
    return named[sequence] ?? whole;
  });
}
