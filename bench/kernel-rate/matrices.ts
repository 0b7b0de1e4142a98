// Matrices of every kind that has a kernel of its own.
import type { MatrixData } from '@moeq/kernels';
import type { Quantizer } from '@moeq/quantizers';

/** N, K: the shape of an expert's gate in the comparison with llama.cpp. */
export const shape = [2048, 1024] as const;

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
