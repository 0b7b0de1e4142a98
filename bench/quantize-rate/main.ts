// How fast weights are quantized, in GB/s of bfloat16 input: kernels on one and two threads, plain TypeScript, bitsandbytes
// on the CPU, and the whole command.
//
//   node quantize-rate/main.ts [--runs 5] [--python PYTHON] [--folder FOLDER]
//
// PYTHON has torch and bitsandbytes; FOLDER is where the whole command reads and writes (2 GB and 0.7 GB).
import { parseArgs } from 'node:util';
import { quantizers } from '../quantizers.ts';
import { commandRates } from './command.ts';
import { bitsandbytesRate, encoderRate, plainRate } from './matrix.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    python: { type: 'string' },
    folder: { type: 'string' },
  },
});
const runs = Number(values.runs);
const matrices = 8;

const cell = (rate: number): string => rate.toFixed(2);

console.log('| GB/s of bfloat16 | 1 thread | 2 threads | plain TypeScript |\n| --- | --- | --- | --- |');
for (const [name, quantizer] of Object.entries(quantizers)) {
  const one = await encoderRate(quantizer, 1, runs, matrices);
  const two = await encoderRate(quantizer, 2, runs, matrices);
  console.log(`| ${name} | ${cell(one)} | ${cell(two)} | ${cell(plainRate(quantizer, Math.min(runs, 3)))} |`);
}
if (values.python !== undefined) {
  const one = bitsandbytesRate(values.python, 1, runs);
  const two = bitsandbytesRate(values.python, 2, runs);
  console.log(`| ${one.version}: nf4, double-quantized | ${cell(one.rate)} | ${cell(two.rate)} | |`);
}

const { gigabytes, process, report, plain, peakRssBytes } = await commandRates(runs, values.folder);
console.log(`
| \`moeq quantize\`, recipe nf4, ${gigabytes.toFixed(2)} GB | |
| --- | --- |
| GB/s, from the start of the process to its end | ${cell(process)} |
| GB/s, seconds of its report | ${cell(report)} |
| GB/s, the same in plain TypeScript | ${cell(plain)} |
| peak RSS | ${(peakRssBytes / 1e6).toFixed(0)} MB |`);
