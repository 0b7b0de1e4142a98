// How fast the CPU backend multiplies, a row for every kind of matrix: one token, where codes are read once, in GB/s of
// stored bytes, scales included, beside plain reading; and many tokens, in Gop/s (a multiplication and an addition are two).
//
//   node kernel-rate/main.ts [--threads 1,2] [--tokens 64] [--runs 7]
import { parseArgs } from 'node:util';
import type { MatrixData } from '@moeq/kernels';
import { wasmBackend } from '@moeq/wasm';
import { median } from '../median.ts';
import { quantizers, searched } from '../quantizers.ts';
import { plain, quantized, shape } from './matrices.ts';
import { readBandwidth } from './read-bandwidth.ts';

const { values } = parseArgs({
  options: {
    threads: { type: 'string', default: '1,2' },
    tokens: { type: 'string', default: '64' },
    runs: { type: 'string', default: '7' },
  },
});
const threadCounts = values.threads.split(',').map(Number);
const [many, runs] = [Number(values.tokens), Number(values.runs)];
const [rows, columns] = shape;

/** Longer together than the caches of most machines. */
const leastBytes = 96e6;
const copiesForMany = 4;

interface Rates {
  /** GB/s */
  readonly one: number;
  /** Gop/s */
  readonly many: number;
}

async function rates(data: MatrixData, threads: number): Promise<Rates> {
  const backend = await wasmBackend({ threads });
  const first = await backend.loadWeight([data]);
  const weights = [first];
  while (weights.length * first.bytes < leastBytes) weights.push(await backend.loadWeight([data]));
  const seconds = async (tokens: number, count: number): Promise<number> => {
    const x = Float32Array.from({ length: tokens * columns }, (_, i) => Math.cos(i * 7.233));
    const times: number[] = [];
    for (let run = -2; run < runs; run++) {
      const before = performance.now();
      await backend.step(async (step) => {
        const input = step.input(x, tokens);
        for (const weight of weights.slice(0, count)) step.linear(input, weight);
      });
      if (run >= 0) times.push((performance.now() - before) / 1000);
    }
    return median(times);
  };
  const one = (weights.length * first.bytes) / (await seconds(1, weights.length)) / 1e9;
  const operations = 2 * rows * columns * many * copiesForMany;
  const result = { one, many: operations / (await seconds(many, copiesForMany)) / 1e9 };
  await backend.destroy();
  return result;
}

const line = (cells: readonly string[]) => console.log(`| ${cells.join(' | ')} |`);
const counted = (threads: number) => `${threads} thread${threads === 1 ? '' : 's'}`;
line([
  `${rows} x ${columns}`,
  ...threadCounts.map((threads) => `1 token, ${counted(threads)}: GB/s`),
  ...threadCounts.map((threads) => `${many} tokens, ${counted(threads)}: Gop/s`),
]);
line(['---', ...threadCounts.flatMap(() => ['---', '---'])]);
const reading: string[] = [];
for (const threads of threadCounts) reading.push((await readBandwidth(threads)).toFixed(1));
line(['plain reading', ...reading, ...threadCounts.map(() => '')]);
const matrices: [string, () => MatrixData][] = [
  // searched scales are read as others are
  ...Object.entries(quantizers)
    .filter(([name]) => name !== searched)
    .map(([name, quantizer]) => [name, () => quantized(quantizer)] as [string, () => MatrixData]),
  ...Object.entries(plain()).map(([name, data]) => [name, () => data] as [string, () => MatrixData]),
];
for (const [name, make] of matrices) {
  const data = make();
  const measured: Rates[] = [];
  for (const threads of threadCounts) measured.push(await rates(data, threads));
  line([name, ...measured.map(({ one }) => one.toFixed(1)), ...measured.map(({ many }) => many.toFixed(1))]);
}
