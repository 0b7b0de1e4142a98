// Every plane of the encoder against the quantizers themselves, byte for byte, and its norms against float64 ones.
import {
  codebookQuantizer,
  doubleQuant,
  encodeWith,
  fp4,
  int4,
  int8,
  nf4,
  type Quantizer,
} from '@moeq/quantizers';
import {
  byteLength,
  decodeTensor,
  type FloatDType,
  fromFloat32,
  type MatrixEncoder,
  type MatrixInput,
  type QuantizedTensor,
  toFloat32,
} from '@moeq/tensors';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { encoderOf, wasmEncoder } from '../../../../packages/wasm/src/quantize/wasm-encoder.js';

const quantizers: Record<string, Quantizer> = {
  nf4: nf4(),
  'nf4, block 4096': nf4({ blockSize: 4096 }),
  'nf4-dq': doubleQuant(nf4()),
  'nf4-dq, nested block 32': doubleQuant(nf4({ blockSize: 32 }), { blockSize: 32 }),
  fp4: fp4({ blockSize: 32 }),
  'fp4-dq': doubleQuant(fp4()),
  'a codebook without zero, values twice': codebookQuantizer({
    name: 'mine',
    values: [-1, -0.5, -0.5, -0.25, -0.001, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.2, 0.4, 0.6, 0.8, 1],
    blockSize: 32,
  }),
  'a codebook of dyadic steps, unsorted': codebookQuantizer({
    name: 'steps',
    values: Array.from({ length: 16 }, (_, i) => ((i * 7) % 16) / 8 - 1),
  }),
  'a codebook of 8 bits': codebookQuantizer({
    name: 'bytes',
    values: Array.from({ length: 256 }, (_, i) => Math.sin(i)),
    blockSize: 128,
  }),
  int4: int4(),
  'int4, rows': int4({ blockSize: 'row' }),
  'int4, asymmetric': int4({ symmetric: false, blockSize: 64 }),
  'int4, search': int4({ search: true }),
  'int4, asymmetric search': int4({ symmetric: false, blockSize: 128, search: true }),
  'int4-dq, asymmetric': doubleQuant(int4({ symmetric: false }), { blockSize: 64 }),
  'int8, rows': int8(),
  'int8, blocks': int8({ granularity: 'block', blockSize: 32 }),
  'int8-dq, blocks': doubleQuant(int8({ granularity: 'block' })),
};

const encoders = {
  'relaxed SIMD, two threads': wasmEncoder({ threads: 2, simd: 'relaxed' }),
  'plain SIMD, one thread with a memory of its own': encoderOf({ threads: 1, simd: 'plain', shared: false }),
};

afterAll(async () => {
  for (const encoder of Object.values(encoders)) await encoder.close();
});

function inputOf(data: Uint8Array, dtype: FloatDType, shape: readonly [number, number]): MatrixInput {
  return { dtype, shape, read: async (offset, length) => data.slice(offset, offset + length) };
}

/** The planes that the quantizer makes of the bytes, its own norms, or the error that it throws. */
function plainly(
  quantizer: Quantizer,
  data: Uint8Array,
  dtype: FloatDType,
  shape: readonly [number, number],
) {
  const weights = toFloat32(data, dtype);
  const tensor = quantizer.quantize(weights, shape, { name: 'test', dtype });
  const decoded = decodeTensor(tensor);
  let [sum, difference] = [0, 0];
  weights.forEach((weight, i) => {
    sum += weight ** 2;
    difference += (weight - (decoded[i] as number)) ** 2;
  });
  return { tensor, norms: { weights: sum, difference } };
}

async function expectSame(
  encoder: MatrixEncoder,
  quantizer: Quantizer,
  data: Uint8Array,
  dtype: FloatDType,
  shape: readonly [number, number],
): Promise<void> {
  const encoded = await encodeWith(encoder, quantizer, inputOf(data, dtype, shape));
  if (encoded === null) throw new Error('the encoder did not encode');
  const expected = plainly(quantizer, data, dtype, shape);
  expectSameTensor(encoded.tensor, expected.tensor);
  const { weights, difference } = expected.norms;
  expect(Math.abs(encoded.norms.weights - weights)).toBeLessThanOrEqual(2e-6 * weights);
  const lost = Math.sqrt(difference);
  // in units of what is lost, and of the last place of the weights where next to nothing is
  const room = 1e-6 * lost + 1e-7 * Math.sqrt(weights);
  expect(Math.abs(Math.sqrt(encoded.norms.difference) - lost)).toBeLessThanOrEqual(room);
}

function expectSameTensor(found: QuantizedTensor, expected: QuantizedTensor): void {
  const withoutBytes = ({ planes, ...rest }: QuantizedTensor) => ({
    ...rest,
    planes: Object.entries(planes).map(([name, { dtype, data }]) => [name, dtype, data.byteLength]),
  });
  expect(withoutBytes(found)).toEqual(withoutBytes(expected));
  for (const [name, { data }] of Object.entries(expected.planes)) {
    const same = Buffer.compare(data, found.planes[name]?.data ?? new Uint8Array(0)) === 0;
    expect(same, `${name} of ${expected.format} ${expected.dtype} ${expected.shape.join(' x ')}`).toBe(true);
  }
}

/** Normal numbers to take from: making them takes longer than quantizing them. */
const supply = Float32Array.from(
  { length: 2 ** 22 },
  () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()),
);

/** Normal numbers of that deviation. */
function normal(count: number, deviation: number): Float32Array {
  const from = Math.floor(Math.random() * supply.length);
  return new Float32Array(count).map((_, i) => deviation * (supply[(from + i) % supply.length] as number));
}

const dtypes: readonly FloatDType[] = ['BF16', 'F16', 'F32'];
const shapes = [
  [1, 1],
  [3, 64],
  [5, 33],
  [7, 4099],
  [64, 256],
  [1031, 129],
  [0, 64],
  [4, 0],
] as const;

describe.each(Object.entries(encoders))('%s', (_, encoder) => {
  describe.each(Object.entries(quantizers))('%s', (name, quantizer) => {
    it('encodes normal weights of every dtype and shape', async () => {
      for (const dtype of dtypes) {
        for (const shape of shapes) {
          const weights = normal(shape[0] * shape[1], 0.02);
          await expectSame(encoder, quantizer, fromFloat32(weights, dtype), dtype, shape);
        }
      }
    });

    it('measures to the last place what a weight by itself loses', async () => {
      for (const weight of normal(200, 0.02)) {
        for (const dtype of dtypes) {
          await expectSame(encoder, quantizer, fromFloat32(Float32Array.of(weight), dtype), dtype, [1, 1]);
        }
      }
    });

    it('encodes blocks of zeros, outliers, equal weights and ties', async () => {
      const weights = normal(40 * 320, 0.02);
      weights.fill(0, 0, 700);
      weights.fill(-0, 700, 1400);
      weights.fill(0.25, 1400, 2100);
      for (let i = 2100; i < 4000; i += 300) weights[i] = -7;
      for (let i = 4096; i < 9000; i++) weights[i] = ((i * 37) % 65) / 32 - 1;
      for (const dtype of dtypes) {
        await expectSame(encoder, quantizer, fromFloat32(weights, dtype), dtype, [40, 320]);
      }
    });

    const decode = quantizer.layout([64, 64])?.decode;
    const codebook = decode?.kind === 'codebook' ? decode.values : null;
    const middles = 'encodes weights at the middle of two values, and the next ones to both sides';
    it.skipIf(codebook === null)(`${middles}${codebook === null ? ' (no codebook)' : ''}`, async () => {
      const values = [...(codebook ?? [])].sort((a, b) => a - b);
      const middles = Float32Array.from(values.slice(1), (value, i) => (value + (values[i] as number)) / 2);
      const words = new Int32Array(middles.buffer);
      for (const largest of [1, -1, 0.37, 2 ** -100, 2 ** 100]) {
        const around = Array.from(
          { length: 9 },
          (_, i) => new Float32Array(words.map((word) => word + i - 4).buffer),
        );
        const near = around.flatMap((list) =>
          [...list.filter(Number.isFinite)].flatMap((x) => [x * largest, largest]),
        );
        const weights = Float32Array.from({ length: 64 * 64 }, (_, i) => near[i % near.length] as number);
        await expectSame(encoder, quantizer, fromFloat32(weights, 'F32'), 'F32', [64, 64]);
      }
    });

    it('encodes every finite bfloat16 and float16', async () => {
      const words = Uint16Array.from({ length: 65536 }, (_, i) => i);
      for (const dtype of ['BF16', 'F16'] as const) {
        // LLM.int8 refuses what is beyond float16, and sums of squares are beyond float32 where bfloat16 ends
        const limit = dtype === 'F16' ? 0x7c00 : name === 'int8, rows' ? 0x4780 : 0x7e00;
        const finite = words.filter((word) => (word & 0x7fff) < limit);
        const sorted = finite.slice().sort((a, b) => (a & 0x7fff) - (b & 0x7fff));
        for (const list of [finite, sorted]) {
          const padded = new Uint16Array(256 * 256);
          padded.set(list);
          await expectSame(encoder, quantizer, new Uint8Array(padded.buffer), dtype, [256, 256]);
        }
      }
    });

    it('refuses NaN and infinity wherever they are', async () => {
      for (const dtype of dtypes) {
        for (const at of [0, 17, 4095, 65 * 65 - 1]) {
          for (const value of [NaN, Infinity, -Infinity]) {
            const weights = normal(65 * 65, 1);
            weights[at] = value;
            const data = fromFloat32(weights, dtype);
            expect(await encodeWith(encoder, quantizer, inputOf(data, dtype, [65, 65]))).toBeNull();
          }
        }
      }
    });
  });

  it.each(Object.entries(quantizers))(
    '%s gives the bytes of the quantizer or leaves it to it',
    async (_, quantizer) => {
      const weight = fc.oneof(
        fc.float({ noNaN: true, noDefaultInfinity: true }),
        fc.float({ noNaN: true, min: -1, max: 1 }),
        fc.constantFrom(0, -0, 1, -0.5, Math.fround(1e-40), Math.fround(-1e-45)),
      );
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...dtypes),
          fc.integer({ min: 1, max: 5 }),
          fc.integer({ min: 1, max: 200 }),
          fc.array(weight, { minLength: 1000, maxLength: 1000 }),
          async (dtype, rows, columns, list) => {
            const data = fromFloat32(Float32Array.from(list.slice(0, rows * columns)), dtype);
            const encoded = await encodeWith(encoder, quantizer, inputOf(data, dtype, [rows, columns]));
            if (encoded === null) return;
            const weights = toFloat32(data, dtype);
            const expected = quantizer.quantize(weights, [rows, columns], { name: 'test', dtype });
            expectSameTensor(encoded.tensor, expected);
          },
        ),
        { numRuns: 40 },
      );
    },
  );

  it('encodes matrices of several strips, at the same time', async () => {
    const shape = [1500, 3001] as const;
    const matrices = Array.from({ length: 3 }, () => fromFloat32(normal(shape[0] * shape[1], 1), 'BF16'));
    const chosen = [doubleQuant(nf4()), int4({ symmetric: false }), int8()];
    await Promise.all(
      matrices.map((data, i) => expectSame(encoder, chosen[i] as Quantizer, data, 'BF16', shape)),
    );
  });

  it('passes on what reading throws, and works on', async () => {
    const failing: MatrixInput = {
      dtype: 'BF16',
      shape: [4096, 4096],
      read: async (offset, length) => {
        if (offset > 0) throw new Error('the disk is gone');
        return new Uint8Array(length);
      },
    };
    await expect(encodeWith(encoder, nf4(), failing)).rejects.toThrow('the disk is gone');
    await expectSame(encoder, nf4(), fromFloat32(normal(64, 1), 'F32'), 'F32', [1, 64]);
  });
});

it('refuses work once closed', async () => {
  const encoder = wasmEncoder({ threads: 1 });
  await encoder.close();
  const data = new Uint8Array(byteLength('F32', [64]));
  await expect(encodeWith(encoder, nf4(), inputOf(data, 'F32', [1, 64]))).rejects.toThrow('closed');
});

it.each([true, false])('refuses what runs when it is closed, memory shared: %s', async (shared) => {
  const encoder = encoderOf({ threads: 1, simd: 'plain', shared });
  const shape = [4096, 4096] as const; // strips for more rooms than there are
  const data = new Uint8Array(byteLength('BF16', shape));
  const work = encodeWith(encoder, doubleQuant(nf4()), inputOf(data, 'BF16', shape));
  const refused = expect(work).rejects.toThrow('closed');
  await encoder.close();
  await refused;
});

it('takes rows as long as several strips after short ones', async () => {
  const encoder = wasmEncoder({ threads: 1 });
  for (const shape of [
    [2, 64],
    [3, 2 ** 22 + 1],
    [2, 64],
  ] as const) {
    const data = fromFloat32(normal(shape[0] * shape[1], 1), 'BF16');
    await expectSame(encoder, int4({ symmetric: false }), data, 'BF16', shape);
  }
  await encoder.close();
});

describe('copies of a quantizer', () => {
  const data = fromFloat32(normal(64, 1), 'F32');
  const input = inputOf(data, 'F32', [1, 64]);
  const encoder = encoders['relaxed SIMD, two threads'];

  it.each<[string, Partial<Quantizer>]>([
    ['options of its own', { options: { mine: true } }],
    ['its quantize wrapped', { quantize: (...matrix) => nf4().quantize(...matrix) }],
  ])('encodes one with %s', async (_, own) => {
    await expectSame(encoder, { ...nf4(), ...own }, data, 'F32', [1, 64]);
  });

  it('refuses one with another quantize and the encoding of the first, and takes it without', async () => {
    const { quantize, layout } = codebookQuantizer({
      name: 'nf4',
      values: Array.from({ length: 16 }, (_, i) => (i - 7) / 8),
    });
    const mine: Quantizer = { ...nf4(), quantize, layout };
    const refused = expect.objectContaining({ code: 'quantizerFailed', found: 'another plane codes' });
    await expect(encodeWith(encoder, mine, input)).rejects.toThrow(refused);
    await expect(encodeWith(encoder, doubleQuant(mine), input)).rejects.toThrow(refused);
    expect(await encodeWith(encoder, { ...mine, encoding: undefined }, input)).toBeNull();
  });

  it('leaves to one whose quantize fails', async () => {
    const quantize = () => {
      throw new Error('broken');
    };
    expect(await encodeWith(encoder, { ...nf4(), quantize }, input)).toBeNull();
  });
});
