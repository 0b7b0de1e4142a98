// Hand values of the small functions; the conformance suite compares them on random input.
import { describe, expect, test } from 'vitest';
import { activationKinds } from '../activation.js';
import { rotationsOf } from '../rotation.js';
import type { RopeSpec } from '../step.js';
import { activations, innerFunction } from './activation.js';
import { cacheRow, makeCache } from './kv-cache.js';
import { rmsNorm } from './rms-norm.js';
import { rotate } from './rope.js';

describe('activations', () => {
  // x, silu, gelu, geluTanh, relu2 by the formulas with exp, erf and tanh of CPython's math module.
  test.each([
    [0, 0, 0, 0, 0],
    [1, 0.7310585786300049, 0.8413447460685429, 0.8411919906082768, 1],
    [-1, -0.2689414213699951, -0.15865525393145707, -0.15880800939172324, 0],
    [3, 2.8577223804672998, 2.99595030590511, 2.996362607918227, 9],
    [-20, -4.122307236380407e-8, 0, 0, 0],
  ])('at %d', (x, silu, gelu, geluTanh, relu2) => {
    expect(activations.silu(x, 1)).toBeCloseTo(silu, 12);
    expect(activations.gelu(x, 1)).toBeCloseTo(gelu, 12);
    expect(activations.geluTanh(x, 1)).toBeCloseTo(geluTanh, 12);
    expect(activations.relu2(x, 1)).toBeCloseTo(relu2, 12);
  });

  test.each(activationKinds)('%s keeps NaN', (name) => {
    expect(activations[name](Number.NaN, 1)).toBeNaN();
  });

  // gate, up, and by CPython what gpt-oss, DeepSeek-V4 and Step-3.5 make of them with a limit of 2
  test.each([
    [3, 4, 5.806975869432625, 3.5231883119115293, 4],
    [1, -3, -0.8457957659328212, -1.4621171572600098, -1.4621171572600098],
    [-1, 0.5, -0.23130635110076805, -0.13447071068499755, -0.13447071068499755],
  ])('limits at %d and %d', (gate, up, oai, input, output) => {
    const limited = { kind: 'silu', gated: true, limit: 2 } as const;
    expect(innerFunction({ ...limited, alpha: 1.702, upOffset: 1 })(gate, up)).toBeCloseTo(oai, 12);
    expect(innerFunction(limited)(gate, up)).toBeCloseTo(input, 12);
    expect(innerFunction({ ...limited, limitOf: 'output' })(gate, up)).toBeCloseTo(output, 12);
  });
});

describe('rmsNorm', () => {
  test('two rows of two', () => {
    const out = new Float32Array(4);
    rmsNorm(Float32Array.of(3, 4, 0, 0), Float32Array.of(1, -2), 0.5, out);
    expect(out[0]).toBeCloseTo(3 / Math.sqrt(13), 6);
    expect(out[1]).toBeCloseTo(-8 / Math.sqrt(13), 6);
    expect([...out.subarray(2)]).toEqual([0, -0]);
  });
});

describe('rope', () => {
  const rotationAt = (position: number, rope: RopeSpec) =>
    rotationsOf([{ pages: new Int32Array(), start: position, tokens: 1 }], rope);
  const quarter = { inverseFrequencies: Float32Array.of(Math.PI / 2, Math.PI), attentionFactor: 2 };

  test.each([
    ['halves', [-6, -4, 2, -8, 5]],
    ['interleaved', [-4, 2, -6, -8, 5]],
  ] as const)('%s: a quarter and a half turn, doubled; the fifth dimension stays', (style, expected) => {
    const head = Float32Array.of(1, 2, 3, 4, 5);
    rotate(head, rotationAt(1, { ...quarter, style }), style);
    expected.forEach((value, i) => {
      expect(head[i]).toBeCloseTo(value, 5);
    });
  });

  test('angles are float32', () => {
    const { cos } = rotationAt(100003, { ...quarter, attentionFactor: 1, style: 'halves' });
    expect(cos[0]).toBe(Math.fround(Math.cos(Math.fround(100003 * Math.fround(Math.PI / 2)))));
  });
});

describe('kv cache', () => {
  test('rows follow the pages of a sequence', () => {
    const pages = Int32Array.of(7, 2);
    expect([0, 3, 4, 7].map((position) => cacheRow(pages, 4, position))).toEqual([28, 31, 8, 11]);
  });

  test('bytes count keys and values of all layers', () => {
    const cache = makeCache({ layers: 3, kvHeads: 2, headDim: 8, valueDim: 4, pageSize: 16, pages: 5 });
    expect(cache.bytes).toBe(4 * 3 * 2 * (8 + 4) * 16 * 5);
  });
});
