// Which kernel takes a matrix: decided by the fields of its layout alone. Whatever fits none goes to `any`, which decodes
// row by row to float32 and is right for every layout.
import type { MatrixHead } from '@moeq/kernels';
import type { Layout } from '@moeq/tensors';
import type { KernelName, scaleOrders } from './abi/enumerations.js';
import { codebookLevels } from './levels.js';

export interface KernelChoice {
  readonly kernel: KernelName;
  /** Elements that the inner loop takes at a time; 0: activations stay float32. */
  readonly unit: 0 | 32 | 64;
  readonly levelStep: number;
  readonly levelOffset: number;
  /** The 16 levels of codebook4. */
  readonly levels: Uint8Array;
  readonly scales: ScaleOrder;
}

/**
 * How a unit finds its scale: by its block, whatever that is; or units are blocks one for one, of which four at a time have
 * one nested scale; or these of eight rows interleaved besides, as their codes are.
 */
type ScaleOrder = keyof typeof scaleOrders;

const floatKernels = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;

/** For kernels without a codebook. */
const zeros = new Uint8Array(16);

const choose = (kernel: KernelName, rest: Partial<KernelChoice> = {}): KernelChoice => ({
  ...{ kernel, unit: 0, levelStep: 1, levelOffset: 0, levels: zeros, scales: 'blocks' },
  ...rest,
});

export function chooseKernel({ shape, dtype, layout }: MatrixHead): KernelChoice {
  if (layout === undefined) return choose(floatKernels[dtype as keyof typeof floatKernels]);
  const columns = shape[1] as number;
  const unit = unitOf(layout, columns);
  if (unit === 0) return choose('any');
  const choice = forCodes(layout, unit);
  return { ...choice, scales: scaleOrder(layout, columns, choice) };
}

/** 4-bit codes that have a kernel are interleaved, eight rows at a time. */
export const isInterleaved = (kernel: KernelName): boolean => kernel === 'affine4' || kernel === 'codebook4';

/** The kernel and what it makes of a code. */
function forCodes({ bitsPerCode, decode }: Layout, unit: 32 | 64): KernelChoice {
  if (decode.kind === 'codebook') return bitsPerCode === 4 ? forCodebook(decode.values, unit) : choose('any');
  const { zero } = decode;
  if (zero.kind === 'signed')
    return bitsPerCode === 4 ? forCodebook(signed4, unit) : choose('signed8', { unit });
  const levelOffset = zero.kind === 'constant' ? -zero.value : 0;
  return choose(bitsPerCode === 4 ? 'affine4' : 'unsigned8', { unit, levelOffset });
}

const signed4 = Float32Array.from({ length: 16 }, (_, code) => (code < 8 ? code : code - 16));

function forCodebook(values: Float32Array, unit: 32 | 64): KernelChoice {
  const levels = codebookLevels(values);
  if (levels === null) return choose('any');
  const { step, offset, bytes } = levels;
  return choose('codebook4', { unit, levelStep: step, levelOffset: offset, levels: bytes });
}

/** The longest unit that rows and blocks are made of whole; 0: none. */
function unitOf({ blockSize, blocks }: Layout, columns: number): 0 | 32 | 64 {
  const wholeRow = blocks === 'row' && blockSize >= columns;
  for (const unit of [64, 32] as const) {
    if (columns % unit === 0 && (wholeRow || blockSize % unit === 0)) return unit;
  }
  return 0;
}

function scaleOrder(layout: Layout, columns: number, { kernel, unit, levelStep }: KernelChoice): ScaleOrder {
  const { blockSize, scale, decode } = layout;
  if (unit === 0 || blockSize !== unit || (columns / unit) % 4 !== 0) return 'blocks';
  if (scale.kind === 'nested' && !(Number.isInteger(Math.log2(scale.blockSize)) && scale.blockSize >= 4))
    return 'blocks';
  const shifted =
    decode.kind === 'affine' && (decode.zero.kind === 'zeroPoint' || decode.zero.kind === 'offset');
  // the kernels multiply binary16 by 2^112 and both of these at once
  const steep = scale.kind === 'plain' && Math.abs(scale.multiplier * levelStep) >= 2 ** 15;
  return isInterleaved(kernel) && !shifted && !steep ? 'interleaved' : 'units';
}
