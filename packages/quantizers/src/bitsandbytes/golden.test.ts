// Against the data that bitsandbytes made: the same bytes out, and its own bytes read back.
import { fromFloat32, type QuantizedTensor, type Tensor, toFloat32 } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import type { BlockSize } from '../codebook-quantizer.js';
import { doubleQuant } from '../double-quant.js';
import { dynamicMapValues } from '../dynamic-map.js';
import { fp4 } from '../fp4.js';
import { int8 } from '../int8.js';
import { quantizeInt8Rows } from '../int8-rows.js';
import { nf4 } from '../nf4.js';
import type { Quantizer } from '../quantizer.js';
import { floatDType, golden, goldenNames, matrixShape, part } from '../testkit/golden.js';
import { fromBitsandbytes } from './read.js';
import { toBitsandbytes } from './write.js';

const fourBitNames = [...goldenNames('nf4'), ...goldenNames('fp4')];

function quantizerOf(name: string): Quantizer {
  const blockSize = Number(/-b(\d+)-/.exec(name)?.[1]) as BlockSize;
  const inner = name.startsWith('nf4') ? nf4({ blockSize }) : fp4({ blockSize });
  return name.includes('-dq-') ? doubleQuant(inner) : inner;
}

function quantized(quantizer: Quantizer, input: Tensor): QuantizedTensor {
  const dtype = floatDType(input);
  return quantizer.quantize(toFloat32(input.data, dtype), matrixShape(input), { name: 'weight', dtype });
}

/** The serialized weight of a case, without its input and its dequantized values. */
function serialized(tensors: Record<string, Tensor>): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(tensors).filter(([key]) => key.startsWith('weight')));
}

test('there are golden cases', () => {
  expect(fourBitNames.length).toBe(11);
  expect(goldenNames('int8').length).toBe(3);
});

describe.each(fourBitNames)('%s', (name) => {
  const tensors = golden(name);
  const input = part(tensors, 'input');
  const written = toBitsandbytes('weight.weight', quantized(quantizerOf(name), input));

  test('is written with the same keys, dtypes, shapes and bytes', () => {
    const expected = serialized(tensors);
    const renamed = Object.fromEntries(
      Object.entries(written).map(([key, tensor]) => [key.slice(7), tensor]),
    );
    expect(Object.keys(renamed).sort()).toEqual(Object.keys(expected).sort());
    for (const [key, tensor] of Object.entries(expected)) {
      expect({ ...renamed[key], data: undefined }, key).toEqual({ ...tensor, data: undefined });
      expect(Buffer.from(part(renamed, key).data).equals(tensor.data), key).toBe(true);
    }
  });

  test('is read back and dequantizes to the same bytes', () => {
    const tensor = fromBitsandbytes('weight', serialized(tensors));
    const expected = part(tensors, 'dequantized');
    expect(tensor.shape).toEqual(expected.shape);
    expect(tensor.dtype).toBe(expected.dtype);
    const bytes = fromFloat32(quantizerOf(name).dequantize(tensor), expected.dtype);
    expect(Buffer.from(bytes).equals(expected.data)).toBe(true);
  });
});

test.each(['int8-row-48x256-float32', 'int8-row-31x300-float16'])('%s', (name) => {
  const tensors = golden(name);
  const written = toBitsandbytes('m.weight', quantized(int8(), part(tensors, 'input')));
  expect(written['m.weight']).toEqual(part(tensors, 'CB'));
  expect(written['m.SCB']).toEqual(part(tensors, 'SCB'));
  expect(written['m.weight_format']).toEqual({ dtype: 'U8', shape: [], data: Uint8Array.of(0) });
  expect(toBitsandbytes('m.weight', fromBitsandbytes('m.weight', written))).toEqual(written);
});

test('int8-outliers-64x256-t6', () => {
  const tensors = golden('int8-outliers-64x256-t6');
  const input = part(tensors, 'input');
  const { codes, absmax } = quantizeInt8Rows(toFloat32(input.data, input.dtype), matrixShape(input), 6);
  expect(Buffer.from(codes.buffer).equals(part(tensors, 'CB').data)).toBe(true);
  expect(Buffer.from(absmax.buffer).equals(part(tensors, 'SCB').data)).toBe(true);
});

test('the dynamic map', () => {
  const { data } = part(golden('dynamic-map'), 'signed');
  expect(Buffer.from(dynamicMapValues.buffer).equals(data)).toBe(true);
});
