// Dispatches, submissions and bytes of whole models, counted by the backend: while a text is decoded, and while a prompt is
// read.
import { openModel } from '@moeq/loader/node';
import { createModel } from '@moeq/runtime';
import type { WebGpuBackend, WebGpuStats } from '@moeq/webgpu';

export interface Counts {
  readonly model: string;
  readonly layers: number;
  readonly decode: StepCounts;
  /** Of a prompt in one step. */
  readonly prefill: StepCounts;
  readonly vocabularySize: number;
}

interface StepCounts {
  readonly dispatches: number;
  readonly submits: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

const promptTokens = 64;
const decodedTokens = 8;

/** @param name for the table. @param model what `openModel` takes */
export async function countSteps(
  backend: WebGpuBackend,
  name: string,
  model: string,
  recipe?: string,
): Promise<Counts> {
  const source = await openModel(model, recipe === undefined ? {} : { recipe });
  const loaded = await createModel(source, { backend });
  await source.close();
  const { config } = loaded;
  const prompt = Array.from({ length: promptTokens }, (_, i) => (37 * i + 1) % config.vocabularySize);
  const counted = async (tokens: number): Promise<StepCounts> => {
    const before = backend.stats();
    await loaded.complete(prompt, { temperature: 0, maxNewTokens: tokens, stopTokenIds: [] });
    return difference(backend.stats(), before);
  };
  const prefill = await counted(1);
  const both = await counted(1 + decodedTokens);
  const decode = Object.fromEntries(
    keys.map((key) => [key, (both[key] - prefill[key]) / decodedTokens]),
  ) as Record<(typeof keys)[number], number>;
  await loaded.close();
  return {
    model: name,
    layers: config.layers.length,
    vocabularySize: config.vocabularySize,
    prefill,
    decode,
  };
}

const keys = ['dispatches', 'submits', 'bytesRead', 'bytesWritten'] as const;

function difference(after: WebGpuStats, before: WebGpuStats): StepCounts {
  return Object.fromEntries(keys.map((key) => [key, after[key] - before[key]])) as Record<
    (typeof keys)[number],
    number
  >;
}
