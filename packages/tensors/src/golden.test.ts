// Files that bitsandbytes wrote, read by range and decoded by layout, against what bitsandbytes itself decodes.
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { fromFloat32 } from './convert.js';
import { decodeRows, decodeTensor } from './decode.js';
import type { Layout, Plane, QuantizedTensor } from './layout.js';
import { openSafetensorsFile } from './node/file-source.js';
import { bitsPerWeight } from './planes.js';
import { float32View } from './views.js';

test.each([
  ['nf4-33x100-b64-float32-normal', 4 + (32 * 52) / 3300],
  ['fp4-33x100-b64-bfloat16-dq-normal', 4 + (8 * 52 + 32 + 32) / 3300],
])('%s, bit for bit', async (name, bits) => {
  const file = await openSafetensorsFile(
    fileURLToPath(new URL(`../testdata/${name}.safetensors`, import.meta.url)),
  );
  const read = async (tensor: string): Promise<Plane> => file.read(tensor);
  const stateName = [...file.tensors.keys()].find((key) => key.includes('quant_state')) ?? '';
  const state = JSON.parse(new TextDecoder().decode((await read(stateName)).data));
  const nested = 'nested_blocksize' in state;

  const layout: Layout = {
    bitsPerCode: 4,
    order: 'highFirst',
    blockSize: state.blocksize,
    blocks: 'flat',
    decode: { kind: 'codebook', values: float32View((await read('weight.quant_map')).data) },
    scale: nested
      ? {
          kind: 'nested',
          codebook: float32View((await read('weight.nested_quant_map')).data),
          blockSize: state.nested_blocksize,
          dtype: 'F32',
          hasOffset: true,
        }
      : { kind: 'plain', dtype: 'F32', multiplier: 1 },
  };
  const planes: Record<string, Plane> = {
    codes: await read('weight'),
    scales: await read('weight.absmax'),
    ...(nested && {
      scalesNested: await read('weight.nested_absmax'),
      scalesOffset: { dtype: 'F32', data: fromFloat32(Float32Array.of(state.nested_offset), 'F32') },
    }),
  };
  const tensor: QuantizedTensor = {
    format: state.quant_type,
    shape: state.shape,
    dtype: 'F32',
    layout,
    planes,
  };

  const expected = await file.read('dequantized');
  await file.close();
  const decoded = decodeTensor(tensor);
  expect(fromFloat32(decoded, expected.dtype)).toEqual(expected.data);
  expect(decodeRows(tensor, 7, 3, new Float32Array(300))).toEqual(decoded.subarray(700, 1000));

  expect(bitsPerWeight(tensor)).toBeCloseTo(bits, 12);
});
