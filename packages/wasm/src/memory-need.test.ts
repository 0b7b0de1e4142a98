// What headers say a model takes is what loading it takes, to the byte but for the tables of layouts.
import { headOf, type LoadPlan, type MatrixData, type MlpData } from '@moeq/kernels';
import { randomMatrix, seededRandom } from '@moeq/kernels/conformance';
import { ggufTypes, type Layout } from '@moeq/tensors';
import { expect, test } from 'vitest';
import { kernelBytes } from './abi/sizes.js';
import { createCache } from './kv-cache.js';
import { loadHeads } from './load-heads.js';
import { loadMatrix } from './load-matrix.js';
import { loadMlp } from './load-mlp.js';
import { wasmMemory } from './memory-need.js';
import { createStates } from './state-cache.js';
import { Store } from './store.js';
import type { Team } from './team/team.js';

/** Memories that forget what is written to them. */
function forgetful(threads: number): Team {
  return {
    threads,
    maximumPages: 65536,
    grow: () => undefined,
    write: () => undefined,
    settle: async () => undefined,
    run: async () => undefined,
    read: async () => new Float32Array(),
    stop: async () => undefined,
  };
}

const plan: LoadPlan = { weights: [], mlps: [], vectors: [], heads: [], caches: [], states: [], unknown: 0 };

const random = seededRandom('memory need');
const shapes = [
  [1, 32],
  [3, 64],
  [33, 128],
  [100, 96],
  [64, 1000],
  [200, 256],
] as const;
const codebook = (length: number) => Float32Array.from({ length }, (_, code) => code / length - 0.4);

/** As bitsandbytes lays out NF4, in blocks across the ends of rows. */
const flat = (blockSize: number, nestedSize: number | null): Layout => ({
  bitsPerCode: 4,
  order: 'highFirst',
  blockSize,
  blocks: 'flat',
  decode: { kind: 'codebook', values: codebook(16) },
  scale:
    nestedSize === null
      ? { kind: 'plain', dtype: 'F32', multiplier: 1 }
      : { kind: 'nested', codebook: codebook(256), blockSize: nestedSize, dtype: 'F16', hasOffset: true },
});

const ggml = ggufTypes.flatMap(({ name, content }) =>
  typeof content === 'string' ? [] : [[name, content.layout] as const],
);
const kinds: readonly (readonly [name: string, kind: Layout | 'F32' | 'F16' | 'BF16'])[] = [
  ...ggml,
  ['flat blocks of 64', flat(64, null)],
  ['flat blocks of 32, nested', flat(32, 256)],
  ['flat blocks of 4096, nested', flat(4096, 3)],
  ['F32', 'F32'],
  ['F16', 'F16'],
  ['BF16', 'BF16'],
];

test.each(kinds)('%s', (_, kind) => {
  for (const [rows, columns] of shapes) {
    const of = (count: number, width: number): MatrixData => randomMatrix(kind, [count, width], random).data;
    for (const threads of [1, 2, 5, 16]) {
      const store = new Store(forgetful(threads));
      const matrix = of(rows, columns);
      // loaded once for the tables, which stay
      loadMatrix(store, matrix, { everywhereIfSmall: true });
      const before = store.used;
      loadMatrix(store, matrix, { everywhereIfSmall: true });
      const weights = [[headOf(matrix)]];
      expect(kernelBytes + store.used - before, `${rows} x ${columns}, ${threads} threads`).toBe(
        wasmMemory({ ...plan, weights }, threads).largest,
      );
    }
  }
});

test('MLPs, fused and not, vectors, weights of heads and caches', () => {
  const f32 = (rows: number, columns: number): MatrixData =>
    randomMatrix('F32', [rows, columns], random).data;
  const down = f32(24, 40);
  const mlps: MlpData[] = [
    { gateUp: [f32(40, 24), f32(40, 24)], down },
    { gateUp: [f32(80, 24)], down },
  ];
  const states = { layers: 2, parts: 5, size: 3, slots: 7 };
  const cache = { layers: 3, kvHeads: 5, headDim: 20, pageSize: 16, pages: 7 };
  const latents = { layers: 3, kvHeads: 1, headDim: 20, valueDim: 0, pageSize: 16, pages: 7 };
  const expansions = [f32(35, 12), randomMatrix(flat(64, null), [35, 128], random).data];
  for (const threads of [1, 2, 3, 8]) {
    const store = new Store(forgetful(threads));
    for (const mlp of mlps) loadMlp(store, mlp);
    const before = store.used;
    for (const mlp of mlps) loadMlp(store, mlp);
    createCache(store, cache);
    createCache(store, latents);
    for (const expansion of expansions) loadHeads(store, expansion, 5);
    createStates(store, states);
    store.allocate(4 * 24, 'vector');
    const mlpHeads = mlps.map(({ gateUp, down }) => ({ gateUp: gateUp.map(headOf), down: headOf(down) }));
    const heads = expansions.map((expansion) => ({ matrix: headOf(expansion), heads: 5 }));
    const need = wasmMemory(
      { ...plan, mlps: mlpHeads, heads, caches: [cache, latents], states: [states], vectors: [24] },
      threads,
      1e6,
    );
    expect(kernelBytes + store.used - before).toBe(need.largest);
    expect(need).toMatchObject({ unit: 'thread', units: threads, limit: 1e6, bytes: threads * need.largest });
  }
});
