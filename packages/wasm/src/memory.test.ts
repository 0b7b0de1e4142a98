// Memory over the life of a backend: short, freed, used again inside a step, and activations that are asked for late.
import type { Backend } from '@moeq/kernels';
import { randomMatrix, seededRandom } from '@moeq/kernels/conformance';
import { MoeqError } from '@moeq/tensors';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBackend } from './wasm-backend.js';

describe.each([
  { threads: 2, simd: 'relaxed', shared: true },
  { threads: 1, simd: 'relaxed', shared: false },
] as const)('memory with threads: $threads, shared: $shared', (settings) => {
  let backend: Backend;
  const random = seededRandom('memory');
  beforeAll(async () => {
    backend = await startBackend(settings);
  });
  afterAll(() => backend.destroy());

  const matrix = (rows: number, columns: number) => randomMatrix('F32', [rows, columns], random).data;

  test('a cache too large for the heaps is refused with a plan, and the backend goes on', async () => {
    const huge = { layers: 64, kvHeads: 8, headDim: 128, pageSize: 16, pages: 100_000 };
    expect(() => backend.createKvCache(huge)).toThrow(MoeqError);
    expect(() => backend.createKvCache(huge)).toThrow(
      /KV cache: cannot hold in memory: expected room in the heaps of \d thread/,
    );
    const weight = await backend.loadWeight([matrix(3, 5)]);
    backend.release(weight);
  });

  test('loading and releasing again and again takes no more memory', async () => {
    const data = matrix(1024, 1024);
    // 4 GiB in all: would not fit the heaps together with anything that was leaked
    const again = async () => {
      for (let i = 0; i < 300; i++) backend.release(await backend.loadWeight([data, data, data, data]));
    };
    await expect(again()).resolves.toBeUndefined();
  });

  test('activations whose memory was used again are computed anew', async () => {
    const weight = await backend.loadWeight([matrix(256, 256)]);
    const values = random.normals(4 * 256);
    const { early, late } = await backend.step(async (step) => {
      const first = step.linear(step.input(values, 4), weight);
      let x = first;
      for (let i = 0; i < 20; i++) x = step.linear(x, weight);
      await step.read(x);
      const again = step.linear(step.input(values, 4), weight);
      return { early: await step.read(again), late: await step.read(first) };
    });
    expect(late).toEqual(early);
    backend.release(weight);
  });

  test('a step that fails in a thread is an error, and the next one runs', async () => {
    const route = { experts: 4, expertsPerToken: 2, score: 'softmax', normalizeTopK: true } as const;
    const bad = Float32Array.of(1, Number.NaN, 2, 3);
    for (let i = 0; i < 3; i++) {
      await expect(
        backend.step(async (step) => step.readRouting(step.route(step.input(bad, 1), route))),
      ).rejects.toThrow(/router logits.*finite/);
      const good = await backend.step(async (step) =>
        step.read(
          step.input(
            bad.map(() => 7),
            1,
          ),
        ),
      );
      expect([...good]).toEqual([7, 7, 7, 7]);
    }
  });

  test('many reads at once, in any order', async () => {
    const results = await backend.step((step) =>
      Promise.all(Array.from({ length: 30 }, (_, i) => step.read(step.input(Float32Array.of(i), 1)))),
    );
    expect(results.map(([value]) => value)).toEqual(Array.from({ length: 30 }, (_, i) => i));
  });
});
