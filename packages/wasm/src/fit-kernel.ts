// Which kernel takes a matrix: decided by the fields of its layout alone. Whatever fits none goes to `any`, which decodes
// row by row to float32 and is right for every layout.
import type { MatrixData } from '@moeq/kernels';
import type { Layout } from '@moeq/tensors';
import { isQuantized } from '@moeq/tensors';
import { fitLevels } from './levels.js';
import type { KernelName } from './matrix-record.js';

export interface KernelChoice {
  readonly kernel: KernelName;
  /** Elements that the inner loop takes at a time; 0: activations stay float32. */
  readonly unit: 0 | 32 | 64;
  readonly levelStep: number;
  readonly levelOffset: number;
  /** Uint8 [16] for codebook4. */
  readonly levels: Uint8Array | null;
}

const floatKernels = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;

/** A codebook whose 7-bit levels miss it by more (nf4: 0.56 %) is decoded to float32 instead. */
const maxRelativeError = 0.01;

const plainChoice = (kernel: KernelName): KernelChoice => ({
  kernel,
  unit: 0,
  levelStep: 1,
  levelOffset: 0,
  levels: null,
});

export function chooseKernel(data: MatrixData): KernelChoice {
  if (!isQuantized(data)) return plainChoice(floatKernels[data.dtype as keyof typeof floatKernels]);
  const { layout } = data;
  const unit = layout === null ? 0 : unitOf(layout, data.shape[1] as number);
  if (layout === null || unit === 0) return plainChoice('any');
  return { ...plainChoice('any'), ...codesChoice(layout), ...withUnit(layout, unit) };
}

/** The kernel and what it makes of a code. */
function codesChoice({ bitsPerCode, decode }: Layout): Partial<KernelChoice> {
  if (decode.kind === 'codebook') return bitsPerCode === 4 ? codebookChoice(decode.values) : {};
  const { zero } = decode;
  const levelOffset = zero.kind === 'constant' ? -zero.value : 0;
  if (zero.kind !== 'signed') return { kernel: bitsPerCode === 4 ? 'affine4' : 'unsigned8', levelOffset };
  if (bitsPerCode === 8) return { kernel: 'signed8' };
  return codebookChoice(Float32Array.from({ length: 16 }, (_, code) => (code < 8 ? code : code - 16)));
}

const fits = new WeakMap<Float32Array, Partial<KernelChoice>>();

function codebookChoice(values: Float32Array): Partial<KernelChoice> {
  const known = fits.get(values);
  if (known !== undefined) return known;
  const { step, offset, levels, relativeError } = fitLevels(values);
  const choice: Partial<KernelChoice> =
    relativeError <= maxRelativeError
      ? { kernel: 'codebook4', levelStep: step, levelOffset: offset, levels }
      : {};
  fits.set(values, choice);
  return choice;
}

function withUnit(layout: Layout, unit: 32 | 64): Partial<KernelChoice> {
  const takesUnits = Object.keys(codesChoice(layout)).length > 0;
  return takesUnits ? { unit } : {};
}

/** The longest unit that rows and blocks are made of whole; 0: none. */
function unitOf({ blockSize, blocks }: Layout, columns: number): 0 | 32 | 64 {
  const wholeRow = blocks === 'row' && blockSize >= columns;
  for (const unit of [64, 32] as const) {
    if (columns % unit === 0 && (wholeRow || blockSize % unit === 0)) return unit;
  }
  return 0;
}
