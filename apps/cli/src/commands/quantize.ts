// moeq quantize: a checkpoint in, a smaller one out, and an account of every byte.
import type { QuantizeReport } from '@moeq/convert';
import { loadPlugins, loadRecipe, quantizeCheckpoint } from '@moeq/convert/node';
import { Command, Option } from 'commander';
import type { Io } from '../io.js';
import { collect, part } from '../options.js';
import { progressBar } from '../progress.js';
import { printReport } from '../role-table.js';

interface Options {
  readonly out: string;
  readonly recipe: string;
  readonly plugin?: readonly string[];
  readonly allowRouterQuantization?: true;
  readonly overwrite?: true;
  readonly resume?: true;
  readonly shard?: { readonly index: number; readonly of: number };
  readonly json?: true;
}

const help = `
Recipes, by name:
  nf4      experts in NF4, block 64, double-quantized; all else as it is (the default)
  nf4-all  also attention, dense MLPs and shared experts in NF4, the head in int8
  int4     experts in int4
  int8     experts in int8
  mixed    experts in NF4, attention and shared experts in int8
A file ends in .json or .mjs: rules of role -> format, or transformers' BitsAndBytesConfig.

Examples:
  moeq quantize tiny-moe --out ./tiny-moe-nf4
  moeq quantize ./Mixtral-8x7B --out ./mixtral --recipe mixed --overwrite
  moeq quantize ./Mixtral-8x7B --out ./mixtral --plugin ./mine.mjs --recipe mine

The checkpoint is read tensor by tensor, never whole. DIR appears when it is complete, and not before.
With --resume, parts are kept in DIR.parts until it is; the output is written twice. With --shard, several
machines share the work, and moeq merge puts their folders together.`;

export function quantize(io: Io): Command {
  return new Command('quantize')
    .summary('quantize a checkpoint into a new folder')
    .description('Quantizes a checkpoint by recipe into a new folder and accounts for every byte.')
    .argument('[model]', 'a folder, or tiny-moe', 'tiny-moe')
    .requiredOption('-o, --out <dir>', 'folder to write, absent or empty')
    .option('-r, --recipe <name|file>', 'which format each role gets', 'nf4')
    .option('--plugin <file>', 'module with a quantizer of your own; may be repeated', collect)
    .option('--allow-router-quantization', 'let the recipe quantize routers, with a warning')
    .option('--overwrite', 'replace a checkpoint that is in the folder')
    .addOption(
      new Option('--resume', 'work in parts that survive; run again, go on behind them').conflicts('shard'),
    )
    .option('--shard <i/n>', 'only part i of n, for moeq merge', part)
    .option('--json', 'print one JSON document instead of the table')
    .addHelpText('after', help)
    .action((model: string, options: Options) => runQuantize(io, model, options));
}

async function runQuantize(io: Io, model: string, options: Options): Promise<void> {
  const quantizers = await loadPlugins(options.plugin ?? []);
  const recipe = await loadRecipe(options.recipe, quantizers);
  const progress = progressBar(io, 'quantizing');
  let report: QuantizeReport;
  try {
    report = await quantizeCheckpoint({
      model,
      out: options.out,
      recipe,
      quantizers,
      allowRouterQuantization: options.allowRouterQuantization === true,
      overwrite: options.overwrite === true,
      resume: options.resume === true,
      shard: options.shard,
      signal: io.signal,
      onProgress: ({ bytesDone, bytesTotal, tensor }) => progress.update(bytesDone, bytesTotal, tensor),
    });
  } finally {
    progress.stop();
  }
  printReport(io, report, options.json === true);
}
