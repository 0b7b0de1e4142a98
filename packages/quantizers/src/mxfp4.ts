// Weights in the form in which gpt-oss is published: OCP Microscaling Formats 1.0, MXFP4, two codes a byte and the exponent of
// a power of two for 32 of them. transformers, integrations/mxfp4.py, convert_moe_packed_tensors. P is the weight's name.
//
//   P_blocks U8 [E, N, K / 32, 16]    byte b of a block: element 2b in the low nibble, 2b + 1 in the high one
//   P_scales U8 or F8_E8M0 [E, N, K / 32]    e stands for 2^(e - 127)
//
// Shapes: E experts, absent where there is one matrix; N rows, K columns.
import {
  assertQuantizedTensor,
  type DType,
  e2m1Values,
  type Layout,
  MoeqError,
  type QuantizedTensor,
  quote,
  type Tensor,
} from '@moeq/tensors';

const operation = 'read as mxfp4';

/** Elements of a block, and the bytes of their codes. */
const blockSize = 32;
const blockBytes = 16;

export const mxfp4Layout: Layout = {
  bitsPerCode: 4,
  order: 'lowFirst',
  blockSize,
  blocks: 'row',
  decode: { kind: 'codebook', values: e2m1Values },
  scale: { kind: 'plain', dtype: 'F8_E8M0', multiplier: 1 },
};

/** The names of the two tensors of a weight. */
export const mxfp4Parts = (name: string): readonly [blocks: string, scales: string] => [
  `${name}_blocks`,
  `${name}_scales`,
];

/**
 * Names of the weights in this form: those of which there is at least one of the two tensors.
 * @param names all names in the checkpoint's files
 */
export function mxfp4Names(names: Iterable<string>): string[] {
  const found = Array.from(names, (name) => /^(.+)_(?:blocks|scales)$/.exec(name)?.[1]);
  return [...new Set(found)].filter((name) => name !== undefined);
}

type Head = Pick<Tensor, 'shape'> & { readonly dtype: DType };

/**
 * The shape of a weight, [N, K] or [E, N, K].
 * @throws MoeqError where a tensor is missing, or the dtypes or shapes of the two do not fit each other
 */
export function mxfp4Shape(
  name: string,
  blocks: Head | undefined,
  scales: Head | undefined,
): readonly number[] {
  const [blocksName, scalesName] = mxfp4Parts(name);
  const fail = (subject: string, expected: string, found: string): never => {
    throw new MoeqError({ operation, subject: quote(subject, 200), expected, found });
  };
  if (blocks === undefined) return fail(name, `tensor ${quote(blocksName, 200)}`, 'no such tensor');
  if (scales === undefined) return fail(name, `tensor ${quote(scalesName, 200)}`, 'no such tensor');
  const describe = ({ dtype, shape }: Head) => `${dtype} ${JSON.stringify(shape)}`;
  const { shape } = blocks;
  if (blocks.dtype !== 'U8' || shape.length < 3 || shape.length > 4 || shape.at(-1) !== blockBytes) {
    const expected = `U8 [experts, rows, blocks, ${blockBytes}] or [rows, blocks, ${blockBytes}]`;
    fail(blocksName, expected, describe(blocks));
  }
  const outer = shape.slice(0, -1);
  const isScale = scales.dtype === 'U8' || scales.dtype === 'F8_E8M0';
  if (!isScale || JSON.stringify(scales.shape) !== JSON.stringify(outer))
    fail(scalesName, `U8 ${JSON.stringify(outer)}, one for each of the blocks`, describe(scales));
  return [...outer.slice(0, -1), blockSize * (outer.at(-1) ?? 0)];
}

/**
 * The weight that the two tensors hold; its planes share their bytes.
 * @param name of the weight
 * @param entries the two by their full names
 * @throws MoeqError when one is missing, or they do not fit each other, or a scale is NaN
 */
export function fromMxfp4(name: string, entries: Readonly<Record<string, Tensor>>): QuantizedTensor {
  const [blocksName, scalesName] = mxfp4Parts(name);
  const [blocks, scales] = [entries[blocksName], entries[scalesName]];
  const shape = mxfp4Shape(name, blocks, scales);
  const tensor: QuantizedTensor = {
    format: 'mxfp4',
    shape,
    dtype: 'BF16',
    layout: mxfp4Layout,
    planes: {
      codes: { dtype: 'U8', data: (blocks as Tensor).data },
      scales: { dtype: 'F8_E8M0', data: (scales as Tensor).data },
    },
  };
  assertQuantizedTensor(tensor, name);
  return tensor;
}
