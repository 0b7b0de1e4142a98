// Decoding through layers of random weights: tokens a second, and the bytes of weights and cache that this reads.
import type { WebGpuBackend, WebGpuOptions } from '@moeq/webgpu';
import { webgpuBackend } from '@moeq/webgpu/node';
import { median } from '../median.ts';
import { loadRandomLayers } from './random-layers.ts';
import { layerDispatches, totalOf } from './roofline.ts';
import type { Shape } from './shapes.ts';

export interface Rate {
  readonly dispatchesPerLayer: number;
  readonly compileSeconds: number;
  readonly tokensPerSecond: number;
  /** Of weights and cache, in GB/s. */
  readonly gigabytesPerSecond: number;
}

/** Keys in the cache when time is taken. */
export const measuredLength = 128;

/** Tokens that are timed, after as many that warm up. */
const tokens = { gpu: 64, software: 4 } as const;

export async function measureRate(shape: Shape, options: WebGpuOptions, software: boolean): Promise<Rate> {
  const backend = await webgpuBackend(options);
  try {
    return await measure(backend, shape, tokens[software ? 'software' : 'gpu']);
  } finally {
    await backend.destroy();
  }
}

async function measure(backend: WebGpuBackend, shape: Shape, count: number): Promise<Rate> {
  const layers = await loadRandomLayers(backend, shape, measuredLength + 2 * count);
  const run = async (position: number): Promise<number> => {
    const began = performance.now();
    await backend.step((step) => step.read(layers.token(step, position)));
    return (performance.now() - began) / 1000;
  };
  for (let i = 0; i < count; i++) await run(measuredLength - 1);
  const before = backend.stats();
  const seconds: number[] = [];
  for (let i = 0; i < count; i++) seconds.push(await run(measuredLength - 1));
  const after = backend.stats();
  const one = median(seconds);
  const { bytes } = totalOf(layerDispatches(shape, measuredLength));
  return {
    dispatchesPerLayer: (after.dispatches - before.dispatches) / count / shape.layers,
    compileSeconds: after.compileSeconds,
    tokensPerSecond: 1 / one,
    gigabytesPerSecond: (shape.layers * bytes) / one / 1e9,
  };
}
