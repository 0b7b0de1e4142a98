// The reference backend: plain TypeScript, float32 between operations, float64 inside them. Slow, obvious and right;
// every other backend is measured against it.
import type { Backend } from '../backend.js';
import { checkedBackend } from '../shell/checked-backend.js';
import type { Loaded } from '../shell/objects.js';
import type { RawBackend } from '../shell/raw-backend.js';
import { makeStates } from './convolution.js';
import { makeCache } from './kv-cache.js';
import { stackRows } from './matrix.js';
import { type Mlp, makeMlp } from './mlp.js';
import { openStep } from './step.js';
import type { ReferenceTypes } from './types.js';

/** A backend that runs anywhere and needs nothing. */
export function referenceBackend(): Backend {
  return checkedBackend(raw);
}

const raw: RawBackend<ReferenceTypes> = {
  name: 'reference',
  description: 'plain TypeScript, float32',
  threads: 1,

  async loadWeight(parts) {
    const matrix = stackRows(parts);
    return collected(matrix, matrix.bytes);
  },

  async loadExperts(experts, expert) {
    const mlps: Mlp[] = [];
    for (let index = 0; index < experts; index++) mlps.push(makeMlp(await expert(index)));
    return collected(
      mlps,
      mlps.reduce((sum, { bytes }) => sum + bytes, 0),
    );
  },

  async loadMlp(data) {
    const mlp = makeMlp(data);
    return collected(mlp, mlp.bytes);
  },

  async loadHeads(data) {
    const matrix = stackRows([data]);
    return collected(matrix, matrix.bytes);
  },

  loadVector: async (values) => collected(values.slice(), values.byteLength),

  createKvCache(spec) {
    const cache = makeCache(spec);
    return collected(cache, cache.bytes);
  },

  createStateCache(spec) {
    const states = makeStates(spec);
    return collected(states, states.bytes);
  },

  openStep,

  stop: async () => {},
};

/** What the garbage collector frees. */
function collected<Data>(data: Data, bytes: number): Loaded<Data> {
  return { data, bytes, free: () => {} };
}
