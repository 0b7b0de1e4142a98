// The committed outputs of transformers that a backend is held against: tiny-moe's prompts and the golden architectures.
//
// Shapes: T tokens of a sequence, V vocabulary, A experts per token.
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openSafetensorsFile } from '@moeq/tensors/node';

interface ReferenceSequence {
  readonly tokens: readonly number[];
  /** Float32 [T, V], where the reference holds them. */
  readonly logits: Float32Array | null;
  /** Int32 [T, A] a layer. */
  readonly expertIndices: readonly Int32Array[];
}

interface ReferenceText {
  readonly prompt: readonly number[];
  /** Prompt and greedy continuation. */
  readonly tokens: readonly number[];
}

export interface Reference {
  readonly name: string;
  /** What `openModel` takes. */
  readonly model: string;
  readonly sequences: readonly ReferenceSequence[];
  readonly texts: readonly ReferenceText[];
}

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

interface Arrays {
  integers(name: string): Int32Array;
  floats(name: string): Float32Array;
  shape(name: string): readonly number[];
  names: readonly string[];
}

async function readArrays(file: string): Promise<Arrays> {
  const opened = await openSafetensorsFile(file);
  const tensors = new Map<string, Awaited<ReturnType<typeof opened.read>>>();
  for (const name of opened.tensors.keys()) tensors.set(name, await opened.read(name));
  await opened.close();
  const get = (name: string) => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new Error(`${file} has no tensor ${name}`);
    return tensor;
  };
  return {
    integers: (name) => new Int32Array(get(name).data.slice().buffer),
    floats: (name) => new Float32Array(get(name).data.slice().buffer),
    shape: (name) => get(name).shape,
    names: [...tensors.keys()],
  };
}

/** Eight prompts with 48 greedy tokens each; logits of the first four. */
export async function tinyMoeReference(promptTokens: readonly number[]): Promise<Reference> {
  const arrays = await readArrays(path('packages/tiny-moe/testdata/reference.safetensors'));
  const sequences = promptTokens.map((_, j) => ({
    tokens: [...arrays.integers(`${j}.tokens`)],
    logits: arrays.names.includes(`${j}.logits`) ? arrays.floats(`${j}.logits`) : null,
    expertIndices: arrays.names
      .filter((name) => name.startsWith(`${j}.layers.`))
      .map((name) => arrays.integers(name)),
  }));
  const texts = sequences.map(({ tokens }, j) => ({ prompt: tokens.slice(0, promptTokens[j]), tokens }));
  return { name: 'tiny-moe', model: 'tiny-moe', sequences, texts };
}

/** A folder of the small checkpoints of all architectures, with what transformers made of them. */
export const goldenFolder = path('packages/loader/testdata/architectures');

/** The five architectures of which GPU figures have been recorded from the beginning. */
export const firstGolden = ['mixtral', 'qwen2_moe', 'qwen3_moe', 'olmoe', 'granitemoe'].map((name) =>
  join(goldenFolder, name),
);

/** The names in a folder of such checkpoints. */
export async function goldenNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
}

/** Two sequences of 24 tokens with logits, and one greedy text. */
export async function goldenReference(model: string): Promise<Reference> {
  const arrays = await readArrays(`${model}/reference.safetensors`);
  const [rows = 0, length = 0] = arrays.shape('input_ids');
  const ids = arrays.integers('input_ids');
  const logits = arrays.floats('logits');
  const width = logits.length / rows;
  const indices = arrays.names
    .filter((key) => key.endsWith('expert_indices'))
    .sort((a, b) => layerOf(a) - layerOf(b))
    .map(arrays.integers);
  const sequences = Array.from({ length: rows }, (_, row) => ({
    tokens: [...ids.subarray(row * length, (row + 1) * length)],
    logits: logits.slice(row * width, (row + 1) * width),
    expertIndices: indices.map((all) =>
      all.slice((row * all.length) / rows, ((row + 1) * all.length) / rows),
    ),
  }));
  const texts = [
    {
      prompt: [...arrays.integers('generate_prompt')],
      tokens: [...arrays.integers('generate_output')],
    },
  ];
  return { name: basename(model), model, sequences, texts };
}

const layerOf = (name: string) => Number(/(?<=layers\.)\d+/.exec(name)?.[0]);
