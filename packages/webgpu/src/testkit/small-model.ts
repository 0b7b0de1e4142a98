// A small model's worth of operations for the tests of a backend, on random weights of several layouts, and what the
// reference backend makes of them.
import type { Activations, Backend, Step } from '@moeq/kernels';
import { referenceBackend } from '@moeq/kernels';
import { randomMatrix, seededRandom } from '@moeq/kernels/conformance';
import type { Layout } from '@moeq/tensors';
import { expect } from 'vitest';

export const random = seededRandom(Math.random());
const codebook = random.normals(16);

/** nf4's layout with a codebook of its own. */
const nf4: Layout = {
  bitsPerCode: 4,
  order: 'highFirst',
  blockSize: 64,
  blocks: 'flat',
  decode: { kind: 'codebook', values: codebook },
  scale: { kind: 'plain', dtype: 'F32', multiplier: 1 },
};
const int8: Layout = {
  bitsPerCode: 8,
  order: 'lowFirst',
  blockSize: 32,
  blocks: 'row',
  decode: { kind: 'affine', zero: { kind: 'signed' } },
  scale: { kind: 'plain', dtype: 'F16', multiplier: 1 },
};

const [vocabulary, hidden, intermediate, experts] = [100, 128, 96, 6];
const route = { experts, expertsPerToken: 2, score: 'softmax', normalizeTopK: true } as const;
const matrices = {
  table: randomMatrix('BF16', [vocabulary, hidden], random).data,
  square: randomMatrix(nf4, [hidden, hidden], random).data,
  router: randomMatrix('F32', [experts, hidden], random).data,
  experts: Array.from({ length: experts }, (_, e) => {
    const layout = e % 3 === 1 ? int8 : nf4;
    return {
      gateUp: [
        randomMatrix(layout, [intermediate, hidden], random).data,
        randomMatrix(e === 2 ? int8 : layout, [intermediate, hidden], random).data,
      ],
      down: randomMatrix(layout, [hidden, intermediate], random).data,
    };
  }),
};
const normWeights = random.normals(hidden);

/** Loads it. `layer` computes logits of `tokens` tokens. */
export async function loadSmallModel(backend: Backend) {
  const table = await backend.loadWeight([matrices.table]);
  const square = await backend.loadWeight([matrices.square]);
  const router = await backend.loadWeight([matrices.router]);
  const weight = await backend.loadVector(normWeights);
  const all = await backend.loadExperts(
    experts,
    async (e) => matrices.experts[e] as (typeof matrices.experts)[0],
  );
  const layer = (step: Step, tokens: number): Activations => {
    const x = step.embed(
      table,
      Int32Array.from({ length: tokens }, (_, t) => (37 * t) % vocabulary),
    );
    const mixed = step.add(x, step.linear(step.norm(x, { weight, epsilon: 1e-5 }), square), 0.5);
    const normed = step.norm(mixed, { weight, epsilon: 1e-5 });
    const routing = step.route(step.linear(normed, router), route);
    const sum = step.add(mixed, step.experts(normed, routing, all, { kind: 'silu', gated: true }));
    return step.linear(sum, table);
  };
  const release = (): void => {
    for (const object of [table, square, router, weight, all]) backend.release(object);
  };
  return { layer, release, table, square };
}

export async function expectedLayer(tokens: number): Promise<Float32Array> {
  const backend = referenceBackend();
  const { layer } = await loadSmallModel(backend);
  return backend.step(async (step) => step.read(layer(step, tokens)));
}

export function expectClose(actual: Float32Array, expected: Float32Array): void {
  expect(actual.length).toBe(expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const error = actual.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (expected[i] as number))),
    0,
  );
  expect(error).toBeLessThan(1e-5 * largest);
}
