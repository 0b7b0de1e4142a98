// The conformance suite with relaxed and plain SIMD, any number of threads, with and without shared memory; and that all of
// these give the same bits.
import type { Backend, MatrixData } from '@moeq/kernels';
import { randomMatrix, seededRandom, testBackend } from '@moeq/kernels/conformance';
import type { Layout } from '@moeq/tensors';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tolerance } from './testkit/tolerance.js';
import { startBackend } from './wasm-backend.js';

const settings = [
  { threads: 1, simd: 'relaxed', shared: true },
  { threads: 2, simd: 'relaxed', shared: true },
  { threads: 3, simd: 'plain', shared: true },
  { threads: 1, simd: 'plain', shared: false },
] as const;

for (const each of settings) {
  const { threads, simd, shared } = each;
  testBackend({
    name: `wasm, ${simd} SIMD, threads: ${threads}, ${shared ? 'shared' : 'own'} memory`,
    make: () => startBackend(each),
    tolerance,
  });
}

describe('the same bits', () => {
  const backends: Backend[] = [];
  beforeAll(async () => {
    for (const each of [...settings, { threads: 5, simd: 'relaxed', shared: true } as const]) {
      backends.push(await startBackend(each));
    }
  });
  afterAll(() => Promise.all(backends.map((backend) => backend.destroy())));

  const nf4: Layout = {
    bitsPerCode: 4,
    order: 'highFirst',
    blockSize: 64,
    blocks: 'flat',
    decode: { kind: 'codebook', values: seededRandom('nf4').normals(16, 0.5) },
    scale: {
      kind: 'nested',
      codebook: seededRandom('dq').normals(256, 0.4),
      blockSize: 256,
      dtype: 'F32',
      hasOffset: true,
    },
  };

  const int4: Layout = {
    bitsPerCode: 4,
    order: 'lowFirst',
    blockSize: 32,
    blocks: 'row',
    decode: { kind: 'affine', zero: { kind: 'constant', value: 8 } },
    scale: { kind: 'plain', dtype: 'F32', multiplier: 1 },
  };

  /** Bits of one step on every backend: a layer with attention and experts over `tokens` tokens. */
  async function layer(backend: Backend, tokens: number): Promise<Float32Array> {
    const random = seededRandom('layer');
    const matrix = (rows: number, columns: number, kind: Layout | 'F32' | 'BF16' = nf4): MatrixData =>
      randomMatrix(kind, [rows, columns], random).data;
    const hidden = 256;
    const inputs = random.normals(40 * hidden).subarray(0, tokens * hidden);
    const qkv = await backend.loadWeight([
      matrix(256, hidden),
      matrix(64, hidden, int4),
      matrix(64, hidden, 'BF16'),
    ]);
    const router = await backend.loadWeight([matrix(5, hidden, 'F32')]);
    const experts = await backend.loadExperts(5, async () => ({
      gateUp: [matrix(2 * 192, hidden)],
      down: matrix(hidden, 192, int4),
    }));
    const cache = backend.createKvCache({ layers: 1, kvHeads: 2, headDim: 32, pageSize: 16, pages: 4 });
    const rope = {
      inverseFrequencies: Float32Array.from({ length: 16 }, (_, i) => 10000 ** (-i / 16)),
      attentionFactor: 1,
      style: 'halves',
    } as const;
    const spec = { heads: 8, kvHeads: 2, headDim: 32, scale: 32 ** -0.5, rope };
    const route = { experts: 5, expertsPerToken: 2, score: 'softmax', normalizeTopK: true } as const;
    const segments = [{ pages: Int32Array.of(2, 0, 1), start: 0, tokens }];
    const result = await backend.step(async (step) => {
      const x = step.input(inputs, tokens);
      const attended = step.attention(step.linear(x, qkv), cache, 0, segments, spec);
      const routing = step.route(step.linear(attended, router), route);
      return step.read(
        step.add(attended, step.experts(attended, routing, experts, { kind: 'silu', gated: true })),
      );
    });
    for (const object of [qkv, router, experts, cache]) backend.release(object);
    return result;
  }

  const bits = (values: Float32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length);

  test.each([1, 3, 40])('for any number of threads, either SIMD, with %i tokens', async (tokens) => {
    const [first, ...others] = await Promise.all(backends.map((backend) => layer(backend, tokens)));
    expect(first?.every(Number.isFinite)).toBe(true);
    for (const other of others) expect(bits(other)).toEqual(bits(first as Float32Array));
  });

  test('for a token alone and among others', async () => {
    const backend = backends[1] as Backend;
    const [one, many] = [await layer(backend, 1), await layer(backend, 40)];
    expect(bits(one)).toEqual(bits(many.slice(0, one.length)));
  });
});
