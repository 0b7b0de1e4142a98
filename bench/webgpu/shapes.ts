// The MoE layers whose kernels are counted and timed: one small, a layer of Mixtral 8x7B, one with 128 experts of which a
// token takes 8 (Qwen3-30B-A3B).
//
// Shapes: D hidden, F intermediate, E experts, A experts per token, H heads, HK key/value heads, C head dimension.

export interface Shape {
  readonly name: string;
  /** D */
  readonly hidden: number;
  /** F */
  readonly intermediate: number;
  /** E */
  readonly experts: number;
  /** A */
  readonly expertsPerToken: number;
  /** H */
  readonly heads: number;
  /** HK */
  readonly kvHeads: number;
  /** C */
  readonly headDim: number;
  /** Layers to load for a measurement: together more than a cache holds. */
  readonly layers: number;
}

export const shapes: readonly Shape[] = [
  {
    name: 'small: 8 experts, 2 a token',
    hidden: 512,
    intermediate: 1024,
    experts: 8,
    expertsPerToken: 2,
    heads: 8,
    kvHeads: 2,
    headDim: 64,
    layers: 8,
  },
  {
    name: 'Mixtral 8x7B: 8 experts, 2 a token',
    hidden: 4096,
    intermediate: 14336,
    experts: 8,
    expertsPerToken: 2,
    heads: 32,
    kvHeads: 8,
    headDim: 128,
    layers: 4,
  },
  {
    name: 'Qwen3-30B-A3B: 128 experts, 8 a token',
    hidden: 2048,
    intermediate: 768,
    experts: 128,
    expertsPerToken: 8,
    heads: 32,
    kvHeads: 4,
    headDim: 128,
    layers: 8,
  },
];
