// moeq quantize: a checkpoint in, a smaller one out, and an account of every byte.
import type { QuantizeReport } from '@moeq/convert';
import {
  convertToGguf,
  loadPlugins,
  loadRecipe,
  type QuantizeProgress,
  quantizeCheckpoint,
} from '@moeq/convert/node';
import { MoeqError } from '@moeq/tensors';
import { wasmEncoder } from '@moeq/wasm';
import { Command, Option } from 'commander';
import type { Io } from '../io.js';
import { allowLinks, collect, part } from '../options.js';
import { progressBar } from '../progress.js';
import { printReport } from '../role-table.js';

interface Options {
  readonly out: string;
  readonly to: 'safetensors' | 'gguf';
  readonly recipe?: string;
  readonly plugin?: readonly string[];
  readonly allowRouterQuantization?: true;
  readonly allowLinks?: true;
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
With --to gguf, for llama.cpp, DIR is a file, and recipes are its types:
  iq4_nl, q4_0, q8_0   experts in that type; all else as it is (the default is iq4_nl)
  f16, bf16, f32       everything in that type
A file of these is an object of types by role. Routers and norms are f32.

Examples:
  moeq quantize tiny-moe --out ./tiny-moe-nf4
  moeq quantize ./Mixtral-8x7B --out ./mixtral --recipe mixed --overwrite
  moeq quantize ./Mixtral-8x7B --out ./mixtral --plugin ./mine.mjs --recipe mine
  moeq quantize ./Mixtral-8x7B --out ./mixtral.gguf --to gguf --recipe q8_0

The checkpoint is read tensor by tensor, never whole. DIR appears when it is complete, and not before.
With --resume, parts are kept in DIR.parts until it is; the output is written twice. A DIR that is
the finished result already, byte for byte, stays, and the command ends well. With --shard, several
machines share the work, and moeq merge puts their folders together.`;

export function quantize(io: Io): Command {
  return new Command('quantize')
    .summary('quantize a checkpoint into a new folder')
    .description('Quantizes a checkpoint by recipe into a new folder and accounts for every byte.')
    .argument('[model]', 'a folder, a .gguf file, the URL of either, hf:org/name, or tiny-moe', 'tiny-moe')
    .requiredOption('-o, --out <dir>', 'folder to write, absent or empty')
    .addOption(
      new Option('--to <container>', 'what to write').choices(['safetensors', 'gguf']).default('safetensors'),
    )
    .option('-r, --recipe <name|file>', 'which format each role gets (default: nf4)')
    .option('--plugin <file>', 'module with a quantizer of your own; may be repeated', collect)
    .option('--allow-router-quantization', 'let the recipe quantize routers, with a warning')
    .addOption(allowLinks())
    .option('--overwrite', 'replace a checkpoint that is there')
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
  const progress = progressBar(io, options.to === 'gguf' ? 'converting' : 'quantizing');
  const common = {
    model,
    allowLinks: options.allowLinks === true,
    out: options.out,
    quantizers,
    overwrite: options.overwrite === true,
    signal: io.signal,
    onProgress: ({ bytesDone, bytesTotal, tensor }: QuantizeProgress) =>
      progress.update(bytesDone, bytesTotal, tensor),
  };
  const encoder = wasmEncoder();
  let report: QuantizeReport;
  try {
    report =
      options.to === 'gguf'
        ? await convertToGguf({ ...common, recipe: await ggufRecipe(options) })
        : await quantizeCheckpoint({
            ...common,
            recipe: await loadRecipe(options.recipe ?? 'nf4', quantizers),
            allowRouterQuantization: options.allowRouterQuantization === true,
            encoder,
            resume: options.resume === true,
            shard: options.shard,
          });
  } finally {
    progress.stop();
    await encoder.close();
  }
  printReport(io, report, options.json === true);
}

/** A type's name, or what a file of types by role holds. @throws MoeqError for an option that is not for GGUF */
async function ggufRecipe({ recipe, resume, shard, allowRouterQuantization }: Options): Promise<unknown> {
  const others = {
    '--resume': resume,
    '--shard': shard,
    '--allow-router-quantization': allowRouterQuantization,
  };
  const other = Object.entries(others).find(([, value]) => value !== undefined);
  if (other !== undefined) {
    throw new MoeqError({
      operation: 'quantize',
      subject: 'command line',
      expected: 'an option that goes with --to gguf',
      found: other[0],
    });
  }
  return recipe !== undefined && /\.(json|m?js)$/.test(recipe) ? loadRecipe(recipe) : recipe;
}
