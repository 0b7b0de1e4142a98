// Whether the fuzzer finds what it is there to find, and whether every parser stands what its corpus holds.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fuzzParser } from './fuzz-parser.ts';
import { judge } from './judge.ts';
import { parsers } from './parsers.ts';

/** Ends with the first find. */
const planted = (parser: string, seed: string, { inputs = 100_000, patience = 10_000 } = {}) =>
  fuzzParser({
    module: new URL('./testkit/planted.ts', import.meta.url).href,
    parser,
    corpus: [new TextEncoder().encode(seed)],
    inputs,
    seed: 2,
    patience,
    enough: 1,
  });

describe('planted faults are found', () => {
  test.each(['crash', 'sentence', 'noise', 'endless', 'memory'])('%s', async (kind) => {
    const { finds } = await planted(kind, 'mxx', { patience: kind === 'endless' ? 3000 : 10_000 });
    expect(finds.map((find) => find.kind)).toEqual([kind]);
    expect(new TextDecoder().decode(finds[0]?.input.subarray(0, 3))).toBe('moe');
  });

  test('a field of a document', async () => {
    const { finds } = await planted('field', '{"shape":[2,3]}');
    expect(finds[0]?.message).toContain('a negative length');
  });

  test('and where there is none, none', async () => {
    const { finds, tried } = await planted('sound', 'moe', { inputs: 2000 });
    expect([finds, tried]).toEqual([[], 2000]);
  });
});

describe('the corpus', () => {
  const folder = new URL('./corpus/', import.meta.url);

  test('is there for every parser', () => {
    expect(readdirSync(folder).sort()).toEqual(Object.keys(parsers).sort());
  });

  test.each(Object.entries(parsers))('%s', async (name, { read }) => {
    for (const file of readdirSync(new URL(`${name}/`, folder))) {
      const input = new Uint8Array(readFileSync(new URL(`${name}/${file}`, folder)));
      expect(await judge(read, input), file).toBeNull();
    }
  });
});
