// The tensors of a model in GGUF under the names that transformers has for them. Experts, which lie stacked in the file, are
// one tensor each; query and key rows lie as transformers has them. Blocks become QuantizedTensors when they are read.
//
// Shapes: E experts, N rows, K columns.
import {
  type DecoderConfig,
  decoderTensors,
  layerMixer,
  type Slot,
  type TensorPlace,
  tensorShape,
} from '@moeq/runtime';
import {
  type ByteSource,
  byteLength,
  decodeTensor,
  fromFloat32,
  fromGgufBlocks,
  type GgufEntry,
  isDType,
  isFloatDType,
  isQuantized,
  MoeqError,
  quote,
  toFloat32,
  torchNames,
} from '@moeq/tensors';
import { tensorName } from '../checkpoint/names.js';
import type { QuantizedWeight, StoredTensor, StoredTensors } from '../files/file-set.js';
import type { GgufWeights } from './gguf-weights.js';
import { isPartOfLatentUp, latentUps } from './latent-up.js';
import { ggufPlace } from './names.js';
import { ropeFactorsName } from './rope-scaling.js';
import { type RowOrder, rowOrder, takeRuns } from './rows.js';
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

/** A tensor of the decoder within a tensor of the file. */
interface TensorSlice {
  readonly place: TensorPlace;
  /** That of the architecture's checkpoints. */
  readonly name: string;
  readonly entry: GgufEntry;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly bytes: number;
  /** Null where rows lie as in checkpoints. */
  readonly order: Pick<RowOrder, 'run' | 'inFile'> | null;
  /** Of all rows of the file's tensor, the share that it has; all unless given. */
  readonly share?: number;
}

function* slicesOf(
  entry: GgufEntry,
  file: string,
  { gguf, architecture, decoder }: GgufWeights,
): Generator<TensorSlice> {
  const place = ggufPlace(entry.name, gguf, (at) => tensorShape(at, decoder) !== null);
  const patterns = place === null ? undefined : architecture.names[place.slot];
  if (place === null || patterns === undefined) {
    throw new MoeqError({
      operation: 'match the tensors to the configuration',
      subject: file,
      expected: `only tensors that ${gguf.name} has`,
      found: quote(entry.name),
    });
  }
  const { offset, bytes } = entry;
  const shape = shapeOf(entry, place, decoder);
  const order = rowOrder(gguf, decoder, place);
  const sliceOf = (at: TensorPlace) => ({ place: at, name: tensorName(architecture, at), entry, order });
  const apart = betaAndDecay(place, decoder);
  if (apart !== null) {
    const [rows = 0, columns = 1] = entry.shape;
    for (const { slot, inFile } of apart) {
      const own = sliceOf({ ...place, slot });
      yield { ...own, order: { run: null, inFile }, shape: [rows / 2, columns], offset, bytes, share: 1 / 2 };
    }
    return;
  }
  const [experts = 0, ...matrix] = shape;
  const oneByOne = patterns.some((pattern) => pattern.includes('{expert}'));
  const stacked = oneByOne && place.expert === undefined && decoderTensors[place.slot].of === 'expert';
  if (!stacked) {
    yield { ...sliceOf(place), shape, offset, bytes };
    return;
  }
  for (let expert = 0; expert < experts; expert++) {
    const size = bytes / experts;
    yield { ...sliceOf({ ...place, expert }), shape: matrix, offset: offset + expert * size, bytes: size };
  }
}

/**
 * Files of Qwen3-Next have betas and decays in one matrix, of each key head its betas and its decays, also where queries, keys
 * and values lie apart. Null where the decoder has them so too.
 */
function betaAndDecay(
  { slot, layer: index }: TensorPlace,
  { layers }: DecoderConfig,
): readonly { readonly slot: Slot; readonly inFile: (row: number) => number }[] | null {
  const layer = slot !== 'deltaBetaDecay' || index === undefined ? undefined : layers[index];
  const mixer = layer === undefined ? null : layerMixer(layer);
  if (mixer?.kind !== 'deltaNet' || mixer.rows === 'grouped') return null;
  const group = mixer.heads / mixer.keyHeads;
  const from = (first: number) => (head: number) =>
    Math.floor(head / group) * 2 * group + first + (head % group);
  return [
    { slot: 'deltaBeta', inFile: from(0) },
    { slot: 'deltaDecay', inFile: from(group) },
  ];
}

/**
 * Dimensions of one are left out in files here and there: the gate of a shared expert is a vector, and a matrix of one row
 * elsewhere. What has as many numbers as the decoder's tensor has its shape.
 */
function shapeOf({ shape }: GgufEntry, place: TensorPlace, decoder: DecoderConfig): readonly number[] {
  const own = tensorShape(place, decoder);
  const plain = (sizes: readonly number[]) => sizes.filter((size) => size !== 1).join();
  return own !== null && plain(own) === plain(shape) ? own : shape;
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
  const readAll = async (signal?: AbortSignal) => {
    const blocks = await source.read(offset, bytes, signal);
    const tensor = fromGgufBlocks(entry.type, shape, blocks, `${source.name}: tensor ${quote(entry.name)}`);
    const data = isQuantized(tensor)
      ? fromFloat32(decodeTensor(tensor), 'F32')
      : fromFloat32(toFloat32(tensor.data, tensor.dtype), 'F32');
    if (order === null || order.run === null) return data;
    return takeRuns(data, data.length / (4 * order.run), 4 * order.run, order.inFile);
  };
  return {
    name,
    dtype: 'F32',
    shape,
    bytes: byteLength('F32', shape),
    file: source.name,
    read: async (signal) => ({ dtype: 'F32', shape, data: await readAll(signal) }),
    readBytes: async (start, length, signal) => (await readAll(signal)).slice(start, start + length),
  };
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
