// What each dispatch of a decoded token has to read and compute, on paper: weights once, activations of one token. Experts
// are nf4 with double quantization, all else bfloat16, the cache float32, as the default recipe leaves them.
//
// Shapes: D hidden, F intermediate, E experts, A experts per token, H heads, HK key/value heads, C head dimension.
import type { Shape } from './shapes.ts';

/** Bits of a weight: nf4 with 8-bit scales for every 64 and a float32 for every 256 scales; bfloat16. */
const bits = { expert: 4 + 8 / 64 + 32 / (64 * 256), other: 16 } as const;

export interface Dispatch {
  readonly name: string;
  /** Of weights and cache, read once. */
  readonly bytes: number;
  /** Floating-point operations of the multiplies; a multiply-add is two. */
  readonly operations: number;
}

/** The dispatches of one layer for one token. @param length keys in the cache */
export function layerDispatches(shape: Shape, length: number): Dispatch[] {
  const {
    hidden: D,
    intermediate: F,
    experts: E,
    expertsPerToken: A,
    heads: H,
    kvHeads: HK,
    headDim: C,
  } = shape;
  const matrix = (name: string, weights: number, bitsPerWeight: number): Dispatch => ({
    name,
    bytes: (weights * bitsPerWeight) / 8,
    operations: 2 * weights,
  });
  return [
    matrix('norm, q k v', (H + 2 * HK) * C * D, bits.other),
    { name: 'rotation, cache, attention', bytes: 4 * 2 * HK * C * length, operations: 4 * H * C * length },
    matrix('output, residual', D * H * C, bits.other),
    matrix('norm, router, choice of experts', E * D, bits.other),
    matrix('gate, up, activation', 2 * A * F * D, bits.expert),
    matrix('down, weighted sum, residual', A * F * D, bits.expert),
  ];
}

export function totalOf(dispatches: readonly Dispatch[]): Dispatch {
  return {
    name: 'layer',
    bytes: dispatches.reduce((sum, { bytes }) => sum + bytes, 0),
    operations: dispatches.reduce((sum, { operations }) => sum + operations, 0),
  };
}

/** Seconds at the device's bandwidth or its arithmetic, whichever takes longer. */
export function seconds({ bytes, operations }: Dispatch, device: Device): number {
  return Math.max(bytes / (1e9 * device.gigabytesPerSecond), operations / (1e12 * device.teraflops));
}

export interface Device {
  readonly name: string;
  readonly gigabytesPerSecond: number;
  /** Float32. */
  readonly teraflops: number;
}

/** By their makers' data sheets. */
export const devices: readonly Device[] = [
  { name: 'RTX 3060', gigabytesPerSecond: 360, teraflops: 12.7 },
  { name: 'RTX 4090', gigabytesPerSecond: 1008, teraflops: 82.6 },
];
