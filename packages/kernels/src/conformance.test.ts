// The suite must find what is wrong with a backend. Here the reference backend is broken in one way at a time, and the case
// named must fail.
import { MoeqError } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import type { Backend } from './backend.js';
import { Bench } from './conformance/bench.js';
import { cases } from './conformance/cases.js';
import { seededRandom } from './conformance/random.js';
import type { BackendTestOptions } from './conformance.js';
import { testBackend } from './conformance.js';
import { referenceBackend } from './reference/backend.js';
import type { MlpData } from './resources.js';
import type { Activations, Segment, Step } from './step.js';

/** The reference backend with some operations of its steps replaced. */
function breakStep(replace: (step: Step) => Partial<Step>): () => Backend {
  return () => {
    const backend = referenceBackend();
    return { ...backend, step: (body) => backend.step((step) => body({ ...step, ...replace(step) })) };
  };
}

function breakBackend(replace: (backend: Backend) => Partial<Backend>): () => Backend {
  return () => {
    const backend = referenceBackend();
    return { ...backend, ...replace(backend) };
  };
}

/** What a backend fails a case with; null where it passes. */
async function failure(make: () => Backend, name: string): Promise<unknown> {
  const found = cases.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no case ${name}`);
  const backend = make();
  const tolerance = { float: 1e-5, quantized: 1e-5 };
  const bench = new Bench(backend, seededRandom(Math.random()), tolerance, async () => make());
  return found.run(bench).then(
    () => null,
    (error: unknown) => error,
  );
}

const double = (step: Step, x: Activations): Activations =>
  step.add(
    step.selectRows(
      x,
      Int32Array.from({ length: x.rows }, (_, i) => i),
    ),
    x,
    1e-3,
  );

/** What is broken, and one case that has to notice. */
const broken: Record<string, readonly [make: () => Backend, notices: string]> = {
  'outputs a thousandth too large': [
    breakStep((step) => ({ linear: (...a) => double(step, step.linear(...a)) })),
    'linear: F32',
  ],
  'no bias': [breakStep((step) => ({ linear: (x, weight) => step.linear(x, weight) })), 'linear: bias'],
  'convolutions without their activation': [
    breakStep((step) => ({
      convolution: (x, weight, cache, layer, segments, { silu: _, ...spec }) =>
        step.convolution(x, weight, cache, layer, segments, spec),
    })),
    'convolution: bias and silu within wider rows',
  ],
  'gates of other kinds after the delta rule': [
    breakStep((step) => ({
      deltaRule: (qkv, inputs, weights, cache, layer, segments, spec) =>
        step.deltaRule(qkv, inputs, weights, cache, layer, segments, { ...spec, gate: 'silu' }),
    })),
    'delta rule: as many key heads as heads, sigmoid gates',
  ],
  'states of the delta rule that are not carried': [
    breakStep((step) => ({
      deltaRule: (qkv, inputs, weights, cache, layer, segments, spec) =>
        step.deltaRule(
          qkv,
          inputs,
          weights,
          cache,
          layer,
          segments.map((segment) => ({ ...segment, from: -1 })),
          spec,
        ),
    })),
    'delta rule: prefill of 65, then decode',
  ],
  'no embedding scale': [
    breakStep((step) => ({ embed: (table, ids) => step.embed(table, ids) })),
    'embed: scale, one token and many',
  ],
  'no epsilon': [
    breakStep((step) => ({ norm: (x, norm) => step.norm(x, { ...norm, epsilon: 0 }) })),
    'norm: widths, token counts and sizes of numbers',
  ],
  'no scale when adding': [
    breakStep((step) => ({ add: (a, b) => step.add(a, b) })),
    'add: with and without a scale, chained, to itself',
  ],
  'no window': [
    breakStep((step) => ({
      attention: (qkv, cache, layer, segments, { window: _, ...spec }) =>
        step.attention(qkv, cache, layer, segments, spec),
    })),
    'attention: window of 7',
  ],
  'no clip': [
    breakStep((step) => ({
      attention: (qkv, cache, layer, segments, { clip: _, ...spec }) =>
        step.attention(qkv, cache, layer, segments, spec),
    })),
    'attention: clip after norms',
  ],
  'one layer for all': [
    breakStep((step) => ({
      attention: (qkv, cache, layer, segments, spec) => step.attention(qkv, cache, layer * 0, segments, spec),
    })),
    'attention: grouped queries, 8 over 2',
  ],
  'pages taken to be in order': [
    breakStep((step) => ({
      attention: (qkv, cache, layer, segments, spec) =>
        step.attention(
          qkv,
          cache,
          layer,
          segments.map((segment) => ({ ...segment, pages: segment.pages.slice().sort() })),
          spec,
        ),
    })),
    'attention: sequences that share the pages of a prefix',
  ],
  'pages before the window read': [
    breakStep((step) => ({
      attention: (qkv, cache, layer, segments, { window = 0, ...spec }) =>
        step.attention(
          qkv,
          cache,
          layer,
          segments.map((segment) => ({ ...segment, pages: segment.pages.map((page) => Math.max(0, page)) })),
          { ...spec, ...(window > 0 && { window: window + 1 }) },
        ),
    })),
    'attention: pages before the window are given back',
  ],
  'rotation by halves only': [
    breakStep((step) => ({
      attention: (qkv, cache, layer, segments, spec) =>
        step.attention(qkv, cache, layer, segments, {
          ...spec,
          rope: spec.rope && { ...spec.rope, style: 'halves' as const },
        }),
    })),
    'attention: interleaved rotation',
  ],
  'no groups': [
    breakStep((step) => ({
      route: (logits, { groups: _, ...spec }, bias) => step.route(logits, spec, bias),
    })),
    'route: sigmoid in groups by the top two (DeepSeek-V3)',
  ],
  'no correction bias': [
    breakStep((step) => ({ route: (logits, spec) => step.route(logits, spec) })),
    'route: a correction bias takes part in the choice, not in the weights',
  ],
  'experts best last': [
    breakStep((step) => ({
      readRouting: async (routing) => {
        const { expertIndices, ...rest } = await step.readRouting(routing);
        return { ...rest, expertIndices: expertIndices.toReversed() };
      },
    })),
    'route: softmax, normalized (Mixtral)',
  ],
  'silu whatever is asked for': [
    breakStep((step) => ({
      mlp: (x, weights, _, gate) => step.mlp(x, weights, { kind: 'silu', gated: true }, gate),
    })),
    'mlp: geluTanh',
  ],
  'the tanh form for gelu': [
    breakStep((step) => ({
      mlp: (x, weights, activation, gate) =>
        step.mlp(
          x,
          weights,
          activation.kind === 'gelu' ? { ...activation, kind: 'geluTanh' } : activation,
          gate,
        ),
    })),
    'mlp: gelu',
  ],
  'the mean left in rows': [
    breakStep((step) => ({ norm: (x, { centred: _, ...spec }) => step.norm(x, spec) })),
    'norm: layer norms, and biases of either',
  ],
  'no limit': [
    breakStep((step) => ({
      mlp: (x, weights, { limit: _, ...activation }, gate) => step.mlp(x, weights, activation, gate),
    })),
    'mlp: silu, limited',
  ],
  'a limit before the function for one behind it': [
    breakStep((step) => ({
      mlp: (x, weights, activation, gate) => step.mlp(x, weights, { ...activation, limitOf: 'input' }, gate),
    })),
    'mlp: silu, limited behind it',
  ],
  'no offset of ups': [
    breakStep((step) => ({
      experts: (x, routing, weights, activation) =>
        step.experts(x, routing, weights, { ...activation, upOffset: 0 }),
    })),
    'experts: without gates, with limits, offsets and biases, a layout for each',
  ],
  'no bias of down': [
    breakBackend((backend) => ({
      loadMlp: ({ downBias: _, ...data }) => backend.loadMlp(data),
    })),
    'mlp: biases, with and without a gate',
  ],
  'ups from the first column on, wherever they begin': [
    breakStep((step) => ({
      multiplyGated: (gates, { rows }, activation) =>
        step.multiplyGated(gates, { rows, first: 0 }, activation),
    })),
    'multiplyGated: all gated activations, ups within wider rows',
  ],
  'queries alone that read what another layer has written': [
    breakStep((step) => ({
      attention: (qkv, cache, layer, segments, spec) =>
        step.attention(qkv, cache, spec.keysInCache === true ? 1 - layer : layer, segments, spec),
    })),
    'attention: queries alone over what another attention has written',
  ],
  'gates that are used up': [
    breakStep((step) => ({
      multiplyGated: (gates, ups, activation) => {
        const product = step.multiplyGated(gates, ups, activation);
        step.add(gates, gates);
        return product;
      },
    })),
    'multiplyGated: of a multiply and into one, gates read again and ups of the same rows',
  ],
  'no output gate': [
    breakStep((step) => ({ mlp: (x, weights, activation) => step.mlp(x, weights, activation) })),
    'mlp: output gate',
  ],
  'the first expert for all': [
    breakBackend((backend) => ({
      loadExperts: (experts, expert) => backend.loadExperts(experts, () => expert(0)),
    })),
    'experts: a crowd that ends inside tiles',
  ],
  'experts loaded at once': [
    breakBackend((backend) => ({
      async loadExperts(experts, expert) {
        const all = await Promise.all(Array.from({ length: experts }, (_, e) => expert(e)));
        return backend.loadExperts(experts, async (e) => all[e] as (typeof all)[0]);
      },
    })),
    'backend: experts are asked for one after the other',
  ],
  'parts beyond the first dropped': [
    breakBackend((backend) => ({ loadWeight: (parts) => backend.loadWeight(parts.slice(0, 1)) })),
    'linear: stacked parts of different layouts',
  ],
  'release that does nothing': [
    breakBackend(() => ({ release: () => {} })),
    'backend: released objects are refused',
  ],
  'destroy that does nothing': [
    breakBackend(() => ({ destroy: async () => {} })),
    'backend: destroyed once its steps are done, and refused from then on',
  ],
  'reads that share memory': [
    breakStep((step) => {
      const known = new Map<Activations, Promise<Float32Array>>();
      return {
        read(x) {
          const values = known.get(x) ?? step.read(x);
          known.set(x, values);
          return values;
        },
      };
    }),
    'read: twice the same, in copies, between operations',
  ],
  'numbers taken as they are': [
    breakStep((step) => {
      const given = new Map<Activations, { readonly values: Float32Array; readonly rows: number }>();
      return {
        input(values, rows) {
          const x = step.input(values, rows);
          given.set(x, { values, rows });
          return x;
        },
        read(x) {
          const found = given.get(x);
          return step.read(found === undefined ? x : step.input(found.values, found.rows));
        },
      };
    }),
    'life: numbers, ids and rows may change when the operation has returned',
  ],
  'segments taken down once for all layers': [
    breakStep((step) => {
      const known = new Map<readonly Segment[], Segment[]>();
      return {
        attention(qkv, cache, layer, segments, spec) {
          const copies = known.get(segments) ?? structuredClone([...segments]);
          known.set(segments, copies);
          return step.attention(qkv, cache, layer, copies, spec);
        },
      };
    }),
    'life: the same array of segments says something else in the next layer',
  ],
  'an ended step that goes on taking numbers': [
    breakStep((step) => ({
      input(values, rows) {
        try {
          return step.input(values, rows);
        } catch {
          return { rows, columns: values.length / rows };
        }
      },
    })),
    'life: an ended step refuses every operation and read, whatever its operands',
  ],
  'released objects that may be named until the step ends': [
    breakBackend((backend) => {
      let last: Promise<unknown> = Promise.resolve();
      return {
        step(body) {
          const result = backend.step(body);
          last = result.catch(() => {});
          return result;
        },
        release: (object) => void last.then(() => backend.release(object)),
      };
    }),
    'life: objects released while a step runs are there for what was issued before',
  ],
  'errors without a code': [
    breakStep((step) => ({
      add(a, b, scale) {
        try {
          return step.add(a, b, scale);
        } catch (error) {
          throw MoeqError.isInstance(error) ? new MoeqError({ ...error.facts, code: undefined }) : error;
        }
      },
    })),
    'life: dead operands are refused in the same words, and the step goes on',
  ],
  'experts that are read later': [
    breakBackend((backend) => ({
      async loadExperts(experts, expert) {
        const all: MlpData[] = [];
        for (let index = 0; index < experts; index++) all.push(await expert(index));
        return backend.loadExperts(experts, async (index) => all[index] as MlpData);
      },
    })),
    'life: two sets of arrays are enough to load experts from',
  ],
  'noise in the last bits': [
    breakStep((step) => ({
      read: async (x) => (await step.read(x)).map((value) => value * (1 + 1e-7 * Math.random())),
    })),
    'step: the same input gives the same bits',
  ],
};

describe('conformance suite', () => {
  test.each(Object.entries(broken))('finds: %s', async (_, [make, notices]) => {
    expect(await failure(referenceBackend, notices)).toBeNull();
    expect(await failure(make, notices)).toBeInstanceOf(Error);
  });

  test('names every case once', () => {
    const names = cases.map((each) => each.name);
    expect(new Set(names).size).toBe(names.length);
  });

  test.each([
    [
      'a case that does not exist',
      { skip: [{ reason: 'slow', tests: ['linear: F64'] }] },
      /^option "skip\.linear: F64": cannot test a backend: .* found an unknown option, /,
    ],
    [
      'an unknown option',
      { seeds: 3 },
      /^option "seeds": .*expected one of the options make, name, .*, which is nearest to seed$/,
    ],
    [
      'an unknown tolerance',
      { tolerance: { quantised: 1 } },
      /^option "tolerance.quantised": .* options float, quantized, .* nearest to quantized$/,
    ],
  ])('refuses %s', (_, options, sentence) => {
    const wrong = { name: 'reference', make: referenceBackend, ...options } as BackendTestOptions;
    expect(() => testBackend(wrong)).toThrow(sentence);
  });
});
