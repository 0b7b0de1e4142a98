// moeq generate: text from a prompt, streamed to stdout as it comes.

import { text as readAll } from 'node:stream/consumers';
import type { GenerationResult } from '@moeq/runtime';
import { counted } from '@moeq/tensors';
import { Command } from 'commander';
import { type Io, note, painter, peakRssBytes, printJson, writeNow } from '../io.js';
import { type ContextOption, contextOption, oneText } from '../model-needs.js';
import { type ModelOptions, type OpenedModel, open, withModelOptions } from '../model-options.js';
import { type SamplingOptions, samplingOf, withSamplingOptions } from '../sampling-options.js';

interface Options extends ModelOptions, ContextOption, SamplingOptions {
  readonly prompt: string;
  readonly json?: true;
}

/** A beginning that any text may have, and that tiny-moe knows. */
const defaultPrompt = 'In the beginning';

/** Tokens where the command line does not say. */
const defaultTokens = 128;

const help = `
Examples:
  moeq generate
  moeq generate ./mixtral-nf4 -p "The sea" -n 100 --temperature 0.7 --seed 1
  moeq generate tiny-moe --recipe nf4 --greedy     quantize while loading
  echo "The sea" | moeq generate -p -              the prompt from stdin

Sampling that is not given follows the model's generation_config.json.
The text goes to stdout, all else to stderr.`;

export function generate(io: Io): Command {
  const command = withModelOptions(
    new Command('generate').summary('continue a text').description('Continues a prompt with a model.'),
  ).option('-p, --prompt <text>', 'what to continue; - reads it from stdin', defaultPrompt);
  return withSamplingOptions(command, defaultTokens)
    .addOption(contextOption())
    .option('--json', 'print one JSON document instead of the text')
    .addHelpText('after', help)
    .action(async (name: string, options: Options) => {
      const prompt = options.prompt === '-' ? await readAll(io.stdin) : options.prompt;
      await using opened = await open(io, name, options, { ...oneText(options), prompts: 'text' });
      const result = await write(io, opened, prompt, options);
      if (options.json === true) printJson(io, documentOf(name, opened, result));
      else note(io, summaryOf(opened, result, samplingOf(options).temperature === 0));
    });
}

async function write(
  io: Io,
  { model }: OpenedModel,
  prompt: string,
  options: Options,
): Promise<GenerationResult> {
  const quiet = options.json === true;
  if (!quiet) showPrompt(io, prompt);
  let result: GenerationResult | null = null;
  const settings = { ...samplingOf(options), signal: io.signal };
  for await (const piece of model.generate(prompt, settings)) {
    await writeNow(io.stdout, quiet ? '' : piece.text);
    result = piece.result ?? result;
  }
  if (!quiet) io.stdout.write('\n');
  if (result === null) throw new Error('The generation ended without a result.');
  return result;
}

/** In a terminal the text stands behind its prompt; the prompt is no result and stays out of stdout. */
function showPrompt({ stdout, stderr }: Io, prompt: string): void {
  if (stderr.isTTY !== true) return;
  stderr.write(painter(stderr)('dim', prompt) + (stdout.isTTY === true ? '' : '\n'));
}

function summaryOf(
  { backend, loadSeconds }: OpenedModel,
  { tokenIds, finishReason, timings, seed }: GenerationResult,
  isGreedy: boolean,
): string {
  const ends = { stop: 'ended', length: 'cut', stopString: 'stopped', aborted: 'interrupted' } as const;
  return [
    `${counted(tokenIds.length, 'token')}, ${ends[finishReason]}`,
    `${timings.decodeTokensPerSecond.toFixed(1)} tokens/s`,
    `loaded in ${loadSeconds.toFixed(1)} s`,
    backend.description,
    isGreedy ? 'greedy' : `seed ${seed}`,
  ].join(' · ');
}

/** The fields that the command promises. */
function documentOf(name: string, { model, backend, loadSeconds }: OpenedModel, result: GenerationResult) {
  const { text, tokenIds, promptTokenIds, finishReason, timings } = result;
  const { prefillTokensPerSecond, decodeTokensPerSecond } = timings;
  return {
    model: name,
    backend: backend.name,
    threads: backend.threads,
    text,
    tokenIds,
    promptTokenIds,
    finishReason,
    timings: { loadSeconds, prefillTokensPerSecond, decodeTokensPerSecond },
    memory: { ...model.memory, peakRssBytes: peakRssBytes() },
  };
}
