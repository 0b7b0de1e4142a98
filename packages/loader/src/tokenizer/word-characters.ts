// `\w` and its kind as Oniguruma has them in UTF-8: letters, marks, decimal digits, connectors, and, outside of a class, the
// superscripts and fractions of Latin-1. oniguruma-to-es 4.3 takes all numbers for word characters; it gets the class
// spelled out.

const inClass = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}';
const word = `[${inClass}\\x{B2}\\x{B3}\\x{B9}\\x{BC}-\\x{BE}]`;

const outside: Readonly<Record<string, string>> = {
  w: word,
  W: `[^${word}]`,
  b: `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))`,
  B: `(?:(?<=${word})(?=${word})|(?<!${word})(?!${word}))`,
};
const inside: Readonly<Record<string, string>> = { w: inClass, W: `[^${inClass}]` };

/** A pattern of Oniguruma with `\w`, `\W`, `\b` and `\B` spelled out. */
export function spellOutWords(pattern: string): string {
  let result = '';
  let depth = 0;
  for (let at = 0; at < pattern.length; at += 1) {
    const unit = pattern.charAt(at);
    const property = depth === 0 ? /^\\(p|P)\{word\}/i.exec(pattern.slice(at, at + 8)) : null;
    if (property !== null) {
      result += property[1] === 'p' ? word : `[^${word}]`;
      at += property[0].length - 1;
      continue;
    }
    if (unit === '\\') {
      const letter = pattern.charAt(at + 1);
      result += (depth > 0 ? inside : outside)[letter] ?? unit + letter;
      at += 1;
      continue;
    }
    if (unit === '[') depth += 1;
    if (unit === ']' && depth > 0) depth -= 1;
    result += unit;
  }
  return result;
}
