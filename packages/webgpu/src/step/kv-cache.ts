// Keys and values in pages on the device: two buffers a layer, [pages, HK, page size, C], heads padded to vectors of four.
//
// Shapes: L layers, HK key/value heads, C head dimension, CV value dimension.
import type { KvCacheSpec } from '@moeq/kernels';
import { MoeqError } from '@moeq/tensors';
import type { Memory } from '../device/memory.js';
import { usage } from '../device/memory.js';
import { attendSize } from '../wgsl/attend.js';
import type { CacheDType } from '../wgsl/prepare.js';

export interface StoredCache {
  readonly spec: KvCacheSpec;
  readonly dtype: CacheDType;
  readonly bytes: number;
  /** One a layer; no values where the keys are latents. */
  readonly keys: readonly GPUBuffer[];
  readonly values: readonly GPUBuffer[];
}

const padded = (dimension: number): number => Math.ceil(dimension / 4) * 4;

/** Bytes of the buffers of keys and of values that each layer has. */
export function cacheBufferBytes(
  { kvHeads, headDim, valueDim = headDim, pageSize, pages }: KvCacheSpec,
  dtype: CacheDType,
): { readonly keys: number; readonly values: number } {
  const size = (dimension: number): number =>
    pages * pageSize * kvHeads * padded(dimension) * (dtype === 'F32' ? 4 : 2);
  return { keys: size(headDim), values: size(valueDim) };
}

/** @throws MoeqError when a head is too wide; WebGpuError when a layer fits no binding */
export function makeCache(memory: Memory, spec: KvCacheSpec, dtype: CacheDType): StoredCache {
  const { layers, headDim, valueDim = headDim } = spec;
  if (valueDim > 4 * attendSize) {
    throw new MoeqError({
      operation: 'create',
      subject: 'KV cache',
      expected: `values of at most ${4 * attendSize} dimensions`,
      found: `${valueDim}`,
    });
  }
  const bytes = cacheBufferBytes(spec, dtype);
  const buffers: GPUBuffer[] = [];
  const make = (what: 'keys' | 'values'): GPUBuffer => {
    const flags = usage.storage | usage.copyTarget | usage.copySource;
    const buffer = memory.create(`KV cache ${what}`, bytes[what], flags);
    buffers.push(buffer);
    return buffer;
  };
  try {
    const keys = Array.from({ length: layers }, () => make('keys'));
    // latents have none
    const values = Array.from({ length: valueDim === 0 ? 0 : layers }, () => make('values'));
    return { spec, dtype, bytes: layers * (bytes.keys + bytes.values), keys, values };
  } catch (error) {
    for (const buffer of buffers) memory.destroy(buffer);
    throw error;
  }
}
