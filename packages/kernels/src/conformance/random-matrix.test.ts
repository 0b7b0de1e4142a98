// The maker against the decoder of @moeq/tensors, which share no code; and misread layouts, which `linear` cases notice.
import { decodeTensor, isQuantized, type Layout, MoeqError, toFloat32 } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import { referenceBackend } from '../reference/backend.js';
import type { MatrixData } from '../resources.js';
import { Bench } from './bench.js';
import { cases } from './cases.js';
import { assertClose, assertSame, rms } from './compare.js';
import { blockLayouts, codeLayouts, scaleLayouts } from './layouts.js';
import { seededRandom } from './random.js';
import { randomMatrix } from './random-matrix.js';

const random = seededRandom(Math.random());

describe('randomMatrix', () => {
  test.each([...codeLayouts, ...scaleLayouts, ...blockLayouts])(
    '$name: the numbers are what the planes say',
    (layout) => {
      for (const shape of [
        [1, 1],
        [3, 33],
        [9, 192],
      ] as const) {
        const { data, values } = randomMatrix(layout.make(random, shape[1]), shape, random);
        if (!isQuantized(data)) throw new Error('a layout makes a quantized tensor');
        const scale = Math.max(rms(values), shape[1] ** -0.5);
        const compare = () => assertClose(layout.name, decodeTensor(data), values, 1e-6, scale);
        expect(compare).not.toThrow();
      }
    },
  );

  test.each(['F32', 'F16', 'BF16'] as const)('%s: exactly', (dtype) => {
    const { data, values } = randomMatrix(dtype, [17, 33], random);
    if (isQuantized(data)) throw new Error('a dtype makes a plain tensor');
    expect(() => assertSame(dtype, toFloat32(data.data, dtype), values)).not.toThrow();
  });

  test('a seed repeats it', () => {
    const make = () => randomMatrix('F32', [4, 5], seededRandom(7)).values;
    expect(make()).toEqual(make());
    expect(make()).not.toEqual(randomMatrix('F32', [4, 5], seededRandom(8)).values);
  });
});

/** A layout misread in one way, and a case that has to notice. */
const misread: Record<string, readonly [change: (layout: Layout) => Layout, notices: string]> = {
  'high and low nibbles exchanged': [
    (layout) => ({ ...layout, order: layout.order === 'highFirst' ? 'lowFirst' : 'highFirst' }),
    'linear: codebook 4 bits highFirst',
  ],
  'halves read as pairs': [
    (layout) => ({ ...layout, order: layout.order === 'splitHalves' ? 'lowFirst' : layout.order }),
    'linear: affine 4 bits signed splitHalves F16',
  ],
  'one codebook for all': [
    (layout) => ({
      ...layout,
      decode:
        layout.decode.kind === 'codebook'
          ? {
              kind: 'codebook',
              values: Float32Array.from({ length: 2 ** layout.bitsPerCode }, (_, i) => i / 8 - 1),
            }
          : layout.decode,
    }),
    'linear: codebook 8 bits',
  ],
  'unsigned codes': [
    (layout) => ({ ...layout, decode: { kind: 'affine', zero: { kind: 'constant', value: 0 } } }),
    'linear: affine 8 bits signed',
  ],
  'zero always in the middle': [
    (layout) => ({ ...layout, decode: { kind: 'affine', zero: { kind: 'constant', value: 8 } } }),
    'linear: affine 4 bits constant 7 highFirst flat',
  ],
  'no multiplier': [
    (layout) => ({ ...layout, scale: { kind: 'plain', dtype: 'F32', multiplier: 1 } }),
    'linear: scale with a multiplier, a row a block',
  ],
  'one codebook for all nested scales': [
    (layout) => ({
      ...layout,
      scale:
        layout.scale.kind === 'nested'
          ? { ...layout.scale, codebook: Float32Array.from({ length: 256 }, (_, i) => i / 128 - 1) }
          : layout.scale,
    }),
    'linear: scale nested without offset',
  ],
};

/** A plane left out: filled with zeros. */
const neglected: Record<string, string> = {
  zeroPoints: 'linear: affine 4 bits zeroPoint',
  offsets: 'linear: affine 8 bits offset F16',
  scalesOffset: 'linear: scale nested with offset',
  offsetsOffset: 'linear: affine 4 bits offset nested',
};

/** What a case finds when every matrix is changed before the reference backend gets it; null for nothing. */
async function finding(name: string, change: (data: MatrixData) => MatrixData): Promise<unknown> {
  const found = cases.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no case ${name}`);
  const backend = referenceBackend();
  const changed = {
    ...backend,
    loadWeight: (parts: readonly MatrixData[]) => backend.loadWeight(parts.map(change)),
  };
  const bench = new Bench(changed, random, { float: 1e-5, quantized: 1e-5 }, async () => referenceBackend());
  return found.run(bench).then(
    () => null,
    (error: unknown) => error,
  );
}

/** Wrong numbers, and not a refusal to load. */
function expectWrongNumbers(error: unknown): void {
  expect(error).toBeInstanceOf(Error);
  expect(MoeqError.isInstance(error)).toBe(false);
}

describe('linear cases', () => {
  test.each(Object.entries(misread))('find a layout misread: %s', async (_, [change, name]) => {
    const wrong = (data: MatrixData): MatrixData =>
      isQuantized(data) && data.layout !== null ? { ...data, layout: change(data.layout) } : data;
    expect(await finding(name, (data) => data)).toBeNull();
    expectWrongNumbers(await finding(name, wrong));
  });

  test.each(Object.entries(neglected))('find plane %s neglected', async (plane, name) => {
    const wrong = (data: MatrixData): MatrixData => {
      const read = isQuantized(data) ? data.planes[plane] : undefined;
      if (!isQuantized(data) || read === undefined) return data;
      return {
        ...data,
        planes: { ...data.planes, [plane]: { ...read, data: new Uint8Array(read.data.length) } },
      };
    };
    expectWrongNumbers(await finding(name, wrong));
  });
});
