// The options of every command that runs a model, and the model that they ask for.

import { freemem } from 'node:os';
import { loadPlugins, loadRecipe } from '@moeq/convert/node';
import type { Backend } from '@moeq/kernels';
import type { OpenedModel as ModelFiles } from '@moeq/loader';
import { openModel } from '@moeq/loader/node';
import { type GpuFormat, type Quantizer, recipes } from '@moeq/quantizers';
import {
  assertTakes,
  createModel,
  type LoadProgress,
  MemoryError,
  type Model,
  modelPlan,
  modelSize,
} from '@moeq/runtime';
import { counted } from '@moeq/tensors';
import { wasmEncoder } from '@moeq/wasm';
import type { Command } from 'commander';
import { type BackendName, backendNames, isGpuError, type OpenedBackend, openBackend } from './backend.js';
import { type Io, note, warn } from './io.js';
import { memoryWarning, withAdvice } from './memory-advice.js';
import type { ModelNeeds } from './model-needs.js';
import { allowLinks, collect, oneOf, wholeNumber } from './options.js';
import { progressBar } from './progress.js';
import { givenVariables, type TemplateVariables, unreadVariables } from './template-variables.js';

export interface ModelOptions {
  readonly recipe?: string;
  readonly plugin?: readonly string[];
  readonly allowRouterQuantization?: true;
  readonly allowLinks?: true;
  readonly backend: BackendName;
  readonly threads?: number;
  readonly templateVariable?: TemplateVariables;
}

/** Adds the argument [model] and the options above. */
export function withModelOptions(command: Command): Command {
  return command
    .argument('[model]', 'a folder, a .gguf file, the URL of either, hf:org/name, or tiny-moe', 'tiny-moe')
    .option(
      '-r, --recipe <name|file>',
      `quantize while loading: ${Object.keys(recipes).join(', ')}, or a file`,
    )
    .option('--plugin <file>', 'module with a quantizer of your own; may be repeated', collect)
    .option('--allow-router-quantization', 'let the recipe quantize routers')
    .addOption(allowLinks())
    .option(
      '--backend <name>',
      `what computes: ${backendNames.join(', ')}; auto: the GPU if there is one`,
      oneOf(backendNames),
      'auto',
    )
    .option(
      '--threads <count>',
      'threads that compute (default: one for each core)',
      wholeNumber({ min: 1, max: 1024 }),
    );
}

export interface OpenedSource extends ModelFiles {
  /** From plugins. */
  readonly quantizers: readonly Quantizer[];
}

/**
 * Opens the model of a command, its weights unread. Close it afterwards.
 * @param runsFormat whether the backend runs a format that no layout describes
 * @throws MoeqError from opening
 */
export async function openSource(
  name: string,
  { plugin = [], recipe, allowRouterQuantization, allowLinks }: Pick<ModelOptions, SourceOption>,
  runsFormat: (format: string) => boolean = () => false,
): Promise<OpenedSource> {
  const quantizers = await loadPlugins(plugin);
  const own = { quantizers, runsFormat, allowLinks: allowLinks === true };
  if (recipe === undefined) return { ...(await openModel(name, own)), quantizers };
  const encoder = wasmEncoder();
  try {
    const model = await openModel(name, {
      ...own,
      allowRouterQuantization: allowRouterQuantization === true,
      recipe: await loadRecipe(recipe, quantizers),
      encoder,
    });
    const close = async () => {
      await encoder.close();
      await model.close();
    };
    return { ...model, close, quantizers };
  } catch (error) {
    await encoder.close();
    throw error;
  }
}

/** What a GPU has to know of the formats of plugins. */
function gpuFormats(quantizers: readonly Quantizer[]): Record<string, GpuFormat> {
  return Object.fromEntries(quantizers.flatMap(({ name, gpu }) => (gpu === undefined ? [] : [[name, gpu]])));
}

type SourceOption = 'recipe' | 'plugin' | 'allowRouterQuantization' | 'allowLinks';

export interface OpenedModel extends AsyncDisposable {
  readonly source: ModelFiles;
  readonly model: Model;
  readonly backend: Backend;
  /** The same, where it is the GPU's. */
  readonly gpu: OpenedBackend['gpu'];
  /** Whether there is a chat template. */
  readonly chats: boolean;
  /** Of opening, quantizing and loading. */
  readonly loadSeconds: number;
}

/**
 * The backend of a command, with notes on what is not as one might think.
 * @throws MoeqError where there is none
 */
export async function backendOf(
  io: Io,
  { backend: name, threads }: Pick<ModelOptions, 'backend' | 'threads'>,
  formats: Record<string, GpuFormat> = {},
): Promise<OpenedBackend> {
  const opened = await openBackend(name, threads, formats);
  const { backend, notice } = opened;
  if (notice !== null) note(io, `note: ${notice}`);
  if (threads !== undefined && threads !== backend.threads) {
    note(
      io,
      `note: the ${backend.name} backend computes with ${backend.threads} of ${counted(threads, 'thread')}`,
    );
  }
  return opened;
}

/**
 * Opens the model of a command and loads it into its backend, under a bar. Where `auto` chose a GPU that turns out to have
 * no room for it, the CPU gets it, and a note says so.
 * @param needs what prompts are; size of context and KV cache in tokens, where it is not the model's own
 * @throws MoeqError from opening, quantizing or loading; where the model does not fit, with what to type instead
 */
export async function open(
  io: Io,
  name: string,
  options: ModelOptions,
  needs: ModelNeeds = {},
): Promise<OpenedModel> {
  try {
    return await openIn(io, name, options, needs);
  } catch (error) {
    if (options.backend !== 'auto' || !isGpuRefusal(error)) throw error;
    note(io, `note: ${(error as Error).message}; the CPU computes instead`);
    return openIn(io, name, { ...options, backend: 'cpu' }, needs);
  }
}

/** Whether it was a GPU that failed, or has no buffers of the size. */
function isGpuRefusal(error: unknown): boolean {
  return isGpuError(error) || (MemoryError.isInstance(error) && error.need.unit === 'buffer');
}

async function openIn(
  io: Io,
  name: string,
  options: ModelOptions,
  { prompts, hasCacheOption = false, ...size }: ModelNeeds,
): Promise<OpenedModel> {
  const started = performance.now();
  let fused: Record<string, GpuFormat> = {};
  const opened = await openSource(name, options, (format) => Object.hasOwn(fused, format));
  const source = givenVariables(opened, options.templateVariable);
  const formats = gpuFormats(source.quantizers);
  const progress = progressBar(io, 'loading', 'weights');
  const closers = [() => source.close()];
  const close = async () => {
    progress.stop();
    for (let last = closers.pop(); last !== undefined; last = closers.pop()) await last();
  };
  let threads = 1;
  try {
    if (prompts !== undefined) assertTakes(source, prompts);
    const unread = unreadVariables(source, options.templateVariable);
    if (unread !== null) note(io, `note: ${unread}`);
    const { backend, gpu } = await backendOf(io, options, formats);
    threads = backend.threads;
    if (gpu !== null) fused = formats;
    warnOfMemory(io, source, backend, size);
    closers.push(() => backend.destroy());
    const onProgress = ({ loaded, total }: LoadProgress) => progress.update(loaded, total, '');
    const model = await createModel(source, { backend, ...size, signal: io.signal, onProgress });
    progress.stop();
    for (const text of source.report().notices) note(io, `note: ${text}`);
    const loadSeconds = (performance.now() - started) / 1000;
    // A backend that can lose its memory has it read once more then.
    if (backend.restart === undefined) await closers.shift()?.();
    const chats = source.formatChat !== null;
    return { source, model, backend, gpu, chats, loadSeconds, [Symbol.asyncDispose]: close };
  } catch (error) {
    const { contextLength: context, kvCacheTokens: cacheTokens } = size;
    const recipe = options.recipe ?? null;
    const asked = {
      recipe,
      takesRecipe: true,
      threads,
      context,
      inParts: false,
      cacheTokens,
      hasCacheOption,
    };
    const advised = withAdvice(error, source, asked);
    await close();
    throw advised;
  }
}

function warnOfMemory(io: Io, source: ModelFiles, backend: Backend, size: ModelNeeds): void {
  const need = backend.memoryFor?.(modelPlan(source, modelSize(source.config, size).cacheTokens));
  if (need === undefined || need.unit !== 'thread' || need.largest > need.limit) return;
  const warning = memoryWarning(need, freemem());
  if (warning !== null) warn(io, warning);
}
