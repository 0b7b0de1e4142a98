import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonSchemaGrammar } from './json-schema.js';
import { accepts } from './testkit/walk.js';
import { TokenGrammar } from './token-grammar.js';
import { TokenTable, type Vocabulary } from './token-table.js';

const utf8 = new TextEncoder();

/** Tokens that cut everything: all bytes, common pairs, halves of characters. */
const texts = [
  '{"',
  '":',
  '": "',
  '"}',
  ', "',
  'a',
  'ab',
  'abc',
  '"a',
  'true',
  'tr',
  '12',
  '[1',
  ']]',
  '  ',
  '\n',
  'é',
];
const tokens: (Uint8Array | null)[] = [
  null,
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...texts.map((text) => utf8.encode(text)),
  utf8.encode('🙂').slice(0, 2),
  utf8.encode('🙂').slice(2),
  new Uint8Array(),
];
const vocabulary: Vocabulary = { size: tokens.length + 3, bytes: (id) => tokens[id] ?? null };
const table = new TokenTable(vocabulary);
const stop = 0;

const schemas = [
  {},
  {
    type: 'object',
    properties: { ab: { type: 'boolean' }, é: { type: 'array', items: { type: 'integer' } } },
  },
  { type: 'string', minLength: 2, maxLength: 4 },
  { enum: ['abc', 'ab"', 12, true] },
  { type: 'number', minimum: -5, maximum: 12 },
] as const;

function allowed(logits: Float32Array): number[] {
  return [...logits.keys()].filter((id) => logits[id] !== -Infinity);
}

describe('TokenGrammar', () => {
  test('allows exactly the tokens whose bytes can follow', () => {
    fc.assert(
      fc.property(fc.constantFrom(...schemas), fc.array(fc.nat(), { maxLength: 24 }), (schema, picks) => {
        const grammar = jsonSchemaGrammar(schema);
        const shared = new TokenGrammar(grammar, table);
        const constraint = shared.constraint([stop]);
        const written: number[] = [];
        for (const pick of picks) {
          const logits = new Float32Array(vocabulary.size).fill(1);
          constraint.mask(logits);
          const found = allowed(logits);
          const expected = tokens.flatMap((bytes, id) => {
            if (bytes === null || bytes.length === 0) return [];
            const copy = new TokenGrammar(grammar, table).constraint([stop]);
            for (const each of written) copy.accept(each);
            try {
              copy.accept(id);
              return [id];
            } catch {
              return [];
            }
          });
          if (constraint.accepting || expected.length === 0) expected.unshift(stop);
          expect(found).toEqual(expected);
          if (constraint.finished) return;
          const id = found[pick % found.length] ?? stop;
          if (id === stop) {
            const bytes = Uint8Array.from(written.flatMap((each) => [...(tokens[each] ?? [])]));
            expect(accepts(grammar, new TextDecoder().decode(bytes))).toBe(true);
            return;
          }
          constraint.accept(id);
          written.push(id);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('texts of one grammar do not meet', () => {
    const grammar = new TokenGrammar(jsonSchemaGrammar({ enum: ['a', 'b'] }), table);
    const [one, two] = [grammar.constraint([stop]), grammar.constraint([stop])];
    const byte = (text: string) => 1 + (utf8.encode(text)[0] ?? 0);
    for (const id of ['"', 'a', '"'].map(byte)) one.accept(id);
    expect([one.finished, two.finished]).toEqual([true, false]);
    for (const id of ['"', 'b'].map(byte)) two.accept(id);
    expect(() => two.accept(byte('a'))).toThrow('expected one that the grammar allows');
    two.accept(byte('"'));
    expect(two.finished).toBe(true);
  });

  test('where a text may end but need not, stop tokens keep their logits', () => {
    const constraint = new TokenGrammar(jsonSchemaGrammar({ type: 'integer' }), table).constraint([stop]);
    const logits = () => new Float32Array(vocabulary.size).fill(0.5);
    const first = logits();
    constraint.mask(first);
    expect(first[stop]).toBe(-Infinity);
    constraint.accept(1 + 0x31);
    const second = logits();
    constraint.mask(second);
    expect([second[stop], constraint.accepting, constraint.finished]).toEqual([0.5, true, false]);
    expect(allowed(second)).toEqual([
      stop,
      ...Array.from({ length: 10 }, (_, digit) => 1 + 0x30 + digit),
      257 + texts.indexOf('12'),
    ]);
  });
});
