// Weights in blocks of 8-bit floats as the BF16 that they stand for, for conversions: each range is decoded when it is read, and
// the scales of its blocks with it. DeepSeek-V3, inference/fp8_cast_bf16.py.
//
// Shapes: N rows, K columns.
import { fromFloat32, MoeqError, quote, toFloat32 } from '@moeq/tensors';
import type { StoredTensor } from '../files/file-set.js';
import type { Fp8Blocks } from './fp8-blocks.js';

const codeBytes = 1;
const floatBytes = 2;

/** The same tensors, with each of these weights in place of its codes and scales. */
export function withFloats(
  stored: ReadonlyMap<string, StoredTensor>,
  weights: readonly Fp8Blocks[],
): ReadonlyMap<string, StoredTensor> {
  const decoded = new Map(weights.map((weight) => [weight.codes.name, floatsOf(weight)]));
  const scales = new Set(
    weights.flatMap(({ scales, others }) => [scales, ...others].map(({ name }) => name)),
  );
  return new Map(
    [...stored]
      .filter(([name]) => !scales.has(name))
      .map(([name, tensor]) => [name, decoded.get(name) ?? tensor]),
  );
}

function floatsOf({ codes, scales, blockRows, blockColumns }: Fp8Blocks): StoredTensor {
  const { name, shape, file } = codes;
  const [, columns = 1] = shape;
  const blocksOfRow = Math.ceil(columns / blockColumns);

  async function readBytes(
    offset: number,
    length: number,
    signal?: AbortSignal,
    into?: Uint8Array,
  ): Promise<Uint8Array> {
    const first = offset / floatBytes;
    const count = length / floatBytes;
    if (!Number.isInteger(first) || !Number.isInteger(count)) {
      throw new MoeqError({
        operation: 'read a part of it',
        subject: `${file}: ${quote(name, 120)}`,
        expected: `whole elements of ${floatBytes} bytes`,
        found: `${length} bytes from ${offset}`,
      });
    }
    const bytes = await codes.readBytes(first * codeBytes, count * codeBytes, signal);
    const { data, dtype } = await scales.read(signal);
    const factors = toFloat32(data, dtype);
    const values = toFloat32(bytes, 'F8_E4M3');
    for (let i = 0; i < count; i++) {
      const row = Math.floor((first + i) / columns);
      const column = first + i - row * columns;
      const block = Math.floor(row / blockRows) * blocksOfRow + Math.floor(column / blockColumns);
      values[i] = (values[i] as number) * (factors[block] as number);
    }
    return fromFloat32(values, 'BF16', into);
  }

  const bytes = floatBytes * codes.bytes;
  return {
    ...{ name, shape, file, bytes, readBytes },
    dtype: 'BF16',
    read: async (signal) => ({ dtype: 'BF16', shape, data: await readBytes(0, bytes, signal) }),
  };
}
