// The tensors of a model in GGUF under the names that transformers has for them. Experts, which lie stacked in the file, are
// one tensor each; query and key rows lie as transformers has them. Blocks become QuantizedTensors when they are read.
//
// Shapes: E experts, N rows, K columns.
import type { TensorPlace } from '@moeq/runtime';
import {
  type ByteSource,
  fromFloat32,
  fromGgufBlocks,
  type GgufEntry,
  isDType,
  isFloatDType,
  isQuantized,
  MoeqError,
  quote,
  torchNames,
} from '@moeq/tensors';
import type { QuantizedWeight, StoredTensor, StoredTensors } from '../files/file-set.js';
import { computedTensor, readFloats } from './computed.js';
import type { GgufWeights } from './gguf-weights.js';
import { isPartOfLatentUp, latentUps } from './latent-up.js';
import { ropeFactorsName } from './rope-scaling.js';
import { takeRuns } from './rows.js';
import { slicesOf, type TensorSlice } from './slices.js';
import { inCheckpointForm } from './values.js';

/** @throws MoeqError naming a tensor that no decoder here has */
export function storedGguf(weights: GgufWeights): StoredTensors {
  const tensors = new Map<string, StoredTensor>();
  const quantized: QuantizedWeight[] = [];
  const places = new Map<string, TensorPlace>();
  for (const { source, tensors: entries } of weights.parts) {
    for (const entry of entries.values()) {
      // a part of the configuration
      if (entry.name === ropeFactorsName || isPartOfLatentUp(entry.name)) continue;
      if (predictsFurther(entry.name, weights)) continue;
      for (const slice of slicesOf(entry, source.name, weights)) {
        const decoded = cutsBlocks(slice);
        const stored = decoded ? decodedSlice(slice, source) : storedSlice(slice, source);
        if (tensors.has(slice.name)) throw twice(slice, source.name);
        tensors.set(slice.name, inCheckpointForm(stored, slice.place.slot, weights.gguf));
        places.set(slice.name, slice.place);
        if (typeof entry.type.content !== 'string' && !decoded)
          quantized.push(quantizedSlice(slice, stored, source.name));
      }
    }
  }
  for (const { stored, place } of latentUps(weights)) {
    tensors.set(stored.name, stored);
    places.set(stored.name, place);
  }
  return {
    tensors,
    quantized,
    places,
    async close() {
      await Promise.all(weights.parts.map(({ source }) => source.close?.()));
    },
  };
}

function predictsFurther(name: string, { blocks, decoder }: GgufWeights): boolean {
  const layer = Number(/^blk\.(\d{1,6})\./.exec(name)?.[1]);
  return layer >= decoder.layers.length && layer < blocks;
}

/** Experts can be stacked or one by one, and a file that has both says two things of one. */
function twice({ name, entry }: TensorSlice, file: string): MoeqError {
  return new MoeqError({
    operation: 'match the tensors to the configuration',
    subject: file,
    expected: `one tensor as ${quote(name, 120)}`,
    found: `${quote(entry.name)} besides another`,
  });
}

function storedSlice(slice: TensorSlice, source: ByteSource): StoredTensor {
  const { name, entry, shape, offset, order, share = 1 } = slice;
  const { content } = entry.type;
  const plain = typeof content === 'string';
  const bytes = slice.bytes * share;
  const readAll = async (signal?: AbortSignal) => {
    const data = await source.read(offset, slice.bytes, signal);
    if (order === null) return data;
    const [rows = 0, ...rest] = shape;
    const columns = rest.reduce((product, size) => product * size, 1);
    const count = order.run === null ? rows : (rows * columns) / order.run;
    return takeRuns(data, count, bytes / Math.max(count, 1), order.inFile);
  };
  return {
    name,
    dtype: plain ? content : 'U8',
    shape: plain ? shape : [bytes],
    bytes,
    file: source.name,
    read: async (signal) => ({
      dtype: plain ? content : 'U8',
      shape: plain ? shape : [bytes],
      data: await readAll(signal),
    }),
    async readBytes(start, length, signal) {
      if (!(start >= 0 && length >= 0 && start + length <= bytes)) {
        throw new MoeqError({
          operation: 'open the weights',
          subject: source.name,
          expected: `a range within the ${bytes} bytes of ${quote(name)}`,
          found: `${length} bytes from ${start}`,
        });
      }
      if (order === null) return source.read(offset + start, length, signal);
      return (await readAll(signal)).slice(start, start + length);
    },
  };
}

/** Whether runs of numbers that change places are cut by blocks of the type. */
function cutsBlocks({ order, entry }: TensorSlice): boolean {
  return order !== null && order.run !== null && order.run % entry.type.blockLength !== 0;
}

/** A matrix whose blocks cannot change places, decoded, F32. */
function decodedSlice(slice: TensorSlice, source: ByteSource): StoredTensor {
  const { name, entry, shape, offset, bytes, order } = slice;
  return computedTensor({ name, dtype: 'F32', shape, file: source.name }, async (signal) => {
    const data = fromFloat32(await readFloats(source, { ...entry, offset, bytes }, shape, signal), 'F32');
    if (order === null || order.run === null) return data;
    return takeRuns(data, data.length / (4 * order.run), 4 * order.run, order.inFile);
  });
}

function quantizedSlice(slice: TensorSlice, stored: StoredTensor, file: string): QuantizedWeight {
  const { name, entry, shape } = slice;
  const subject = `${file}: tensor ${quote(entry.name)}`;
  return {
    name,
    parts: [stored],
    format: entry.type.name.toLowerCase(),
    shape,
    layout: () => (typeof entry.type.content === 'string' ? undefined : entry.type.content.layout),
    assertShape: () => undefined,
    decode(tensors) {
      const data = tensors[name]?.data ?? new Uint8Array(0);
      const tensor = fromGgufBlocks(entry.type, shape, data, subject);
      if (isQuantized(tensor)) return tensor;
      // blocks that are no matrix: a norm or bias, which no converter quantizes
      throw new MoeqError({
        operation: 'read a weight',
        subject,
        expected: 'F32, F16 or BF16 for a vector',
        found: entry.type.name,
      });
    },
  };
}

/** What config.json calls the dtype of a model's float weights. */
export function torchDtypeOf({ type: { name } }: GgufEntry): string {
  return torchNames[isDType(name) && isFloatDType(name) ? name : 'F32'];
}
