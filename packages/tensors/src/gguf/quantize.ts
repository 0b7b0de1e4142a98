// ggml's reference quantizers, without an importance matrix: what `llama-quantize` does. All arithmetic is float32, rounded
// after each operation. ggml-quants.c, quantize_row_q8_0_ref, quantize_row_q4_0_ref, quantize_row_iq4_nl_impl (ntry 7).
import { fromFloat32 } from '../convert.js';
import { MoeqError } from '../errors.js';
import type { QuantizedTensor } from '../layout.js';
import { matrixShape } from '../planes.js';
import { iq4nlValues } from './block-layouts.js';
import type { GgufType } from './types.js';

const { fround } = Math;
const length = 32;

/**
 * Codes of one block, 32 of them from `at`, to `codes`, one a byte; returns the scale before it is rounded to F16.
 * All-zero blocks get the codes that ggml gives them.
 */
type BlockQuantizer = (values: Float32Array, at: number, codes: Uint8Array) => number;

const q8: BlockQuantizer = (values, at, codes) => {
  const scale = fround(Math.abs(extreme(values, at)) / 127);
  const inverse = scale === 0 ? 0 : fround(1 / scale);
  for (let j = 0; j < length; j++) {
    const scaled = fround((values[at + j] as number) * inverse);
    // roundf: half away from zero; the byte is two's complement
    codes[j] = scaled < 0 ? -Math.floor(0.5 - scaled) : Math.floor(scaled + 0.5);
  }
  return scale;
};

const q4: BlockQuantizer = (values, at, codes) => {
  const scale = fround(extreme(values, at) / -8);
  const inverse = scale === 0 ? 0 : fround(1 / scale);
  for (let j = 0; j < length; j++) {
    const scaled = fround(fround((values[at + j] as number) * inverse) + 8.5);
    codes[j] = Math.min(15, Math.trunc(scaled));
  }
  return scale;
};

/** More than any weight becomes when the largest one is mapped to 127 plus the steps below. */
const bound = 256;

/** Codes by twice the number that is to be represented, rounded down: all midpoints of the codebook are halves. */
const nearestCodes = Uint8Array.from({ length: 4 * bound }, (_, index) => {
  let code = 0;
  while (
    code < 15 &&
    index - 2 * bound >= (iq4nlValues[code] as number) + (iq4nlValues[code + 1] as number)
  ) {
    code++;
  }
  return code;
});

/** Values of those codes. */
const nearestValues = Float64Array.from(nearestCodes, (code) => iq4nlValues[code] as number);

/** Steps to each side of the scale that maps the largest weight to the end of the codebook. */
const tries = 7;

/** Below it a block is zero: GROUP_MAX_EPS. */
const smallest = 1e-15;

/** The current block, and its weights x² in the search: float32 numbers in a form that needs no widening. */
const block = new Float64Array(length);
const squares = new Float64Array(length);

/**
 * The scale that loses least, weighted by x², of those that 16 assignments of codes suggest. The loop runs 16 times for
 * each weight: the index is cut to an integer, which rounds it down because it is above 0.
 */
const iq4: BlockQuantizer = (values, at, codes) => {
  const largest = extreme(values, at);
  if (Math.abs(largest) < smallest) {
    codes.fill(8);
    return 0;
  }
  for (let j = 0; j < length; j++) {
    const x = values[at + j] as number;
    block[j] = x;
    squares[j] = fround(x * x);
  }
  const end = iq4nlValues[0] as number;
  let scale = 0;
  let best = 0;
  for (let step = -tries - 1; step <= tries; step++) {
    const first = step < -tries;
    const inverse = first ? fround(1 / fround(-largest / end)) : fround((step + end) / largest);
    let qx = 0;
    let qq = 0;
    for (let j = 0; j < length; j++) {
      const x = block[j] as number;
      const q = nearestValues[(2 * fround(inverse * x) + 2 * bound) | 0] as number;
      const weighted = fround((squares[j] as number) * q);
      qx = fround(qx + fround(weighted * x));
      qq = fround(qq + fround(weighted * q));
    }
    if (first || (qq > 0 && fround(qx * qx) > fround(best * qq))) {
      scale = fround(qx / qq);
      best = fround(scale * qx);
    }
  }
  const inverse = scale === 0 ? 0 : fround(1 / scale);
  for (let j = 0; j < length; j++) codes[j] = nearestCode(fround(inverse * (block[j] as number)));
  return scale;
};

/** The code whose value is nearest to `x`, the upper one of two. */
function nearestCode(x: number): number {
  return x <= -bound ? 0 : x >= bound ? 15 : (nearestCodes[Math.floor(2 * x) + 2 * bound] as number);
}

/** The first of the weights of largest magnitude, with its sign. */
function extreme(values: Float32Array, at: number): number {
  let largest = 0;
  let magnitude = 0;
  for (let j = 0; j < length; j++) {
    const x = values[at + j] as number;
    if (Math.abs(x) > magnitude) {
      magnitude = Math.abs(x);
      largest = x;
    }
  }
  return largest;
}

const quantizers: Readonly<Record<string, BlockQuantizer>> = { Q8_0: q8, Q4_0: q4, IQ4_NL: iq4 };

/** Whether float weights can be turned into blocks of that type here. */
export function isQuantizable({ name }: GgufType): boolean {
  return Object.hasOwn(quantizers, name);
}

/**
 * Quantizes weights, as `llama-quantize` would without an importance matrix.
 * @param values Float32 of the shape, row-major, all finite
 * @param shape [N, K] or [M, N, K]; K a multiple of 32
 * @throws MoeqError when the type is another than Q8_0, Q4_0 or IQ4_NL, or the shape does not suit it
 */
export function quantizeGguf(
  type: GgufType,
  values: Float32Array,
  shape: readonly number[],
): QuantizedTensor {
  const fail = (expected: string, found: string): never => {
    throw new MoeqError({ operation: `quantize to ${type.name}`, subject: 'weights', expected, found });
  };
  const quantizer = quantizers[type.name];
  const { content } = type;
  if (quantizer === undefined || typeof content === 'string') {
    return fail(`one of ${Object.keys(quantizers).join(', ')}`, type.name);
  }
  const [matrices, rows, columns] = matrixShape(shape);
  if (columns % length !== 0) fail(`rows of whole blocks of ${length}`, `rows of ${columns} elements`);
  if (matrices * rows * columns !== values.length) {
    fail(`${matrices * rows * columns} weights of ${JSON.stringify(shape)}`, `${values.length}`);
  }
  const { format, layout } = content;
  const blocks = values.length / length;
  const scales = new Float32Array(blocks);
  const packed = layout.bitsPerCode === 4 ? length / 2 : length;
  const codes = new Uint8Array(blocks * packed);
  const own = new Uint8Array(length);
  for (let block = 0; block < blocks; block++) {
    scales[block] = quantizer(values, block * length, own);
    const to = block * packed;
    if (packed === length) codes.set(own, to);
    else for (let j = 0; j < 16; j++) codes[to + j] = (own[j] as number) | ((own[j + 16] as number) << 4);
  }
  const planes = {
    codes: { dtype: 'U8', data: codes },
    scales: { dtype: 'F16', data: fromFloat32(scales, 'F16') },
  } as const;
  return { format, shape, dtype: 'F32', layout, planes };
}
