// Weights of 8-bit floats with a scale for each block of rows and columns, as DeepSeek-V3 ships them and transformers'
// `fine-grained fp8` has them: `X.weight` in F8_E4M3 [N, K], `X.weight_scale_inv` [ceil(N / bn), ceil(K / bk)], whose numbers
// multiply; or, under the name `X.weight_scale` too, with a scale for each row or one for all, as vLLM and compressed-tensors
// have them. Read as a codebook of 256 numbers whose blocks are runs of a row; rows of a block repeat its scale.
import {
  elementCount,
  type Layout,
  MoeqError,
  type QuantizedTensor,
  quote,
  type Tensor,
  toFloat32,
} from '@moeq/tensors';
import * as v from 'valibot';
import type { QuantizedWeight, StoredTensor } from '../files/file-set.js';

const format = 'fp8';

const size = v.pipe(v.number(), v.integer(), v.minValue(1));
const schema = v.object({
  fmt: v.nullish(v.literal('e4m3')),
  weight_block_size: v.nullish(v.tuple([size, size])),
});

/** All numbers of F8_E4M3 by code; 0 for the two that are NaN, which no weight has. */
const numbers = toFloat32(
  Uint8Array.from({ length: 256 }, (_, code) => code),
  'F8_E4M3',
).map((value) => (Number.isNaN(value) ? 0 : value));
const notNumbers = [0x7f, 0xff];

/** @throws MoeqError for blocks that are not described, or weights without scales */
export function fp8Weights(source: Source, own: Readonly<Record<string, unknown>>): QuantizedWeight[] {
  return fp8Blocks(source, own).map((blocks) => {
    const { codes, scales, others, blockRows, blockColumns } = blocks;
    const { name, shape } = codes;
    const layout: Layout = {
      bitsPerCode: 8,
      order: 'lowFirst',
      blockSize: blockColumns,
      blocks: 'row',
      decode: { kind: 'codebook', values: numbers },
      scale: { kind: 'plain', dtype: 'F32', multiplier: 1 },
    };
    return {
      ...{ name, format, shape, parts: [codes, scales, ...others] },
      layout: () => layout,
      assertShape() {
        const [rows = 0, columns = 0] = shape;
        const expected = [Math.ceil(rows / blockRows), Math.ceil(columns / blockColumns)];
        const isPlain = quote(scales.shape) === quote(expected);
        const isFew = expected[1] === 1 && elementCount(scales.shape) === expected[0];
        if (shape.length === 2 && (isPlain || isFew)) return;
        const sentence = `${quote(scales.name, 120)} of shape ${quote(expected)}, a scale for each block`;
        throw refused(scales.file, sentence, quote(scales.shape));
      },
      decode: (parts) => decodeBlocks(parts, blocks, layout),
    };
  });
}

interface Source {
  readonly stored: ReadonlyMap<string, StoredTensor>;
  /** Name of config.json, for messages. */
  readonly file: string;
}

/** The tensors of a weight. */
export interface Fp8Blocks {
  readonly codes: StoredTensor;
  readonly scales: StoredTensor;
  /** What belongs to its inputs. */
  readonly others: readonly StoredTensor[];
  readonly blockRows: number;
  readonly blockColumns: number;
}

/** @throws MoeqError for blocks that are not described, or weights without scales */
export function fp8Blocks({ stored, file }: Source, own: Readonly<Record<string, unknown>>): Fp8Blocks[] {
  const parsed = v.safeParse(schema, own);
  if (!parsed.success) {
    const expected = 'quantization_config with fmt e4m3, and two integers where it has a weight_block_size';
    throw refused(file, expected, quote({ fmt: own['fmt'], weight_block_size: own['weight_block_size'] }));
  }
  const { weight_block_size: size } = parsed.output;
  return [...stored.values()]
    .filter(({ name, dtype }) => dtype === 'F8_E4M3' && !isScale.test(name))
    .map((codes) => {
      const [inverse, direct] = ['_scale_inv', '_scale'].map((end) => stored.get(`${codes.name}${end}`));
      const scales = inverse ?? direct;
      if (scales === undefined)
        throw refused(codes.file, `tensor ${quote(`${codes.name}_scale_inv`, 120)}`, 'no such tensor');
      const [rows = 1, columns = 1] = codes.shape;
      // without sizes of blocks, one number is of all and others are of rows
      const whole: readonly [number, number] = [elementCount(scales.shape) === 1 ? rows : 1, columns];
      const [blockRows, blockColumns] = (size ?? whole).map((length) => Math.max(length, 1)) as [
        number,
        number,
      ];
      const module = codes.name.replace(/weight$/, '');
      const others = ['input_scale', 'input_zero_point'].flatMap(
        (part) => stored.get(`${module}${part}`) ?? [],
      );
      return { codes, scales, others, blockRows, blockColumns };
    });
}

/** Scales of NVFP4 are floats of 8 bits too. */
const isScale = /_scale$/;

function decodeBlocks(
  parts: Readonly<Record<string, Tensor>>,
  { codes: weight, scales, blockRows, blockColumns }: Fp8Blocks,
  layout: Layout,
): QuantizedTensor {
  const { data: codes } = parts[weight.name] as Tensor;
  const { data, dtype } = parts[scales.name] as Tensor;
  const nan = codes.findIndex((code) => notNumbers.includes(code));
  if (nan >= 0) throw refused(weight.file, `finite numbers in ${quote(weight.name, 120)}`, `NaN at ${nan}`);
  const [rows = 0, columns = 0] = weight.shape;
  const blocksOfRow = Math.ceil(columns / blockColumns);
  const byBlock = toFloat32(data, dtype);
  const byRow = new Float32Array(rows * blocksOfRow);
  for (let row = 0; row < rows; row++) {
    const first = Math.floor(row / blockRows) * blocksOfRow;
    byRow.set(byBlock.subarray(first, first + blocksOfRow), row * blocksOfRow);
  }
  return {
    format,
    shape: weight.shape,
    dtype: 'BF16',
    layout,
    planes: {
      codes: { dtype: 'U8', data: codes },
      scales: { dtype: 'F32', data: new Uint8Array(byRow.buffer) },
    },
  };
}

function refused(subject: string, expected: string, found: string): MoeqError {
  return new MoeqError({ operation: 'open the quantized weights', subject, expected, found });
}
