// What numbers stand for. The kernels have the same in namespaces of assembly/; build/check-abi.ts compares both.

/** How a matrix is multiplied: `Kernel` of assembly/matrix.ts. */
export const kernels = {
  float32: 0,
  float16: 1,
  bfloat16: 2,
  /** 4-bit codes, eight rows interleaved. */
  affine4: 3,
  codebook4: 4,
  signed8: 5,
  unsigned8: 6,
  /** Any layout: rows are decoded to float32 first. */
  any: 7,
} as const;
export type KernelName = keyof typeof kernels;

/** Of what kind a number a block is: `BlockKind` of assembly/matrix.ts. */
export const blockKinds = { float32: 0, float16: 1, bfloat16: 2, exponent8: 3, nested: 4 } as const;

/** `ScaleOrder` of fit-kernel.ts and of assembly/matrix.ts. */
export const scaleOrders = { blocks: 0, units: 1, interleaved: 2 } as const;

/** What is added to code * scale: `Zero` of assembly/matrix.ts. */
export const zeros = { constant: 0, zeroPoints: 1, offsets: 2 } as const;

/** Of 4-bit codes in bytes: `Order` of assembly/quantize-activations.ts. */
export const orders = { highFirst: 0, lowFirst: 1, splitHalves: 2 } as const;

/** `Activation` of assembly/elementwise.ts. */
export const activations = { silu: 0, gelu: 1, geluTanh: 2, relu2: 3 } as const;

/** Words of an attention tile, [5, 4]: `Tile` of assembly/attention.ts. */
export const tileWords = { queries: 0, from: 4, to: 8, outs: 12, sinks: 16 } as const;

/** `Gate` of assembly/elementwise.ts. */
export const gateKinds = { sigmoid: 0, softplus: 1 } as const;

/** Of weights to be quantized: `DType` of assembly/quantize/widen.ts. */
export const dtypes = { F32: 0, F16: 1, BF16: 2 } as const;

/**
 * What activations become: nothing else, or integers for affine 4-bit codes, 4-bit codebooks, and 8-bit codes, as
 * assembly/quantize-activations.ts writes them. Between host and worker only, as all below.
 */
export const activationForms = { float: 0, bytes: 1, pairs: 2, plain: 3 } as const;
export type ActivationForm = keyof typeof activationForms;

/** What queries or keys are normed over. */
export const normScopes = { none: 0, head: 1, all: 2 } as const;

/** Of @moeq/router. */
export const scores = { softmax: 0, softmaxAfterTopK: 1, sigmoid: 2, sparseMixer: 3 } as const;
export const groupRanks = { max: 0, topTwoSum: 1 } as const;
