// A place in the source of a pattern.
import type { MoeqError } from '@moeq/tensors';

export interface Cursor {
  readonly done: boolean;
  /** The next character; '' at the end. */
  peek(): string;
  next(): string;
  /** Steps over a character where it is the next one. */
  take(character: string): boolean;
  /** Steps over what matches at this place. */
  match(expression: RegExp): RegExpExecArray | null;
  /** The error of the pattern. */
  refuse(expected: string): MoeqError;
}

export function cursorOf(source: string, refuse: (expected: string) => MoeqError): Cursor {
  let at = 0;
  const peek = () => {
    const code = source.codePointAt(at);
    return code === undefined ? '' : String.fromCodePoint(code);
  };
  const next = () => {
    const character = peek();
    at += character.length;
    return character;
  };
  return {
    get done() {
      return at >= source.length;
    },
    peek,
    next,
    take: (character) => {
      if (!source.startsWith(character, at)) return false;
      at += character.length;
      return true;
    },
    match: (expression) => {
      const found = expression.exec(source.slice(at, at + 80));
      at += found?.[0].length ?? 0;
      return found;
    },
    refuse,
  };
}
