// Blocks against ggml (known answers of its compiled quantizers) and gguf-py (random blocks).
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeRows, decodeTensor } from '../decode.js';
import { openSafetensorsFile } from '../node/file-source.js';
import { bitsPerWeight } from '../planes.js';
import { isQuantized, sliceMatrix } from '../slice.js';
import { lcg1024 } from '../testkit/lcg1024.js';
import { float32View } from '../views.js';
import { fromGgufBlocks, toGgufBlocks } from './blocks.js';
import { quantizeGguf } from './quantize.js';
import { type GgufType, ggufByteLength, ggufType, ggufTypes } from './types.js';

const golden = await openSafetensorsFile(
  fileURLToPath(new URL('../../testdata/gguf-blocks.safetensors', import.meta.url)),
);
const bytes = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const hex = (data: Uint8Array) => Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join('');

const quantized = ggufTypes.filter(({ content }) => typeof content !== 'string');
const writable = ['Q8_0', 'Q4_0', 'IQ4_NL'];

function decode(type: GgufType, shape: readonly number[], data: Uint8Array): Float32Array {
  const tensor = fromGgufBlocks(type, shape, data);
  if (!isQuantized(tensor)) throw new Error('plain');
  return decodeTensor(tensor);
}

test.each(quantized.map(({ name }) => name))('%s decodes as gguf-py does, bit for bit', async (name) => {
  const type = ggufType(name);
  const { data } = await golden.read(`${name}.blocks`);
  const expected = float32View((await golden.read(`${name}.values`)).data);
  const columns = type.blockLength * 2;
  const shape = [3, 4, columns];
  expect(expected.length).toBe(24 * type.blockLength);
  const found = decode(type, shape, data);
  expect(found.findIndex((value, i) => !Object.is(value, expected[i]))).toBe(-1);

  const tensor = fromGgufBlocks(type, shape, data);
  if (!isQuantized(tensor)) throw new Error('plain');
  const rows = decodeRows(sliceMatrix(tensor, 1), 1, 2, new Float32Array(2 * columns));
  expect(rows).toEqual(found.subarray(5 * columns, 7 * columns));
});

/** The first block of lcg1024, and the SHA-256 of all of it, by ggml's quantizers compiled without contraction. */
const answers = {
  Q8_0: [
    'cc0fbbde01368ade480f8125beec1859ba7e5fd33008b5988fd09f3616e0c24271ab',
    '15ad8c1523d48fb80b649551e0d437164bd5d1ada259cc6229b5df4080dcb947',
  ],
  Q4_0: [
    'bc1fe456b89b31161d5920ba94674acef43f',
    'f06dc2fa455198e27bf387b3c5b1568d7be981e388e123ef7c8ae66a74bf74f9',
  ],
  IQ4_NL: [
    '1b10e345c89c31151d4920cba3563adef32f',
    '0ca1ca84aedbdd9ece378f0de461a40341ab2102f2e29a3d80a33d9757c48499',
  ],
} as const;

test('lcg1024 is what the answers are for', () => {
  const sha256 = createHash('sha256').update(new Uint8Array(lcg1024().buffer)).digest('hex');
  expect(sha256).toBe('5ba45cfe2cd5f795cd721012d382feeca9ba966a8fed8883596ea4a9657228bf');
});

test.each(Object.entries(answers))('%s quantizes as ggml does', (name, [first, sha256]) => {
  const type = ggufType(name);
  const blocks = toGgufBlocks(type, quantizeGguf(type, lcg1024(), [1, 1024]));
  expect(hex(blocks.subarray(0, type.blockBytes))).toBe(first);
  expect(createHash('sha256').update(blocks).digest('hex')).toBe(sha256);
});

/** First block of lcg1024 by ggml, and the first four numbers that it decodes to. */
const known: Record<string, [block: string, values: number[]]> = {
  Q8_0: [
    answers.Q8_0[0],
    [-0.032835960388183594, -0.016180038452148438, 0.00047588348388671875, 0.025697708129882812],
  ],
  Q4_0: [answers.Q4_0[0], [-0.03021240234375, -0.015106201171875, 0, 0.0226593017578125]],
  IQ4_NL: [
    answers.IQ4_NL[0],
    [-0.032575130462646484, -0.017540454864501953, 0.0005011558532714844, 0.026561260223388672],
  ],
  MXFP4: ['787edc5015effcf6d2ff543ecae3677ef7', [-0.03125, -0.015625, 0, 0.0234375]],
  Q4_K: [
    '8a081114fefbfafffcfcfdfebccafc2453f5678a70f5dbb8e0f92356a82c732e9cd45a07e331c104620a5825c36b2d929cbe6070cf4c07569a1f4b3736b27e9b8ae97841e6a99e659c24dece06368500a8a78676600abe1bd7ac9579be34ab586892b0c8fcc140de13a404163bb443a14d363c062951e9b517b290824ec6597825579ea154bc9797cbcdf7caf349823f',
    [-0.03380155563354492, -0.016624927520751953, 0.0005517005920410156, 0.02631664276123047],
  ],
  Q5_K: [
    '22041714fefefffffdfcfdffccdfff287c2e610b4c16f3933eb7a49073897c5d1f6ee5b13aecceb0cce18dcc92618962a7fbc016e1fbb861e0f448bd525af75f2bbaa501e673a20ac416a24c98c84d35598de001bf990ebc553e977f8d840c3724f2f191fd714dea3848ecad0d6d2b10525f0efec0066f28b04a3bf46f7959b3c2347092fb9291af374a192e687a97539b7d5a0d54a2d37a2f7430049d8ca3f05aa02e43a969303f888cfe95e693045f',
    [-0.033539533615112305, -0.01790022850036621, 0.0016489028930664062, 0.025107860565185547],
  ],
  Q6_K: [
    'df48f0ed03c832745129101b56766f0f965d333eb54ddf5d2b11bad9c1ce6117ab01c70d52201872a26136e80416017556f8f531fdef85d16883c65814ca491764be5dac814c6d4ff0840679ae937205d50821b4f6d5121e0e84425c40958f06adfb22ef49901dd598da67dfbdbf8cf60888af5c702c8d89ebe61fcd35a0dd0588c17ab6c841236690025d2966ff889fa8ee6541dfa3bf52b711f5f21f14900bba99f9d5e4822b12de0b4946bb11ab66eaa44072a34068631c052d1d3f9578c4846e7b857c86808384868677847a6c7c0781',
    [-0.033045053482055664, -0.015550613403320312, 0, 0.025269746780395508],
  ],
};

test.each(Object.entries(known))('%s: the known first block', (name, [block, values]) => {
  const type = ggufType(name);
  const decoded = decode(type, [1, type.blockLength], bytes(block));
  values.forEach((value, i) => {
    expect(decoded[i]).toBeCloseTo(value, 12);
  });
  // the block is one of lcg1024: half a step of its codes is at most a quarter of the range
  const limit = name.endsWith('4') || name.includes('4_') ? 0.016 : 0.004;
  decoded.forEach((value, i) => {
    expect(Math.abs(value - (lcg1024()[i] as number))).toBeLessThan(limit);
  });
});

test.each([
  ['Q8_0', '00'.repeat(34)],
  ['Q4_0', `0080${'88'.repeat(16)}`],
  ['IQ4_NL', `0000${'88'.repeat(16)}`],
])('%s of zeros', (name, expected) => {
  const type = ggufType(name);
  expect(hex(toGgufBlocks(type, quantizeGguf(type, new Float32Array(32), [1, 32])))).toBe(expected);
});

describe('laws', () => {
  const weights = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -100, max: 100 }), {
    minLength: 64,
    maxLength: 64,
  });

  /** Largest error, as a part of the block's largest magnitude: half a step and what F16 costs the scale. */
  const steps = { Q8_0: 0.5 / 127 + 0.001, Q4_0: 1 / 8 + 0.001, IQ4_NL: 0.13 };

  test.each(Object.entries(steps))('%s: decoded is within its step of the weights', (name, step) => {
    const type = ggufType(name);
    fc.assert(
      fc.property(weights, (numbers) => {
        const values = Float32Array.from(numbers);
        const decoded = decodeTensor(quantizeGguf(type, values, [2, 32]));
        for (const row of [0, 1]) {
          const own = values.subarray(row * 32, row * 32 + 32);
          const most = own.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
          own.forEach((value, i) => {
            // the least scale that F16 has is 2^-24
            const error = Math.abs((decoded[row * 32 + i] as number) - value);
            expect(error).toBeLessThanOrEqual(most * step + 128 * 2 ** -24);
          });
        }
      }),
    );
  });

  test.each([...writable, 'Q4_1', 'MXFP4'])('%s: blocks come back as they were', (name) => {
    const type = ggufType(name);
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 6 * type.blockBytes, maxLength: 6 * type.blockBytes }),
        (data) => {
          // finite scales
          for (let i = 0; i < 6; i++) {
            data[i * type.blockBytes + (name === 'MXFP4' ? 0 : 1)] = 0x3c;
            if (name === 'Q4_1') data[i * type.blockBytes + 3] = 0xbc;
          }
          const tensor = fromGgufBlocks(type, [2, 3, 32], data);
          if (!isQuantized(tensor)) throw new Error('plain');
          expect(toGgufBlocks(type, tensor)).toEqual(data);
        },
      ),
    );
  });
});

test('bits of a weight in memory', async () => {
  const bits = (name: string) => {
    const type = ggufType(name);
    const tensor = fromGgufBlocks(type, [2, 256], new Uint8Array(ggufByteLength(type, [2, 256])));
    return isQuantized(tensor) ? bitsPerWeight(tensor) : 0;
  };
  expect(Object.fromEntries(quantized.map(({ name }) => [name, bits(name)]))).toEqual({
    Q8_0: 8.5,
    Q4_0: 4.5,
    Q4_1: 5,
    Q5_0: 8.5,
    Q5_1: 9,
    IQ4_NL: 4.5,
    MXFP4: 4.25,
    Q2_K: 5.125,
    Q3_K: 4.5625,
    Q4_K: 4.625,
    Q5_K: 8.625,
    Q6_K: 8.5625,
    IQ4_XS: 4.3125,
    IQ2_XXS: 4.3125,
    IQ2_XS: 4.5625,
    IQ2_S: 4.5625,
    IQ3_XXS: 4.3125,
    IQ3_S: 4.3125,
    IQ1_S: 4.3125,
    IQ1_M: 4.5625,
    TQ1_0: 4.0625,
    TQ2_0: 4.0625,
  });
});

describe('what does not fit is refused', () => {
  const q4 = ggufType('Q4_0');

  test('bytes, blocks, types', () => {
    expect(() => fromGgufBlocks(q4, [1, 32], new Uint8Array(17))).toThrow(
      /expected 18 bytes of \[1,32\], found 17/,
    );
    expect(() => fromGgufBlocks(q4, [2, 16], new Uint8Array(18))).toThrow(
      /whole blocks of 32, found rows of 16/,
    );
    expect(() => quantizeGguf(ggufType('Q4_K'), new Float32Array(256), [1, 256])).toThrow(
      /one of Q8_0, Q4_0, IQ4_NL/,
    );
    expect(() => quantizeGguf(q4, new Float32Array(48), [1, 48])).toThrow(/whole blocks of 32/);
    expect(() => quantizeGguf(q4, new Float32Array(64), [1, 32])).toThrow(/32 weights of \[1,32\], found 64/);
    expect(() => ggufType('Q9_9')).toThrow(/one of F32, .*found none/);
  });

  test('scales that are no numbers', () => {
    const block = new Uint8Array(18);
    block[1] = 0x7c;
    expect(() => fromGgufBlocks(q4, [1, 32], block, 'x')).toThrow(/^x: .*finite numbers in plane scales/);
    expect(() => fromGgufBlocks(ggufType('MXFP4'), [1, 32], new Uint8Array(17).fill(255))).toThrow(/finite/);
  });

  test('blocks that cannot be written', () => {
    const k = ggufType('Q4_K');
    const tensor = fromGgufBlocks(k, [1, 256], new Uint8Array(144));
    if (!isQuantized(tensor)) throw new Error('plain');
    expect(() => toGgufBlocks(k, tensor)).toThrow(/a type whose blocks can be written/);
    expect(() => toGgufBlocks(q4, tensor)).toThrow(/a tensor with the layout of that type, found q4_k/);
  });

  test('a vector of blocks is decoded', () => {
    const tensor = fromGgufBlocks(q4, [64], new Uint8Array(36).fill(0x3c));
    expect(tensor).toMatchObject({ dtype: 'F32', shape: [64] });
    expect(isQuantized(tensor)).toBe(false);
  });
});
