// What a plan takes in the heaps of so many threads: the very sums that loading makes, without a weight.
import type { KvCacheSpec, LoadPlan, MatrixHead, MemoryNeed, MlpHead } from '@moeq/kernels';
import { bytesOf, cacheRecord, matrixRecord } from './abi/records.js';
import { kernelBytes } from './abi/sizes.js';
import { chooseKernel } from './fit-kernel.js';
import { blockBytes } from './heap.js';
import { cacheShape, latentCacheShape } from './kv-cache.js';
import { heldHead } from './load-heads.js';
import { padded, placeMatrix, type RowRange } from './place-matrix.js';
import { longestShare } from './share.js';
import { stateCacheBytes } from './state-cache.js';

/** What a thread can address: 4 GiB. */
const addressable = 2 ** 32;

/**
 * @param threads that compute
 * @param limit bytes that one thread's memory can have; 4 GiB unless given
 */
export function wasmMemory(plan: LoadPlan, threads: number, limit: number = addressable): MemoryNeed {
  const matrixBytes = memoized(threads);
  const rowsOf = ({ shape }: MatrixHead): RowRange => ({ first: 0, count: shape[0] as number });
  let weights = kernelBytes;
  for (const parts of plan.weights)
    for (const part of parts) weights += matrixBytes(part, rowsOf(part), true);
  for (const { gateUp, down, biases = 0 } of plan.mlps) {
    if (biases > 0) weights += blockBytes(4 * biases);
    for (const [head, range] of gateAndUp(gateUp, down)) weights += matrixBytes(head, range, false);
    weights += matrixBytes(down, rowsOf(down), false);
  }
  for (const { matrix, heads } of plan.heads) {
    const together = (matrix.shape[0] as number) / heads;
    weights += matrixBytes(heldHead(matrix), rowsOf(matrix), false, together);
  }
  for (const length of plan.vectors) weights += blockBytes(4 * length);
  let cache = 0;
  for (const spec of plan.caches) cache += cacheBytes(spec, threads);
  for (const spec of plan.states) cache += blockBytes(stateCacheBytes(spec, threads));
  const largest = weights + cache;
  return {
    bytes: threads * largest,
    cacheBytes: threads * cache,
    unit: 'thread',
    units: threads,
    largest,
    limit,
  };
}

/** Gate and up as they are loaded: two matrices, the halves of one, or up alone. */
function gateAndUp(
  gateUp: MlpHead['gateUp'],
  down: MatrixHead,
): readonly (readonly [MatrixHead, RowRange])[] {
  const count = down.shape[1] as number;
  const [first, second] = gateUp;
  if (first === undefined) return [];
  const gate = [first, { first: 0, count }] as const;
  if (second === undefined && first.shape[0] === count) return [gate];
  return [gate, second === undefined ? [first, { first: count, count }] : [second, { first: 0, count }]];
}

function cacheBytes(spec: KvCacheSpec, threads: number): number {
  if (spec.valueDim === 0) return blockBytes(spec.layers * latentCacheShape(spec, threads).layerBytes);
  const heads = spec.layers * longestShare(spec.kvHeads, threads);
  return (
    blockBytes(heads * spec.pages * cacheShape(spec).pageStride) + blockBytes(heads * bytesOf(cacheRecord))
  );
}

/** Experts are alike, and there are thousands of them. */
function memoized(
  threads: number,
): (head: MatrixHead, range: RowRange, everywhereIfSmall: boolean, together?: number) => number {
  const known = new Map<string, number>();
  const layouts = new Map<object | undefined, number>();
  return (head, range, everywhereIfSmall, together = 1) => {
    const { layout, shape, dtype } = head;
    const kind = layouts.get(layout) ?? layouts.size;
    layouts.set(layout, kind);
    const key = `${kind} ${dtype} ${shape} ${range.first} ${range.count} ${everywhereIfSmall} ${together}`;
    let bytes = known.get(key);
    if (bytes === undefined) {
      const { room } = placeMatrix(
        ...([head, chooseKernel(head), threads, range, everywhereIfSmall, together] as const),
      );
      bytes = blockBytes(padded(bytesOf(matrixRecord)) + room);
      known.set(key, bytes);
    }
    return bytes;
  };
}
