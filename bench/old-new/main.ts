// Whether a change made anything slower: two checkouts of this repository, both built, measured in turn in one process on
// the same model, and in several processes, since each is compiled a little differently. A ratio above 1 means that the new
// one is faster.
//
//   node old-new/main.ts --old FOLDER [--new FOLDER] [--model tiny-moe] [--recipes nf4-all,bf16] [--processes 5] [--pairs 9]
//     [--threads 2] [--prompt 128] [--decode 64] [--texts 8] [--quantize FOLDER]
//
// FOLDER of --old and --new is a checkout whose packages are built; that of --quantize is the checkpoint that `moeq quantize`
// reads in processes of its own, the model unless given.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { median } from '../median.ts';
import type { Pair, Probe, Rates } from './probe.ts';

const { values } = parseArgs({
  options: {
    old: { type: 'string' },
    new: { type: 'string', default: fileURLToPath(new URL('../../', import.meta.url)) },
    model: { type: 'string', default: 'tiny-moe' },
    recipes: { type: 'string', default: 'nf4-all,bf16' },
    processes: { type: 'string', default: '5' },
    pairs: { type: 'string', default: '9' },
    threads: { type: 'string', default: '2' },
    prompt: { type: 'string', default: '128' },
    decode: { type: 'string', default: '64' },
    texts: { type: 'string', default: '8' },
    quantize: { type: 'string' },
  },
});
if (values.old === undefined) throw new Error('--old: expected the folder of a built checkout');
const sides = { old: resolve(values.old), new: resolve(values.new) } as const;
const [processes, pairs] = [Number(values.processes), Number(values.pairs)];
/** `bf16`: the model as it is. */
const recipes = values.recipes.split(',');

const execute = promisify(execFile);
const node = async (...args: string[]): Promise<string> =>
  (await execute(process.execPath, args, { maxBuffer: 1 << 26 })).stdout;
const command = (checkout: string): string => join(checkout, 'apps/cli/dist/bin.js');

const folder = await mkdtemp(join(tmpdir(), 'moeq-old-new-'));
try {
  console.log(
    `${processes} processes of ${pairs} pairs, ${values.threads} threads; lowest and highest of the medians of processes\n`,
  );
  console.log('| | old | new | new / old | lowest | highest |\n| --- | --- | --- | --- | --- | --- |');
  for (const recipe of recipes) await compareRuns(recipe);
  await compareQuantizing();
} finally {
  await rm(folder, { recursive: true });
}

async function compareRuns(recipe: string): Promise<void> {
  const model = recipe === 'bf16' ? values.model : join(folder, recipe);
  if (recipe !== 'bf16')
    await node(command(sides.old), 'quantize', values.model, '--out', model, '--recipe', recipe);
  const probe = fileURLToPath(new URL('probe.ts', import.meta.url));
  const given: Probe = {
    checkouts: sides,
    model,
    pairs,
    threads: Number(values.threads),
    promptTokens: Number(values.prompt),
    decodeTokens: Number(values.decode),
    texts: Number(values.texts),
  };
  const measured: Rates[] = [];
  for (let run = 0; run < processes; run++)
    measured.push(JSON.parse(await node(probe, JSON.stringify(given))));
  const rows = {
    load: 'load, 1/s',
    prefill: 'prefill, tokens/s',
    decode: 'decode, tokens/s',
    batch: `batch of ${values.texts}, tokens/s`,
  };
  for (const [name, row] of Object.entries(rows) as [keyof Rates, string][])
    printRow(
      `${recipe}: ${row}`,
      measured.map((rates) => rates[name]),
    );
}

async function compareQuantizing(): Promise<void> {
  const source = values.quantize ?? values.model;
  const rate = async (checkout: string): Promise<number> => {
    const out = join(folder, 'quantized');
    const began = performance.now();
    await node(command(checkout), 'quantize', source, '--out', out, '--recipe', 'nf4-all', '--overwrite');
    return 1000 / (performance.now() - began);
  };
  const rates: Pair[][] = [];
  for (let pair = 0; pair <= processes; pair++) {
    const first = pair % 2 === 0 ? 'old' : 'new';
    const found = { old: 0, new: 0 };
    for (const side of [first, first === 'old' ? 'new' : 'old'] as const)
      found[side] = await rate(sides[side]);
    if (pair > 0) rates.push([found]); // the first fills caches
  }
  printRow('`moeq quantize --recipe nf4-all`, 1/s', rates);
}

/** @param rates of each process */
function printRow(name: string, rates: readonly (readonly Pair[])[]): void {
  const ratio = (pairs: readonly Pair[]) => median(pairs.map((pair) => pair.new / pair.old));
  const ofProcesses = rates.map(ratio).toSorted((a, b) => a - b);
  const all = rates.flat();
  const cells = [
    ...(['old', 'new'] as const).map((side) => median(all.map((pair) => pair[side])).toPrecision(4)),
    ...[ratio(all), ofProcesses[0], ofProcesses.at(-1)].map((each) => each?.toFixed(3)),
  ];
  console.log(`| ${name} | ${cells.join(' | ')} |`);
}
