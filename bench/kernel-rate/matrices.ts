// Matrices of every kind that has a kernel of its own, made by the quantizers that users have.
import type { MatrixData } from '@moeq/kernels';
import { codebookQuantizer, doubleQuant, fp4, int4, int8, nf4, type Quantizer } from '@moeq/quantizers';

/** N, K: the shape of an expert's gate in the comparison with llama.cpp. */
export const shape = [2048, 1024] as const;

export const quantizers: Readonly<Record<string, Quantizer>> = {
  'nf4, double-quantized': doubleQuant(nf4()),
  nf4: nf4(),
  fp4: fp4(),
  'a codebook of 16 evenly spaced values': codebookQuantizer({
    name: 'even',
    values: Array.from({ length: 16 }, (_, i) => i / 7.5 - 1),
  }),
  int4: int4(),
  'int4, asymmetric': int4({ symmetric: false }),
  'int8, rows': int8(),
  'int8, blocks of 64': int8({ granularity: 'block' }),
};

/** Of one cycle of a sine, not aligned with blocks: no block is like another. */
function numbers(): Float32Array {
  return Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => Math.sin(i * 12.9898));
}

export function quantized(quantizer: Quantizer): MatrixData {
  return quantizer.quantize(numbers(), [...shape], { name: 'matrix', dtype: 'F32' });
}

/** BF16 and F32. */
export function plain(): Readonly<Record<string, MatrixData>> {
  const values = numbers();
  const words = new Uint32Array(values.buffer);
  const bfloats = Uint16Array.from(words, (word) => word >>> 16);
  return {
    bfloat16: { dtype: 'BF16', shape: [...shape], data: new Uint8Array(bfloats.buffer) },
    float32: { dtype: 'F32', shape: [...shape], data: new Uint8Array(values.buffer) },
  };
}
