// A quantizer of one's own: 4-bit codes of levels that were fitted to the model, blocks of 64 along the row-major weights,
// scales in bfloat16. weight = levels[code] · scale; 4.25 bits a weight.
import type { Quantizer } from '@moeq/quantizers';
import { decodeTensor, fromFloat32, type Layout, MoeqError, packCodes, toFloat32 } from '@moeq/tensors';
import { fitLevels, fitScale, nearest } from './fit-levels.ts';

const blockSize = 64;

/** Either weights to fit the levels to, or levels that were fitted before. */
export type FittedOptions = { readonly sample: Float32Array } | { readonly levels: readonly number[] };

/** @throws MoeqError unless 16 levels ascend from below zero to above */
export function fitted(options: FittedOptions): Quantizer {
  const levels =
    'levels' in options ? Float32Array.from(options.levels) : fitLevels(options.sample, blockSize);
  assertLevels(levels);
  const layout: Layout = {
    bitsPerCode: 4,
    order: 'highFirst',
    blockSize,
    blocks: 'flat',
    decode: { kind: 'codebook', values: levels },
    scale: { kind: 'plain', dtype: 'BF16', multiplier: 1 },
  };
  return {
    specificationVersion: 'v1',
    name: 'fitted',
    options: { levels: [...levels] },
    layout: () => layout,
    quantize(weights, shape, { name, dtype }) {
      const [rows, columns] = shape;
      if (weights.length !== rows * columns) {
        const found = `${weights.length} weights`;
        throw new MoeqError({ operation: 'quantize', subject: name, expected: `[${shape}]`, found });
      }
      const blocks = Array.from({ length: Math.ceil(weights.length / blockSize) }, (_, index) =>
        weights.subarray(index * blockSize, (index + 1) * blockSize),
      );
      const scales = fromFloat32(
        Float32Array.from(blocks, (block) => fitScale(levels, block)),
        'BF16',
      );
      // codes are nearest under the scales as they are stored
      const stored = toFloat32(scales, 'BF16');
      const codes = Uint8Array.from(weights, (weight, index) => {
        const scale = stored[Math.floor(index / blockSize)] as number;
        return scale === 0 ? 0 : nearest(levels, weight / scale);
      });
      const planes = {
        codes: { dtype: 'U8', data: packCodes(codes, 4, 'highFirst') },
        scales: { dtype: 'BF16', data: scales },
      } as const;
      return { format: 'fitted', shape: [rows, columns], dtype, layout, planes };
    },
    dequantize: decodeTensor,
  };
}

function assertLevels(levels: Float32Array): void {
  const ascend = levels.every((level, code) => code === 0 || level >= (levels[code - 1] as number));
  if (levels.length === 16 && ascend && (levels[0] as number) < 0 && (levels[15] as number) > 0) return;
  const expected = '16 levels that ascend from below 0 to above';
  throw new MoeqError({ operation: 'make the quantizer', subject: 'fitted', expected, found: `[${levels}]` });
}
