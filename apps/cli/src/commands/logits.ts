// moeq logits: logits and expert choices of given token ids, for comparing implementations. Needs no tokenizer.
//
// Shapes: R rows of the input, each a sequence of its own, T tokens a row, V vocabulary, A experts a token.
import type { Model } from '@moeq/runtime';
import { counted, encodeSafetensors, formatBytes, type Tensor } from '@moeq/tensors';
import { writeFileAtomic } from '@moeq/tensors/node';
import { Command } from 'commander';
import { type Io, note, writeNow } from '../io.js';
import { type ContextOption, contextOption, oneText } from '../model-needs.js';
import { type ModelOptions, open, withModelOptions } from '../model-options.js';
import { progressBar } from '../progress.js';
import { readTokenIds } from '../token-ids.js';

interface Options extends ModelOptions, ContextOption {
  readonly tokenIds: string;
  readonly out: string;
}

const help = `
FILE.json holds rows of token ids of equal length, each a sequence of its own: [[1, 72, 9], [1, 55, 3]]
FILE.safetensors gets
  logits                     F32 [rows, length, vocabulary]
  layers.<n>.expert_indices  I32 [rows x length, experts per token], best first, for each MoE layer

Example:
  moeq logits tiny-moe --token-ids ids.json --out logits.safetensors`;

export function logits(io: Io): Command {
  return withModelOptions(
    new Command('logits')
      .summary('write logits and expert choices of token ids')
      .description('Computes the logits and expert choices of given token ids and writes them to a file.'),
  )
    .addOption(contextOption())
    .requiredOption('--token-ids <file.json>', 'rows of token ids')
    .requiredOption('-o, --out <file.safetensors>', 'file to write')
    .addHelpText('after', help)
    .action(async (name: string, options: Options) => {
      const rows = await readTokenIds(options.tokenIds);
      await using opened = await open(io, name, options, oneText(options));
      const file = encodeSafetensors(await compute(io, opened.model, rows));
      await writeFileAtomic(options.out, file);
      note(
        io,
        `${rows.length} x ${counted(rows[0]?.length ?? 0, 'token')} · ${options.out}, ${formatBytes(file.byteLength)}`,
      );
    });
}

async function compute(
  io: Io,
  model: Model,
  rows: readonly (readonly number[])[],
): Promise<Record<string, Tensor>> {
  const length = rows[0]?.length ?? 0;
  const logits: Float32Array[] = []; // R x [T, V]
  const experts = new Map<number, { expertsPerToken: number; indices: Int32Array[] }>(); // R x [T, A] a layer
  const progress = progressBar(io, 'computing', 'rows');
  try {
    for (const [index, ids] of rows.entries()) {
      progress.update(index, rows.length, '');
      await writeNow(io.stdout, '');
      const result = await model.logits(ids, { routings: true, signal: io.signal });
      logits.push(result.logits);
      for (const { layer, expertsPerToken, expertIndices } of result.routings) {
        const entry = experts.get(layer) ?? { expertsPerToken, indices: [] };
        entry.indices.push(expertIndices);
        experts.set(layer, entry);
      }
    }
  } finally {
    progress.stop();
  }
  const tensors: Record<string, Tensor> = {
    logits: {
      dtype: 'F32',
      shape: [rows.length, length, (logits[0]?.length ?? 0) / length],
      data: join(logits),
    },
  };
  for (const [layer, { expertsPerToken, indices }] of experts) {
    const shape = [rows.length * length, expertsPerToken];
    tensors[`layers.${layer}.expert_indices`] = { dtype: 'I32', shape, data: join(indices) };
  }
  return tensors;
}

/** The bytes of arrays one after the other. */
function join(arrays: readonly (Float32Array | Int32Array)[]): Uint8Array {
  const bytes = new Uint8Array(arrays.reduce((sum, array) => sum + array.byteLength, 0));
  let offset = 0;
  for (const array of arrays) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), offset);
    offset += array.byteLength;
  }
  return bytes;
}
