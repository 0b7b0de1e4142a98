// Which tensors of a decoder a tensor of a file holds: itself, or of what lies stacked or joined each by itself.
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
import { type GgufEntry, MoeqError, quote } from '@moeq/tensors';
import { tensorName } from '../checkpoint/names.js';
import type { GgufWeights } from './gguf-weights.js';
import { ggufPlace } from './names.js';
import { type RowOrder, rowOrder } from './rows.js';

/** A tensor of the decoder within a tensor of the file. */
export interface TensorSlice {
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

/** @throws MoeqError for a tensor that no decoder here has */
export function* slicesOf(
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
