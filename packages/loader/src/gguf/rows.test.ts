// The order of rows: each way the other's inverse, heads as llama.cpp's converters move them, and blocks that cannot move.
import type { AttentionConfig, DeltaNetConfig, MixerConfig, Slot } from '@moeq/runtime';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type RowOrder, rowOrder, takeRuns } from './rows.js';

const attentionOf = (headDim: number): AttentionConfig => ({
  ...{ kind: 'attention', heads: 4, kvHeads: 2, headDim, scale: 1, rope: null, queryKeyNorm: null },
  ...{ bias: { qkv: false, output: false }, clip: null, window: null, sinks: false, gate: null },
});
const delta: DeltaNetConfig = {
  ...{ kind: 'deltaNet', heads: 6, keyHeads: 2, keyDim: 3, valueDim: 2, taps: 4, rows: 'apart' },
};

function orderOf(mixer: MixerConfig, slot: Slot): RowOrder | null {
  const block = { mixer, norm: null, postNorm: null, residualScale: 1 };
  const architecture = { permuted: true, tiledValueHeads: true };
  return rowOrder(architecture, { layers: [{ blocks: [block] }] }, { slot, layer: 0 });
}

test('both ways are the inverse of one another', () => {
  const counts = {
    deltaQkv: 24,
    deltaTaps: 24,
    deltaGate: 12,
    deltaBeta: 6,
    deltaDecayLog: 6,
    deltaOutput: 24,
  };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 16 }), fc.nat(1000), (half, at) => {
      const orders: [order: RowOrder | null, count: number][] = [
        [orderOf(attentionOf(2 * half), 'query'), 8 * half],
        ...Object.entries(counts).map(
          ([slot, count]) => [orderOf(delta, slot as Slot), count] satisfies [RowOrder | null, number],
        ),
      ];
      for (const [order, count] of orders) {
        const row = at % count;
        expect(order?.inFile(order.inCheckpoint(row))).toBe(row);
        expect(order?.inCheckpoint(order.inFile(row))).toBe(row);
      }
    }),
  );
});

/** Which of the checkpoint's rows come in a file, in order. */
const inOrder = (order: RowOrder | null, count: number) =>
  Array.from({ length: count }, (_, at) => order?.inCheckpoint(at));

test('rows of queries: halves of a head in turns (LlamaModel.permute)', () => {
  expect(inOrder(orderOf(attentionOf(6), 'key'), 6)).toEqual([0, 3, 1, 4, 2, 5]);
});

test('value heads: of each key head the first, then the second (_reorder_v_heads)', () => {
  expect(inOrder(orderOf(delta, 'deltaBeta'), 6)).toEqual([0, 3, 1, 4, 2, 5]);
  expect(inOrder(orderOf(delta, 'deltaGate'), 6)).toEqual([0, 1, 6, 7, 2, 3]);
  expect(inOrder(orderOf(delta, 'deltaQkv'), 16)).toEqual([
    ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    ...[12, 13, 18, 19],
  ]);
  expect(orderOf(delta, 'deltaOutput')?.run).toBe(2);
  expect(orderOf({ ...delta, heads: 2 }, 'deltaGate')).toBeNull();
});

test('runs of bytes change places', () => {
  const data = Uint8Array.from({ length: 12 }, (_, at) => at);
  expect(takeRuns(data, 4, 3, (at) => 3 - at)).toEqual(Uint8Array.of(9, 10, 11, 6, 7, 8, 3, 4, 5, 0, 1, 2));
});
