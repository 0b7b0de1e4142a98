// Keys and values in pages on the device: two buffers a layer, [pages, HK, page size, C], heads padded to vectors of four.
//
// Shapes: L layers, HK key/value heads, C head dimension, CV value dimension.
import type { KvCacheSpec } from '@moeq/kernels';
import { assertKvCacheSpec } from '@moeq/kernels';
import { MoeqError } from '@moeq/tensors';
import type { Memory } from '../device/memory.js';
import { usage } from '../device/memory.js';
import { attendSize } from '../wgsl/attend.js';
import type { CacheDType } from '../wgsl/prepare.js';

export interface StoredCache {
  readonly spec: KvCacheSpec;
  readonly dtype: CacheDType;
  readonly bytes: number;
  /** One a layer. */
  readonly keys: readonly GPUBuffer[];
  readonly values: readonly GPUBuffer[];
}

const padded = (dimension: number): number => Math.ceil(dimension / 4) * 4;

/** @throws MoeqError when a size is no positive integer or a head is too wide; WebGpuError when a layer fits no binding */
export function makeCache(memory: Memory, spec: KvCacheSpec, dtype: CacheDType): StoredCache {
  assertKvCacheSpec(spec);
  const { layers, kvHeads, headDim, valueDim = headDim, pageSize, pages } = spec;
  if (valueDim > 4 * attendSize) {
    throw new MoeqError({
      operation: 'create',
      subject: 'KV cache',
      expected: `values of at most ${4 * attendSize} dimensions`,
      found: `${valueDim}`,
    });
  }
  const rows = pages * pageSize * kvHeads;
  const size = (dimension: number): number => rows * padded(dimension) * (dtype === 'F32' ? 4 : 2);
  const buffers: GPUBuffer[] = [];
  const make = (what: string, dimension: number): GPUBuffer => {
    const flags = usage.storage | usage.copyTarget | usage.copySource;
    const buffer = memory.create(`KV cache ${what}`, size(dimension), flags);
    buffers.push(buffer);
    return buffer;
  };
  try {
    const keys = Array.from({ length: layers }, () => make('keys', headDim));
    const values = Array.from({ length: layers }, () => make('values', valueDim));
    return { spec: { ...spec }, dtype, bytes: layers * (size(headDim) + size(valueDim)), keys, values };
  } catch (error) {
    for (const buffer of buffers) memory.destroy(buffer);
    throw error;
  }
}
