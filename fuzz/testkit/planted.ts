// Parsers with faults that a fuzzer has to find, each behind a condition that random bytes do not meet by chance.
import { MoeqError } from '@moeq/tensors';
import { json, type Parser } from '../parser.ts';

const refuse = (found: string): never => {
  throw new MoeqError({ operation: 'read', subject: 'input', expected: 'a magic number', found });
};

/** Runs `fault` for inputs that begin with "moe", found letter by letter, and refuses all others. */
function behindMagic(fault: (input: Uint8Array) => void): Parser {
  return {
    structure: 'none',
    words: [],
    read(input) {
      if (input[0] !== 109) return refuse('no m');
      if (input[1] !== 111) return refuse('no o');
      if (input[2] !== 101) return refuse('no e');
      fault(input);
    },
  };
}

const held: unknown[] = [];

export const parsers: Readonly<Record<string, Parser>> = {
  sound: behindMagic(() => {}),
  crash: behindMagic(() => {
    throw new TypeError('x is undefined');
  }),
  sentence: behindMagic(() => refuse('two\nlines')),
  noise: behindMagic(() => console.warn('odd')),
  slow: behindMagic(() => {
    const until = Date.now() + 1200;
    while (Date.now() < until);
  }),
  endless: behindMagic((input) => {
    while (input.length > 0);
  }),
  memory: behindMagic(() => {
    held.push(new Uint8Array(600 * 2 ** 20));
    held.length = 0;
  }),
  heap: behindMagic(() => {
    for (;;) held.push({});
  }),
  field: {
    structure: 'json',
    words: [],
    read(input) {
      const document = json(input)?.value as { readonly shape?: unknown } | null | undefined;
      const [, columns] = Array.isArray(document?.shape) ? document.shape : [];
      if (columns < 0) throw new RangeError('a negative length');
    },
  },
};
