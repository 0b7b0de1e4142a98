// Reads the golden files of testdata/.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DType, FloatDType, Tensor } from '@moeq/tensors';

const folder = fileURLToPath(new URL('../../testdata/bitsandbytes/', import.meta.url));

/** Names of the cases that begin with the prefix. */
export function goldenNames(prefix: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.startsWith(prefix) && file.endsWith('.safetensors'))
    .map((file) => file.replace('.safetensors', ''));
}

/** All tensors of a case; a reader of its own, so that the tests do not lean on the package's siblings. */
export function golden(name: string): Record<string, Tensor> {
  const bytes = readFileSync(`${folder}${name}.safetensors`);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header: Record<string, { dtype: DType; shape: number[]; data_offsets: [number, number] }> =
    JSON.parse(bytes.toString('utf8', 8, start));
  return Object.fromEntries(
    Object.entries(header)
      .filter(([key]) => key !== '__metadata__')
      .map(
        ([
          key,
          {
            dtype,
            shape,
            data_offsets: [first, last],
          },
        ]) => [key, { dtype, shape, data: Uint8Array.from(bytes.subarray(start + first, start + last)) }],
      ),
  );
}

export function part(tensors: Record<string, Tensor>, name: string): Tensor {
  const tensor = tensors[name];
  if (tensor === undefined) throw new Error(`no tensor ${name}`);
  return tensor;
}

export function matrixShape(tensor: Tensor): [number, number] {
  const [rows = 0, columns = 0] = tensor.shape;
  return [rows, columns];
}

export function floatDType(tensor: Tensor): FloatDType {
  if (tensor.dtype === 'F32' || tensor.dtype === 'F16' || tensor.dtype === 'BF16') return tensor.dtype;
  throw new Error(`${tensor.dtype} is no float dtype`);
}
