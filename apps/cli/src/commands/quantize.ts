// moeq quantize: a checkpoint in, a smaller one out, and an account of every byte.
import type { QuantizeReport } from '@moeq/convert';
import {
  convertToGguf,
  loadPlugins,
  loadRecipe,
  type QuantizeProgress,
  quantizeCheckpoint,
} from '@moeq/convert/node';
import { ggufModelTypes, proposeRoles } from '@moeq/loader';
import { resolveModel } from '@moeq/loader/node';
import { isMoeqError, MoeqError, quote } from '@moeq/tensors';
import { wasmEncoder } from '@moeq/wasm';
import { Command, Option } from 'commander';
import { type Io, note } from '../io.js';
import { allowLinks, collect, part } from '../options.js';
import { progressBar } from '../progress.js';
import { assertRecipeOf, type Container, recipeHelp } from '../recipes.js';
import { printReport } from '../role-table.js';
import { readRoles } from '../roles-file.js';
import { proposalTable } from '../roles-table.js';

interface Options {
  readonly out: string;
  readonly to: Container;
  readonly recipe?: string;
  readonly plugin?: readonly string[];
  readonly roles?: string;
  readonly allowRouterQuantization?: true;
  readonly requantize?: true;
  readonly allowLinks?: true;
  readonly overwrite?: true;
  readonly resume?: true;
  readonly shard?: { readonly index: number; readonly of: number };
  readonly json?: true;
}

/** Names with commas between them, in lines of a terminal. */
function lines(names: readonly string[]): string {
  const wrapped = names.join(', ').replace(/(.{60,90}),\s/g, '$1,\n  ');
  return `  ${wrapped}`;
}

const help = `
${recipeHelp()}
A recipe file ends in .json or .mjs. Of --to safetensors it holds rules of role -> format, or the fields of
transformers' BitsAndBytesConfig; of --to gguf an object of types by role, { "expert": "iq4_nl" }.
Routers are kept, and are f32 in GGUF, as are norms.
What is quantized in the model already, such as the mxfp4 experts of gpt-oss, stays as it is, byte for byte;
--requantize decodes it and quantizes it by the recipe. FP8 blocks of DeepSeek count as bf16.

With --to gguf, for llama.cpp, the output is one file, and the model's type (model_type in config.json)
is one of
${lines(ggufModelTypes)}.

Examples:
  moeq quantize tiny-moe --out ./tiny-moe-nf4
  moeq quantize ./Mixtral-8x7B --out ./mixtral --recipe mixed --overwrite
  moeq quantize ./Mixtral-8x7B --out ./mixtral --plugin ./mine.mjs --recipe mine
  moeq quantize ./mine --out ./mine-nf4 --roles roles.json
  moeq quantize ./Mixtral-8x7B --out ./mixtral.gguf --to gguf --recipe q8_0

The checkpoint is read tensor by tensor, never whole. The output appears when it is complete, and not
before. With --resume, what is done is kept in OUT.parts until then, and the same command typed again goes on
from there. With --shard, several machines share the work, and moeq merge makes one checkpoint of
their folders.`;

export function quantize(io: Io): Command {
  return new Command('quantize')
    .summary('quantize a checkpoint into a new folder')
    .description('Quantizes a checkpoint by recipe into a new folder and accounts for every byte.')
    .argument('[model]', 'a folder, a .gguf file, the URL of either, hf:org/name, or tiny-moe', 'tiny-moe')
    .requiredOption('-o, --out <path>', 'folder to write, absent or empty; with --to gguf, a file')
    .addOption(
      new Option('--to <container>', 'what to write: a folder of safetensors, or a file for llama.cpp')
        .choices(['safetensors', 'gguf'])
        .default('safetensors'),
    )
    .option('-r, --recipe <name|file>', 'which format each role gets (default: nf4; of gguf iq4_nl)')
    .option('--plugin <file>', 'module with a quantizer of your own; may be repeated', collect)
    .option('--allow-router-quantization', 'let the recipe quantize routers, with a warning')
    .option('--roles <file>', 'of a model type that is not known: the roles of its tensors')
    .option('--requantize', 'quantize again, as the recipe says, what is quantized in the model')
    .addOption(allowLinks())
    .option('--overwrite', 'replace a checkpoint or file that is there')
    .addOption(
      new Option('--resume', 'keep what is done; the same command again goes on from there').conflicts(
        'shard',
      ),
    )
    .option('--shard <i/n>', 'only part i of n, for moeq merge', part)
    .option('--json', 'print one JSON document instead of the table')
    .addHelpText('after', help)
    .action(async (model: string, options: Options) => {
      await runQuantize(io, model, options).catch(async (error: unknown) => {
        throw await withProposal(error, io, model, options);
      });
    });
}

async function runQuantize(io: Io, model: string, options: Options): Promise<void> {
  if (options.recipe !== undefined) assertRecipeOf(options.to, options.recipe);
  const quantizers = await loadPlugins(options.plugin ?? []);
  const roles = options.roles === undefined ? undefined : await readRoles(options.roles);
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
            requantize: options.requantize === true,
            roles,
            encoder,
            resume: options.resume === true,
            shard: options.shard,
          });
  } finally {
    progress.stop();
    await encoder.close();
  }
  printReport(io, report, options.json === true);
  if (options.shard !== undefined && options.json !== true) note(io, afterPart(options.shard));
}

/** Of a model type that is not known, prints the roles that its tensors seem to have. @returns the error that says what to do */
async function withProposal(
  error: unknown,
  io: Io,
  model: string,
  { to, allowLinks }: Options,
): Promise<unknown> {
  if (to !== 'safetensors' || !isMoeqError(error, 'unknownArchitecture')) return error;
  const proposal = await proposeRoles(await resolveModel(model, { allowLinks: allowLinks === true }));
  if (proposal === null) return error;
  io.stderr.write(proposalTable(proposal, io.stderr));
  return new MoeqError({
    operation: 'quantize',
    subject: model,
    expected:
      '--roles FILE with the role of each tensor, as moeq inspect --propose-roles FILE writes it, for a model type that is not known',
    found: `model_type ${quote(proposal.modelType)} and no --roles`,
    cause: error,
  });
}

function afterPart({ index, of }: NonNullable<Options['shard']>): string {
  return `part ${index} of ${of}: moeq merge makes a checkpoint of all parts`;
}

/** A type's name, or what a file of types by role holds. @throws MoeqError for an option that is not for GGUF */
async function ggufRecipe(options: Options): Promise<unknown> {
  const { recipe } = options;
  const others = {
    '--resume': options.resume,
    '--shard': options.shard,
    '--allow-router-quantization': options.allowRouterQuantization,
    '--requantize': options.requantize,
    '--roles': options.roles,
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
