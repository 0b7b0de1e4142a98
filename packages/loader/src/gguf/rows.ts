// The order of rows of GGUF matrices, where it is not that of checkpoints. A row is bytes, whatever its type.
//
// Queries and keys: llama.cpp rotates numbers 2i and 2i + 1 of a head, transformers i and i + C/2, so converters write row
// i + p * C/2 of a head (p 0 or 1) as its row 2i + p. Value heads of gated delta nets: head r of key head k, which is head
// k * H/HK + r in checkpoints, is head r * HK + k in files of Qwen3.5, so that key heads repeat as ggml repeats.
// https://github.com/ggml-org/llama.cpp, conversion/llama.py and conversion/qwen.py, modify_tensors.
//
// Shapes: N rows, C head dimension, H value heads, HK key heads.
import {
  type DecoderConfig,
  type DeltaNetConfig,
  layerMixer,
  type Slot,
  type TensorPlace,
} from '@moeq/runtime';
import { attentionOf } from '../config/attention-of.js';
import type { GgufArchitecture } from './architecture.js';

/** Equal runs of a tensor, one behind the other, that lie in the file in another order. */
export interface RowOrder {
  /** How many numbers a run has, of those that lie behind one another in a row; null: a whole row, or a number of a vector. */
  readonly run: number | null;
  /** Where the run of the file is that is run `at` of the checkpoint's tensor. */
  inFile(at: number): number;
  /** Where the run of the checkpoint's tensor is that is run `at` of the file's. */
  inCheckpoint(at: number): number;
}

/** Null where they lie alike on both sides. */
export function rowOrder(
  { permuted, tiledValueHeads = false }: Pick<GgufArchitecture, 'permuted' | 'tiledValueHeads'>,
  { layers }: Pick<DecoderConfig, 'layers'>,
  { slot, layer: index }: TensorPlace,
): RowOrder | null {
  const layer = index === undefined ? undefined : layers[index];
  if (permuted && (slot === 'query' || slot === 'key')) {
    const headDim = attentionOf(layer)?.headDim;
    return headDim === undefined ? null : pairs(headDim);
  }
  const mixer = tiledValueHeads && layer !== undefined ? layerMixer(layer) : null;
  return mixer?.kind === 'deltaNet' ? valueHeads(slot, mixer) : null;
}

function pairs(headDim: number): RowOrder {
  const half = headDim / 2;
  return {
    run: null,
    inFile(row) {
      const within = row % headDim;
      return row - within + 2 * (within % half) + Math.floor(within / half);
    },
    inCheckpoint(row) {
      const within = row % headDim;
      return row - within + (within % 2) * half + Math.floor(within / 2);
    },
  };
}

/** By slot, how many rows come before those of values, and how many a head has. */
function valueHeads(slot: Slot, { heads, keyHeads, keyDim, valueDim }: DeltaNetConfig): RowOrder | null {
  const group = heads / keyHeads;
  const inFile = (head: number) => (head % group) * keyHeads + Math.floor(head / group);
  const inCheckpoint = (head: number) => (head % keyHeads) * group + Math.floor(head / keyHeads);
  const rows = (before: number, size: number): RowOrder => {
    const moved = (head: (at: number) => number) => (row: number) => {
      if (row < before) return row;
      const within = (row - before) % size;
      return before + head((row - before - within) / size) * size + within;
    };
    return { run: null, inFile: moved(inFile), inCheckpoint: moved(inCheckpoint) };
  };
  if (group === 1) return null;
  if (slot === 'deltaQkv' || slot === 'deltaTaps') return rows(2 * keyHeads * keyDim, valueDim);
  if (slot === 'deltaGate') return rows(0, valueDim);
  if (slot === 'deltaBeta' || slot === 'deltaDecay') return rows(0, 1);
  if (slot === 'deltaDecayLog' || slot === 'deltaDecayBias') return rows(0, 1);
  if (slot !== 'deltaOutput') return null;
  const columns = (head: (at: number) => number) => (at: number) => at - (at % heads) + head(at % heads);
  return { run: valueDim, inFile: columns(inFile), inCheckpoint: columns(inCheckpoint) };
}

/**
 * Runs taken in another order.
 * @param count of those that are taken
 * @param size of one, in bytes
 * @param source the run that comes at a place
 */
export function takeRuns(
  data: Uint8Array,
  count: number,
  size: number,
  source: (at: number) => number,
): Uint8Array {
  const out = new Uint8Array(count * size);
  for (let at = 0; at < count; at++) {
    const from = source(at) * size;
    out.set(data.subarray(from, from + size), at * size);
  }
  return out;
}
