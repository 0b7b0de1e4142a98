// The options of every command that runs a model, and the model that they ask for.
import { loadPlugins, loadRecipe } from '@moeq/convert/node';
import type { Backend } from '@moeq/kernels';
import type { OpenedModel as ModelFiles } from '@moeq/loader';
import { openModel } from '@moeq/loader/node';
import { createModel, type LoadProgress, type Model, type ModelOptions as Size } from '@moeq/runtime';
import { wasmEncoder } from '@moeq/wasm';
import type { Command } from 'commander';
import { type BackendName, backendNames, openBackend } from './backend.js';
import { type Io, note } from './io.js';
import { collect, oneOf, wholeNumber } from './options.js';
import { progressBar } from './progress.js';

export interface ModelOptions {
  readonly recipe?: string;
  readonly plugin?: readonly string[];
  readonly allowRouterQuantization?: true;
  readonly backend: BackendName;
  readonly threads?: number;
}

/** Adds the argument [model] and the options above. */
export function withModelOptions(command: Command): Command {
  return command
    .argument('[model]', 'a folder, a .gguf file, the URL of either, hf:org/name, or tiny-moe', 'tiny-moe')
    .option('-r, --recipe <name|file>', 'quantize while loading, by this recipe')
    .option('--plugin <file>', 'module with a quantizer of your own; may be repeated', collect)
    .option('--allow-router-quantization', 'let the recipe quantize routers')
    .option('--backend <name>', `what computes: ${backendNames.join(', ')}`, oneOf(backendNames), 'auto')
    .option(
      '--threads <count>',
      'threads that compute (default: what is best)',
      wholeNumber({ min: 1, max: 1024 }),
    );
}

/**
 * Opens the model of a command, its weights unread. Close it afterwards.
 * @throws MoeqError from opening
 */
export async function openSource(
  name: string,
  { plugin = [], recipe, allowRouterQuantization }: Pick<ModelOptions, SourceOption>,
): Promise<ModelFiles> {
  const quantizers = await loadPlugins(plugin);
  if (recipe === undefined) return openModel(name, { quantizers });
  const encoder = wasmEncoder();
  try {
    const model = await openModel(name, {
      quantizers,
      allowRouterQuantization: allowRouterQuantization === true,
      recipe: await loadRecipe(recipe, quantizers),
      encoder,
    });
    const close = async () => {
      await encoder.close();
      await model.close();
    };
    return { ...model, close };
  } catch (error) {
    await encoder.close();
    throw error;
  }
}

type SourceOption = 'recipe' | 'plugin' | 'allowRouterQuantization';

export interface OpenedModel extends AsyncDisposable {
  readonly source: ModelFiles;
  readonly model: Model;
  readonly backend: Backend;
  /** Whether there is a chat template. */
  readonly chats: boolean;
  /** Of opening, quantizing and loading. */
  readonly loadSeconds: number;
}

/**
 * Opens the model of a command and loads it into its backend, under a bar.
 * @param size of context and KV cache in tokens, where it is not the model's own
 * @throws MoeqError from opening, quantizing or loading
 */
export async function open(
  io: Io,
  name: string,
  options: ModelOptions,
  size: Pick<Size, 'contextLength' | 'kvCacheTokens'> = {},
): Promise<OpenedModel> {
  const started = performance.now();
  const source = await openSource(name, options);
  const progress = progressBar(io, 'loading', 'weights');
  try {
    const backend = await openBackend(options.backend, options.threads);
    if (options.threads !== undefined && options.threads !== backend.threads) {
      note(
        io,
        `note: the ${backend.name} backend computes with ${backend.threads} of ${options.threads} threads`,
      );
    }
    const onProgress = ({ loaded, total }: LoadProgress) => progress.update(loaded, total, '');
    const model = await createModel(source, { backend, ...size, signal: io.signal, onProgress }).catch(
      async (error: unknown) => {
        await backend.destroy();
        throw error;
      },
    );
    progress.stop();
    for (const text of source.report().notices) note(io, `note: ${text}`);
    const loadSeconds = (performance.now() - started) / 1000;
    const chats = source.formatChat !== null;
    return { source, model, backend, chats, loadSeconds, [Symbol.asyncDispose]: () => backend.destroy() };
  } finally {
    progress.stop();
    await source.close();
  }
}
