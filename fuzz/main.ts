// npm run fuzz -- [parser...] --minutes N [--seed S]: fuzzes parsers one after the other, N minutes each, and prints a line
// for each. What is found lies in fuzz/finds; exit status 1 where there is any.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fuzzParser } from './fuzz-parser.ts';
import { parsers } from './parsers.ts';
import type { Find } from './worker.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
const names = positionals.length > 0 ? positionals : Object.keys(parsers);
const unknown = names.find((name) => !Object.hasOwn(parsers, name));
if (unknown !== undefined || !(minutes > 0) || !Number.isSafeInteger(seed)) {
  console.error(
    `usage: npm run fuzz -- [parser...] --minutes N [--seed S]\nparsers: ${Object.keys(parsers).join(' ')}`,
  );
  process.exit(2);
}

const finds = new URL('./finds/', import.meta.url);
const columns = (cells: readonly unknown[]) =>
  console.log(
    cells.map((cell, index) => (index === 0 ? String(cell).padEnd(20) : String(cell).padStart(12))).join(''),
  );

console.log(`${minutes} minutes a parser, seed ${seed}`);
columns(['parser', 'tried', 'per second', 'kept', 'code run', 'finds']);
for (const parser of names) {
  const result = await fuzzParser({
    module: new URL('./parsers.ts', import.meta.url).href,
    parser,
    corpus: corpusOf(parser),
    milliseconds: minutes * 60_000,
    seed,
  });
  const { tried, seconds, kept, covered } = result;
  columns([parser, tried, Math.round(tried / seconds), kept, covered, result.finds.length]);
  for (const find of result.finds) save(parser, find);
  if (result.finds.length > 0) process.exitCode = 1;
}

function corpusOf(parser: string): Uint8Array[] {
  const folder = new URL(`./corpus/${parser}/`, import.meta.url);
  return readdirSync(folder).map((name) => new Uint8Array(readFileSync(new URL(name, folder))));
}

function save(parser: string, { kind, message, input }: Find): void {
  const hash = createHash('sha256').update(input).digest('hex').slice(0, 8);
  const file = `${parser}-${kind}-${hash}`;
  mkdirSync(finds, { recursive: true });
  writeFileSync(new URL(file, finds), input);
  console.log(
    `  ${kind}: fuzz/finds/${file}, ${input.length} bytes\n    ${message.replaceAll('\n', '\n    ')}`,
  );
}
