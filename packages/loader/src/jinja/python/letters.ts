// Upper and lower case as str.title, capitalize and swapcase change them.

const cased = /\p{Cased}/u;

export function isCased(text: string): boolean {
  return cased.test(text);
}

/** The first character as a title has it, the rest in lower case. */
export function titleCase(text: string): string {
  const [first = ''] = text;
  return titleLetter(first) + lowerAfter(text, first.length);
}

/** Digraphs have a title case of their own; of two capitals that one letter becomes, the second is small. */
function titleLetter(letter: string): string {
  const digraphs: Readonly<Record<string, string>> = {
    Ǆ: 'ǅ',
    ǆ: 'ǅ',
    ǅ: 'ǅ',
    Ǉ: 'ǈ',
    ǉ: 'ǈ',
    ǈ: 'ǈ',
    Ǌ: 'ǋ',
    ǌ: 'ǋ',
    ǋ: 'ǋ',
    Ǳ: 'ǲ',
    ǳ: 'ǲ',
    ǲ: 'ǲ',
  };
  const known = digraphs[letter];
  if (known !== undefined) return known;
  const [first = '', ...rest] = letter.toUpperCase();
  return first + (isCased(first) && !/\p{Lm}/u.test(first) ? rest.join('').toLowerCase() : rest.join(''));
}

/** Lower case of what follows, with the sigma of a word's end where it stands there. */
function lowerAfter(text: string, from: number): string {
  return text.toLowerCase().slice(text.slice(0, from).toLowerCase().length);
}

/** str.title: a letter after one that has no case begins a word. */
export function titleWords(text: string): string {
  return text.replace(/\p{Cased}+/gu, (word) => titleCase(word));
}

/** str.casefold: Cherokee folds to its capitals, all else to small letters by way of the capitals. */
export function caseFold(text: string): string {
  return Array.from(text, (letter) => {
    if (letter === 'ı') return letter;
    const upper = letter === 'ẞ' ? 'SS' : letter.toUpperCase();
    return /\p{Script=Cherokee}/u.test(letter) ? upper : upper.toLowerCase();
  }).join('');
}

export function swapCase(text: string): string {
  return Array.from(text, (letter) => {
    if (/\p{Lt}/u.test(letter)) return letter;
    const lower = letter.toLowerCase();
    return letter === lower ? letter.toUpperCase() : lower;
  }).join('');
}
