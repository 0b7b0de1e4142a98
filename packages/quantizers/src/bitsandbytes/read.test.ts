import { MoeqError, type QuantizedTensor, sliceMatrix, type Tensor } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import { doubleQuant } from '../double-quant.js';
import { fp4 } from '../fp4.js';
import { int4 } from '../int4.js';
import { int8 } from '../int8.js';
import { nf4 } from '../nf4.js';
import type { Quantizer } from '../quantizer.js';
import { planeBytes } from '../testkit/hex.js';
import { encodeQuantState } from './quant-state.js';
import { bitsandbytesGroups, fromBitsandbytes } from './read.js';
import { planBitsandbytes, toBitsandbytes } from './write.js';

const name = 'layers.0.w1.weight';
const state = `${name}.quant_state.bitsandbytes__nf4`;

function quantized(quantizer: Quantizer, rows = 8, columns = 96): QuantizedTensor {
  const weights = Float32Array.from({ length: rows * columns }, () => Math.random() - 0.5);
  return quantizer.quantize(weights, [rows, columns], { name, dtype: 'BF16' });
}

const bytes = (text: string): Tensor => {
  const data = new TextEncoder().encode(text);
  return { dtype: 'U8', shape: [data.length], data };
};

const builtIns = [nf4(), fp4({ blockSize: 32 }), doubleQuant(nf4()), doubleQuant(fp4()), int8()];

describe.each(builtIns)('$name', (quantizer) => {
  test('comes back as it was written', () => {
    for (const [rows, columns] of [
      [8, 96],
      [3, 33],
      [1, 1],
      [0, 64],
    ] as const) {
      const tensor = quantized(quantizer, rows, columns);
      const read = fromBitsandbytes(name, toBitsandbytes(name, tensor), 'BF16');
      expect(read).toEqual(tensor);
    }
  });

  test('is written as it was planned', () => {
    const tensor = quantized(quantizer);
    const written = Object.entries(toBitsandbytes(name, tensor));
    const plan = planBitsandbytes(name, quantizer, [8, 96], 'BF16');
    expect(plan.length).toBe(written.length);
    plan.forEach((part, index) => {
      const [key, { dtype, shape, data }] = written[index] as [string, Tensor];
      expect(part.name).toBe(key);
      if ('maxBytes' in part) expect(data.length).toBeLessThanOrEqual(part.maxBytes);
      else expect(part).toEqual({ name: key, dtype, shape });
    });
  });

  test('is found among the names of a checkpoint', () => {
    const names = [
      ...Object.keys(toBitsandbytes(name, quantized(quantizer))),
      'norm.weight',
      'lm_head.weight',
      'x.SCB',
    ];
    const groups = bitsandbytesGroups(names.reverse());
    expect([...groups.keys()]).toEqual([name]);
    expect([...(groups.get(name) ?? [])].sort()).toEqual(
      names.filter((each) => each.startsWith('layers')).sort(),
    );
  });
});

describe('fromBitsandbytes', () => {
  test('takes codes that are stored as another dtype', () => {
    const tensor = quantized(nf4());
    const parts = toBitsandbytes(name, tensor);
    const codes = parts[name] as Tensor;
    const stored = {
      ...parts,
      [name]: { ...codes, dtype: 'BF16' as const, shape: [codes.data.length / 2, 1] },
    };
    expect(fromBitsandbytes(name, stored)).toEqual(tensor);
  });

  test('takes fused experts that were quantized in one run, where no block crosses a matrix', () => {
    const flat = quantized(nf4(), 12, 128);
    const parts = toBitsandbytes(name, flat);
    const fused = (shape: number[]) => ({
      ...parts,
      [state]: bytes(
        new TextDecoder().decode(
          encodeQuantState({ quantType: 'nf4', blockSize: 64, dtype: 'BF16', shape, nested: null }),
        ),
      ),
    });
    const tensor = fromBitsandbytes(name, fused([3, 4, 128]));
    expect(planeBytes(sliceMatrix(tensor, 2), 'codes')).toEqual(planeBytes(flat, 'codes').subarray(512));
    expect(() => fromBitsandbytes(name, fused([64, 1, 24]))).toThrow('matrices of a multiple of 64 elements');
  });

  const good = toBitsandbytes(name, quantized(doubleQuant(nf4())));
  const plain = toBitsandbytes(name, quantized(nf4()));
  const rows = toBitsandbytes(name, quantized(int8()));
  const text = new TextDecoder().decode((good[state] as Tensor).data);
  const without = (key: string, parts = good) =>
    Object.fromEntries(Object.entries(parts).filter(([each]) => each !== key));
  const floats = (values: number[]): Tensor => ({
    dtype: 'F32',
    shape: [values.length],
    data: new Uint8Array(Float32Array.from(values).buffer),
  });

  test.each<[string, Record<string, Tensor>, string]>([
    ['a missing state', without(state), 'one .quant_state.bitsandbytes__nf4 or __fp4, found 0'],
    ['two states', { ...good, [`${name}.quant_state.bitsandbytes__fp4`]: good[state] as Tensor }, 'found 2'],
    [
      'a state of another type',
      { ...without(state), [`${name}.quant_state.bitsandbytes__fp4`]: good[state] as Tensor },
      'quant_type fp4, found nf4',
    ],
    ['a missing absmax', without(`${name}.absmax`), `${name}.absmax, found no such tensor`],
    ['a missing nested map', without(`${name}.nested_quant_map`), 'nested_quant_map, found no such tensor'],
    [
      'nested parts that the state does not know',
      { ...good, [state]: plain[state] as Tensor },
      `${name}.absmax: cannot read as bitsandbytes: expected F32, found U8`,
    ],
    [
      'float scales where the state is nested',
      { ...good, [`${name}.absmax`]: plain[`${name}.absmax`] as Tensor },
      'expected U8, found F32',
    ],
    ['an unknown part', { ...plain, [`${name}.nested_absmax`]: floats([1]) }, 'no other parts'],
    [
      'too few codes',
      { ...good, [name]: { dtype: 'U8', shape: [3, 1], data: new Uint8Array(3) } },
      'plane codes U8 [384] of 384 bytes',
    ],
    [
      'a shape that the codes contradict',
      { ...good, [state]: bytes(text.replace('[8, 96]', '[8, 97]')) },
      'plane codes',
    ],
    [
      'a shape past all memory',
      { ...good, [state]: bytes(text.replace('[8, 96]', '[4503599627370496, 9007199254740991]')) },
      'plane',
    ],
    [
      'more matrices than there are codes',
      { ...good, [state]: bytes(text.replace('[8, 96]', '[2147483648, 256, 64]')) },
      'bytes of codes for [2147483648,256,64], found 384',
    ],
    [
      'two thousand million matrices of nothing',
      { ...good, [state]: bytes(text.replace('[8, 96]', '[2147483648, 0, 64]')) },
      'matrices of a multiple of 16384 elements',
    ],
    [
      'a table of 15',
      { ...good, [`${name}.quant_map`]: floats(Array(15).fill(0)) },
      'a codebook of 16 values, found 15',
    ],
    [
      'a table with NaN',
      { ...good, [`${name}.quant_map`]: floats(Array(16).fill(NaN)) },
      'a finite codebook',
    ],
    [
      'a nested map of 16',
      { ...good, [`${name}.nested_quant_map`]: floats(Array(16).fill(0)) },
      'codebook of the scale of 256 values',
    ],
    [
      'an infinite nested absmax',
      { ...good, [`${name}.nested_absmax`]: floats([Infinity]) },
      'finite numbers in plane scalesNested',
    ],
    [
      'NaN in absmax',
      { ...plain, [`${name}.absmax`]: floats(Array(12).fill(NaN)) },
      'finite numbers in plane scales',
    ],
    [
      'rows of another dtype',
      { ...rows, [name]: { dtype: 'U8', shape: [8, 96], data: new Uint8Array(768) } },
      'expected I8, found U8',
    ],
    ['too few SCB', { ...rows, 'layers.0.w1.SCB': floats([1, 2]) }, 'plane scales F32 [8] of 32 bytes'],
    [
      'another weight format',
      { ...rows, 'layers.0.w1.weight_format': { dtype: 'U8', shape: [], data: Uint8Array.of(2) } },
      '0, the format "row", found 2',
    ],
    [
      'int8 of one dimension',
      { ...rows, [name]: { dtype: 'I8', shape: [768], data: new Uint8Array(768) } },
      'a matrix, found shape [768]',
    ],
  ])('refuses %s', (_, parts, message) => {
    let thrown: unknown;
    try {
      fromBitsandbytes(name, parts);
    } catch (error) {
      thrown = error;
    }
    expect(MoeqError.isInstance(thrown) && thrown.message).toContain(message);
  });

  test('needs no weight_format for int8', () => {
    expect(fromBitsandbytes(name, without('layers.0.w1.weight_format', rows)).format).toBe('int8');
  });
});

describe('toBitsandbytes', () => {
  test.each<[string, string, QuantizedTensor]>([
    ['int4', name, quantized(int4())],
    ['int8 in blocks', name, quantized(int8({ granularity: 'block' }))],
    ['double-quantized int8', name, quantized(doubleQuant(int8()))],
    ['a name that is no weight', 'experts.down_proj', quantized(nf4())],
    ['fused experts', name, { ...quantized(nf4()), shape: [2, 4, 96] }],
  ])('refuses %s', (_, key, tensor) => {
    expect(() => toBitsandbytes(key, tensor)).toThrow(`${key}: cannot write as bitsandbytes`);
  });
});
