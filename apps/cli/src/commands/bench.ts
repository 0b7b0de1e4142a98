// moeq bench: how fast a model reads and writes, and how much memory traffic that is.

import { type Benchmark, benchmark, weightBytesPerToken } from '@moeq/evaluate';
import { counted, formatBytes } from '@moeq/tensors';
import { Command } from 'commander';
import { type Io, note, painter, peakRssBytes, printJson, writeNow } from '../io.js';
import { type ContextOption, contextOption, oneText } from '../model-needs.js';
import { type ModelOptions, type OpenedModel, open, withModelOptions } from '../model-options.js';
import { wholeNumber } from '../options.js';
import { progressBar } from '../progress.js';
import { grid } from '../table.js';

interface Options extends ModelOptions, ContextOption {
  readonly promptTokens?: number;
  readonly decodeTokens?: number;
  readonly repetitions: number;
  readonly json?: true;
}

const help = `
Examples:
  moeq bench
  moeq bench ./mixtral-nf4 --prompt-tokens 512 --decode-tokens 128
  moeq bench tiny-moe --backend webgpu
  moeq bench tiny-moe --backend reference --json

Prompts are random tokens, so that all experts take part; figures are medians. The bandwidth counts the bytes
of weights that each token reads: of the experts those that the router chose, of all else everything. On a GPU
the adapter is named, and the time that compiling its shaders took.`;

export function bench(io: Io): Command {
  return withModelOptions(
    new Command('bench')
      .summary('measure how fast a model runs')
      .description('Measures how fast a model reads a prompt and writes a text.'),
  )
    .option('--prompt-tokens <count>', 'tokens to read (default: 128)', wholeNumber({ min: 1 }))
    .option('--decode-tokens <count>', 'tokens to write (default: 64)', wholeNumber({ min: 2 }))
    .option('--repetitions <count>', 'runs after the first, which warms up', wholeNumber({ min: 1 }), 5)
    .addOption(contextOption())
    .option('--json', 'print one JSON document instead of the table')
    .addHelpText('after', help)
    .action(async (name: string, options: Options) => {
      const { promptTokens, decodeTokens, repetitions } = options;
      await using opened = await open(io, name, options, oneText(options));
      await compile(io, opened);
      const progress = progressBar(io, 'measuring', 'runs');
      const onProgress = (done: number, total: number) => {
        progress.update(done, total, '');
        return writeNow(io.stdout, '');
      };
      const { signal } = io;
      const settings = { promptTokens, decodeTokens, repetitions, onProgress, signal };
      const result = await benchmark(opened.model, settings).finally(progress.stop);
      const bytes = weightBytesPerToken(opened.source);
      const { backend, gpu } = opened;
      const document = {
        model: name,
        backend: backend.name,
        ...(gpu !== null && { adapter: gpu.description, compileSeconds: gpu.stats().compileSeconds }),
        threads: backend.threads,
        prefillTokensPerSecond: result.prefillTokensPerSecond,
        decodeTokensPerSecond: result.decodeTokensPerSecond,
        weightBytesPerToken: bytes,
        effectiveGigabytesPerSecond: (bytes * result.decodeTokensPerSecond) / 1e9,
        peakRssBytes: peakRssBytes(),
      };
      if (options.json === true) printJson(io, document);
      else {
        io.stdout.write(tableOf(document, result, painter(io.stdout)));
        const compiled = gpu === null ? '' : ` · compiled in ${gpu.stats().compileSeconds.toFixed(1)} s`;
        note(io, `${name} · ${backend.description}${compiled} · median of ${counted(repetitions, 'run')}`);
      }
    });
}

/** What a GPU runs is compiled first, under a bar; the figures are of what is compiled. */
async function compile(io: Io, { model }: OpenedModel): Promise<void> {
  const progress = progressBar(io, 'compiling', 'shaders');
  await model.warmUp((ready, total) => progress.update(ready, total, '')).finally(progress.stop);
}

interface Figures {
  readonly prefillTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
  readonly weightBytesPerToken: number;
  readonly effectiveGigabytesPerSecond: number;
  readonly peakRssBytes: number;
}

function tableOf(figures: Figures, run: Benchmark, paint: ReturnType<typeof painter>): string {
  const rate = (value: number) => `${value.toFixed(value < 100 ? 1 : 0)} tokens/s`;
  const rows = [
    [`read ${counted(run.promptTokens, 'token')}`, rate(figures.prefillTokensPerSecond)],
    [`write ${counted(run.decodeTokens, 'token')}`, rate(figures.decodeTokensPerSecond)],
    ['weights read per token', formatBytes(figures.weightBytesPerToken)],
    ['bandwidth of writing', `${figures.effectiveGigabytesPerSecond.toFixed(2)} GB/s`],
    ['memory at most', formatBytes(figures.peakRssBytes)],
  ];
  return `\n${grid({ head: ['', 'median'], rows, align: 'lr', paint })}\n\n`;
}
