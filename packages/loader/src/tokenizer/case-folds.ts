// Case-insensitive parts of a pattern, where Oniguruma and JavaScript differ: Oniguruma never folds a property outside of a
// class, and it lets one character stand for several (ß for ss, ﬁ for fi), which no expression of JavaScript does.

interface Folds {
  /** Characters that stand for several, and what they stand for, in lower case. */
  readonly multiple: ReadonlyMap<string, string>;
  /** What they stand for. */
  readonly sequences: readonly string[];
}

/** Asked for by few patterns, and made of 65,408 characters: not before that. */
let known: Folds | undefined;
function folds(): Folds {
  known ??= multipleFolds();
  return known;
}

function multipleFolds(): Folds {
  const multiple = new Map<string, string>();
  for (let code = 0x80; code < 0x1_0000; code += 1) {
    const character = String.fromCharCode(code);
    const folded = foldOf(character);
    if (folded.length > 1) multiple.set(character, folded);
  }
  return { multiple, sequences: [...new Set(multiple.values())] };
}

const longest = 3;
const quantifier = /[*+?{]/;

function foldOf(text: string): string {
  return text.toLowerCase().toUpperCase().toLowerCase();
}

/** A group, a class of POSIX, an escape with its argument, a quantifier or a character. */
const token =
  /\[:\^?[a-z]+:\]|\(\?(?<flags>[a-zA-Z]*(?:-[a-zA-Z]*)?)(?<scope>[:)])|\\[pP]\{[^}]*\}|\\x\{[^}]*\}|\\x[\da-fA-F]{1,2}|\\u[\da-fA-F]{4}|\\.|[\s\S]/gsu;

/**
 * A pattern whose properties are not folded, where any part of it is: what is folded in part may be translated to an expression
 * that is folded as a whole.
 * @throws Error for what folds to several characters or is a class of one case, and for `\X`, whose clusters are others in
 * JavaScript
 */
export function spellOutFolds(pattern: string): string {
  const ignores = [false];
  const isMixed = /\(\?[a-zA-Z]*i/.test(pattern);
  let depth = 0;
  let run = '';
  let result = '';
  for (const { 0: text, index, groups = {} } of pattern.matchAll(token)) {
    const isFolded = ignores.at(-1) === true;
    let written = text;
    let literal = '';
    if (text === '\\X') throw new Error('\\X, whose clusters differ');
    if (isFolded && depth > 0 && /^\[:\^?(?:lower|upper):\]$/.test(text))
      throw new Error(`${text} without regard to case`);
    if (text === '[') depth += 1;
    else if (text === ']' && depth > 0) depth -= 1;
    else if (depth === 0 && groups['scope'] !== undefined) {
      const [on = '', off = ''] = (groups['flags'] ?? '').split('-');
      const next = off.includes('i') ? false : on.includes('i') || isFolded;
      if (groups['scope'] === ':') ignores.push(next);
      else ignores[ignores.length - 1] = next;
    } else if (depth === 0 && text === '(') ignores.push(isFolded);
    else if (depth === 0 && text === ')') ignores.pop();
    else if (/^\\[pP]/.test(text) && depth === 0 && isMixed) written = `(?-i:${text})`;
    else literal = literalOf(text);
    result += written;
    // Oniguruma joins the text of a group to that around it
    const isBare = groups['scope'] === ':' || (text === ')' && !quantifier.test(pattern.charAt(index + 1)));
    if (isBare && depth === 0) continue;
    if (!isFolded || literal === '') {
      run = '';
      continue;
    }
    if (folds().multiple.has(literal))
      throw new Error(`${literal} without regard to case, which is several characters`);
    if (depth > 0) continue;
    // a quantifier is for the last character alone
    const isQuantified = quantifier.test(pattern.charAt(index + text.length));
    run = isQuantified ? '' : (run + foldOf(literal)).slice(-longest);
    const found = folds().sequences.find((sequence) => run.endsWith(sequence));
    if (found !== undefined) throw new Error(`${found} without regard to case, which may be one character`);
  }
  return result;
}

/** The character that a token matches; empty where it is none. */
function literalOf(token: string): string {
  const hex = /^\\[xu]\{?([\da-fA-F]+)\}?$/.exec(token)?.[1];
  if (hex !== undefined) return String.fromCodePoint(Math.min(Number.parseInt(hex, 16), 0x10ffff));
  if (/^\\[^a-zA-Z0-9]$/u.test(token)) return token.slice(1);
  return token.startsWith('\\') || /^[.^$|*+?{}]$/.test(token) ? '' : token;
}
