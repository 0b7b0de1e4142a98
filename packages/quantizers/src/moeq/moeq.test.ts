import { decodeTensor, type QuantizedTensor, type Tensor } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import { doubleQuant } from '../double-quant.js';
import { int4 } from '../int4.js';
import { int8 } from '../int8.js';
import { nf4 } from '../nf4.js';
import type { Quantizer } from '../quantizer.js';
import { dequantize } from '../quantizers.js';
import { stackMatrices } from '../stack.js';
import { rowRange, twelveBit } from '../testkit/custom.js';
import { moeqConfig, parseMoeqConfig } from './config.js';
import { fromMoeq, moeqEntry, moeqParts, planMoeq, toMoeq } from './tensors.js';

function quantized(quantizer: Quantizer, rows = 4, columns = 96): QuantizedTensor {
  const weights = Float32Array.from({ length: rows * columns }, () => Math.random() - 0.5);
  return quantizer.quantize(weights, [rows, columns], { name: 'w', dtype: 'BF16' });
}

type Json = { [key: string]: Json };

/** The config of one double-quantized nf4 tensor `w` and one int4 tensor `x`, changed. */
function config(change: (json: Json) => void = () => {}): unknown {
  const entries = [
    ['w', moeqEntry(quantized(doubleQuant(nf4())))],
    ['x', moeqEntry(quantized(int4()))],
    ['y', moeqEntry(quantized(int4()))],
  ] as const;
  const json = JSON.parse(JSON.stringify(moeqConfig(entries, [int4()])));
  change(json);
  return json;
}

const at = (json: Json, ...path: (string | number)[]): Json =>
  path.reduce((value, key) => value[key] as Json, json);

describe('moeqConfig', () => {
  test('holds each layout once, and the options of the quantizers', () => {
    expect(config()).toMatchObject({
      quant_method: 'moeq',
      version: 1,
      formats: { int4: { symmetric: true, blockSize: 32, search: false } },
      layouts: [
        { bitsPerCode: 4, blockSize: 64 },
        { order: 'lowFirst', blockSize: 32 },
      ],
      tensors: {
        w: { format: 'nf4-dq', shape: [4, 96], dtype: 'BF16', layout: 0 },
        x: { format: 'int4', layout: 1 },
        y: { format: 'int4', layout: 1 },
      },
    });
  });

  test('gives back the layouts bit for bit', () => {
    const quantizers = [
      nf4(),
      doubleQuant(nf4()),
      int8(),
      int4({ symmetric: false }),
      rowRange(),
      doubleQuant(rowRange()),
      twelveBit(),
    ];
    for (const quantizer of quantizers) {
      const entry = moeqEntry(quantized(quantizer));
      const read = parseMoeqConfig(JSON.parse(JSON.stringify(moeqConfig([['w', entry]]))), 'config.json').get(
        'w',
      );
      expect(read).toEqual(entry);
    }
  });

  test.each<[string, (json: Json) => void, string]>([
    [
      'another method',
      (json) => Object.assign(json, { quant_method: 'gptq' }),
      'expected "moeq", found "gptq"',
    ],
    [
      'another version',
      (json) => Object.assign(json, { version: 2 }),
      'version: cannot read quantization_config: expected 1, found 2',
    ],
    [
      'a table of 15',
      (json) => Object.assign(at(json, 'layouts', 0, 'decode'), { values: Array(15).fill(0) }),
      'a table of 16 numbers',
    ],
    [
      'a table with null',
      (json) => Object.assign(at(json, 'layouts', 0, 'decode', 'values'), { 3: null }),
      'expected number, found null',
    ],
    [
      'a table past float32',
      (json) => Object.assign(at(json, 'layouts', 0, 'decode', 'values'), { 3: 1e39 }),
      'a finite float32',
    ],
    [
      'a nested table of 1',
      (json) => Object.assign(at(json, 'layouts', 0, 'scale'), { codebook: [0] }),
      'a table of 256 numbers',
    ],
    [
      'an unknown field',
      (json) => Object.assign(at(json, 'layouts', 0, 'scale'), { shift: 1 }),
      'found "layouts.0.scale.shift"',
    ],
    [
      'an unknown decode',
      (json) => Object.assign(at(json, 'layouts', 0, 'decode'), { kind: 'tree' }),
      'one of "codebook", "affine", found "tree"',
    ],
    [
      'codes of 3 bits',
      (json) => Object.assign(at(json, 'layouts', 0), { bitsPerCode: 3 }),
      'one of 4, 8, found 3',
    ],
    [
      'an unknown order',
      (json) => Object.assign(at(json, 'layouts', 0), { order: 'middle' }),
      'layouts.0.order',
    ],
    [
      'a block size of 0',
      (json) => Object.assign(at(json, 'layouts', 0), { blockSize: 0 }),
      'a number from 1',
    ],
    [
      'a zero past the codes',
      (json) => Object.assign(at(json, 'layouts', 1, 'decode', 'zero'), { value: 16 }),
      'a code from 0 to 15',
    ],
    [
      'a layout that is not there',
      (json) => Object.assign(at(json, 'tensors', 'w'), { layout: 2 }),
      'config.json: w: cannot read quantization_config: expected a layout below 2, found 2',
    ],
    [
      'no layout and no planes',
      (json) => Object.assign(at(json, 'tensors', 'w'), { layout: null }),
      'planes, as its layout is null',
    ],
    [
      'planes beside a layout',
      (json) => Object.assign(at(json, 'tensors', 'w'), { planes: {} }),
      'no planes beside a layout',
    ],
    [
      'a plane with a dot',
      (json) =>
        Object.assign(at(json, 'tensors', 'w'), {
          layout: null,
          planes: { 'a.b': { dtype: 'U8', shape: [1] } },
        }),
      'a plane name of letters and digits',
    ],
    ['a vector', (json) => Object.assign(at(json, 'tensors', 'w'), { shape: [4] }), 'two or three sizes'],
    [
      'a dtype that is no float',
      (json) => Object.assign(at(json, 'tensors', 'w'), { dtype: 'I8' }),
      'one of "F32", "F16", "BF16", found "I8"',
    ],
    ['no tensors', (json) => Object.assign(json, { tensors: null }), 'tensors'],
  ])('refuses %s', (_, change, message) => {
    expect(() => parseMoeqConfig(config(change), 'config.json')).toThrow('config.json');
    expect(() => parseMoeqConfig(config(change), 'config.json')).toThrow(message);
  });
});

describe('fromMoeq', () => {
  const tensor = quantized(doubleQuant(nf4()));
  const parts = toMoeq('w', tensor);
  const entry = moeqEntry(tensor);

  test('planes are stored under their names', () => {
    expect(Object.keys(parts)).toEqual(['w.codes', 'w.scales', 'w.scalesNested', 'w.scalesOffset']);
    expect(moeqParts('w', entry)).toEqual(Object.keys(parts));
    expect(fromMoeq('w', entry, parts)).toEqual(tensor);
  });

  test.each<[string, Record<string, Tensor>, string]>([
    [
      'a missing plane',
      Object.fromEntries(Object.entries(parts).slice(1)),
      'w.codes: cannot read the quantized tensor: expected U8 [192] of 192 bytes, found no such tensor',
    ],
    ['an unknown plane', { ...parts, 'w.zeroPoints': parts['w.codes'] as Tensor }, 'no other parts'],
    [
      'a plane of another dtype',
      { ...parts, 'w.scales': { ...(parts['w.scales'] as Tensor), dtype: 'I8' } },
      'expected U8 [6] of 6 bytes, found I8 [6] of 6 bytes',
    ],
    [
      'a plane of another shape',
      { ...parts, 'w.codes': { ...(parts['w.codes'] as Tensor), shape: [2, 96] } },
      'found U8 [2,96] of 192 bytes',
    ],
    [
      'a plane that ends before its shape',
      { ...parts, 'w.codes': { ...(parts['w.codes'] as Tensor), data: new Uint8Array(3) } },
      'of 3 bytes',
    ],
    [
      'a nested scale that is not finite',
      { ...parts, 'w.scalesNested': { dtype: 'F32', shape: [1], data: Uint8Array.of(0, 0, 128, 127) } },
      'finite numbers in plane scalesNested',
    ],
  ])('refuses %s', (_, changed, message) => {
    expect(() => fromMoeq('w', entry, changed)).toThrow(message);
  });

  test('a format without a layout needs its quantizer', () => {
    const packed = quantized(twelveBit(), 3, 5);
    const custom = moeqEntry(packed);
    expect(custom).toMatchObject({ layout: null, planes: { packed: { dtype: 'U8', shape: [24] } } });
    const read = fromMoeq('w', custom, toMoeq('w', packed), [twelveBit()]);
    expect(dequantize(read, [twelveBit()])).toEqual(twelveBit().dequantize(packed));
    const message =
      'w: cannot decode format "twelve-bit": expected the quantizer of that name, which alone can decode it, among the quantizers given, found';
    expect(() => fromMoeq('w', custom, toMoeq('w', packed))).toThrow(`${message} none given`);
    expect(() => fromMoeq('w', custom, toMoeq('w', packed), [nf4()])).toThrow(`${message} "nf4"`);
    expect(() => dequantize(read)).toThrow('expected the quantizer of that name');
  });
});

describe('fused experts', () => {
  test('are the planes of their matrices, one behind the other', () => {
    for (const quantizer of [doubleQuant(nf4()), int8(), int4({ symmetric: false }), twelveBit()]) {
      const matrices = [quantized(quantizer), quantized(quantizer), quantized(quantizer)];
      const fused = stackMatrices(matrices, 'w');
      const plan = planMoeq('w', quantizer, [3, 4, 96], 'BF16');
      expect(plan.entry).toEqual(moeqEntry(fused));
      expect(plan.parts).toEqual(
        Object.entries(toMoeq('w', fused)).map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
      );
      const values = fused.layout === null ? null : decodeTensor(fused);
      matrices.forEach((matrix, index) => {
        if (values !== null)
          expect(values.subarray(384 * index, 384 * (index + 1))).toEqual(decodeTensor(matrix));
      });
    }
  });

  test('refuse matrices that differ', () => {
    expect(() => stackMatrices([], 'w')).toThrow('one matrix or more');
    expect(() => stackMatrices([quantized(nf4()), quantized(nf4(), 5)], 'w')).toThrow(
      'matrices that all are nf4 [4,96]',
    );
    expect(() => stackMatrices([quantized(nf4()), quantized(int8())], 'w')).toThrow('found int8');
  });
});
