// A checkpoint of random weights, for measurements of any size.
//
//   node random-checkpoint/main.ts --out FOLDER [--hidden 1024] [--intermediate 2048] [--layers 12] [--experts 8]
//     [--experts-per-token 2] [--heads 16] [--key-value-heads 4] [--vocabulary 4096] [--context 4096] [--seed 1]
import { parseArgs } from 'node:util';
import { type MoeShape, smallMixtral } from './shape.ts';
import { writeRandomCheckpoint } from './write.ts';

const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const sizes = Object.keys(smallMixtral) as (keyof MoeShape)[];
const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: { out: text, seed: text, ...Object.fromEntries(sizes.map((name) => [dashed(name), text])) },
});
const given: Readonly<Record<string, string | undefined>> = values;
const { out } = given;

/** @throws Error for an option that is no whole number of 1 or more */
function whole(name: string, fallback: number): number {
  const number = given[name] === undefined ? fallback : Number(given[name]);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw new Error(`--${name}: expected a whole number of 1 or more, found ${given[name]}`);
}

if (out === undefined) throw new Error('--out: expected a folder');
const shape = Object.fromEntries(
  sizes.map((name) => [name, whole(dashed(name), smallMixtral[name])]),
) as Record<keyof MoeShape, number>;
const bytes = await writeRandomCheckpoint(out, shape, whole('seed', 1));
console.log(`${out}: ${(bytes / 1e9).toFixed(3)} GB of bfloat16`);
