import { type Activation, type QueryFactor, referenceBackend } from '@moeq/kernels';
import type { RouteSpec } from '@moeq/router';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createModel } from '../load/create-model.js';
import { naiveDecoder } from '../testkit/naive-decoder.js';
import {
  mixtralLayer,
  randomSource,
  someIds,
  tinyAttention,
  tinyInputs,
  tinyMixtral,
} from '../testkit/random-source.js';
import { largestDifference } from '../testkit/rows.js';
import type { AttentionConfig } from './attention.js';
import type {
  BlockConfig,
  BranchConfig,
  DecoderConfig,
  DenseConfig,
  LayerConfig,
  MoeConfig,
  NormConfig,
  NormSlot,
} from './config.js';
import type { DeltaNetConfig } from './delta-net.js';
import type { KimiDeltaConfig } from './kimi-delta.js';
import type { LatentConfig } from './latent.js';
import { layerMoe, withMixers } from './layer.js';
import type { MambaConfig } from './mamba-config.js';
import type { MixerConfig } from './mixers.js';

/** Mixtral at any size. */
const anyMixtral: fc.Arbitrary<DecoderConfig> = fc
  .record({
    vocabularySize: fc.integer({ min: 8, max: 40 }),
    hiddenSize: fc.integer({ min: 2, max: 10 }).map((half) => 2 * half),
    kvHeads: fc.integer({ min: 1, max: 3 }),
    group: fc.integer({ min: 1, max: 3 }),
    headDim: fc.integer({ min: 1, max: 5 }).map((half) => 2 * half),
    experts: fc.integer({ min: 1, max: 6 }),
    active: fc.integer({ min: 1, max: 6 }),
    intermediate: fc.integer({ min: 1, max: 14 }),
    layers: fc.integer({ min: 1, max: 3 }),
    theta: fc.constantFrom(10_000, 1e6),
  })
  .map((size) => ({
    ...tinyMixtral,
    vocabularySize: size.vocabularySize,
    hiddenSize: size.hiddenSize,
    layers: Array.from({ length: size.layers }, () =>
      mixtralLayer(size.experts, Math.min(size.active, size.experts), size.intermediate, {
        ...tinyAttention,
        heads: size.kvHeads * size.group,
        kvHeads: size.kvHeads,
        headDim: size.headDim,
        scale: size.headDim ** -0.5,
        rope: { theta: size.theta, rotatedDim: size.headDim, style: 'halves' },
      }),
    ),
  }));

const anyQueryFactor: fc.Arbitrary<QueryFactor> = fc.record({
  slope: fc.constantFrom(0.1, 0.7),
  every: fc.integer({ min: 1, max: 9 }),
  offset: fc.constantFrom(0, 1),
});

const anyAttention: fc.Arbitrary<AttentionConfig> = fc
  .record({
    kind: fc.constant('attention' as const),
    heads: fc.constant(4),
    kvHeads: fc.constantFrom(1, 2, 4),
    headDim: fc.constant(8),
    scale: fc.constantFrom(8 ** -0.5, 0.1),
    rope: fc.option(
      fc.record(
        {
          theta: fc.constant(10_000),
          rotatedDim: fc.constantFrom(4, 8),
          style: fc.constantFrom('halves' as const, 'interleaved' as const),
          scaling: fc.oneof(
            fc.record({ kind: fc.constant('proportional' as const), share: fc.constantFrom(0.25, 0.6) }),
            fc.record({
              kind: fc.constant('yarn' as const),
              factor: fc.constantFrom(2, 32),
              originalLength: fc.constantFrom(16, 4096),
              betaFast: fc.constant(32),
              betaSlow: fc.constantFrom(1, 4),
              truncate: fc.boolean(),
              attentionFactor: fc.constantFrom(1, 1.3),
            }),
          ),
        },
        { requiredKeys: ['theta', 'rotatedDim', 'style'] },
      ),
    ),
    queryKeyNorm: fc.constantFrom('head' as const, 'all' as const, null),
    bias: fc.record({ qkv: fc.boolean(), output: fc.boolean() }),
    clip: fc.option(fc.constant(0.3)),
    window: fc.option(fc.integer({ min: 1, max: 20 })),
    chunked: fc.boolean(),
    joined: fc.boolean(),
    normsTurned: fc.boolean(),
    grown: fc.option(anyQueryFactor),
    sinks: fc.boolean(),
    keysAsValues: fc.boolean(),
    valueNorm: fc.boolean(),
    gate: fc.option(
      fc.record({
        kind: fc.constantFrom('sigmoid' as const, 'softplus' as const),
        per: fc.constantFrom('number' as const, 'head' as const),
        placed: fc.constantFrom('withQueries' as const, 'last' as const),
      }),
    ),
    valueDim: fc.constantFrom(8, 6),
  })
  .map(({ valueDim, grown, ...config }) => ({
    ...config,
    ...(!config.keysAsValues && { valueDim }),
    ...(grown !== null && { queryFactor: grown }),
    joined: config.joined && !config.keysAsValues,
    normsTurned: config.normsTurned && config.queryKeyNorm !== 'all',
  }));

const anyActivation: fc.Arbitrary<Activation> = fc.oneof(
  fc.constant({ kind: 'silu' as const, gated: true }),
  fc.record({
    kind: fc.constant('silu' as const),
    gated: fc.constant(true),
    alpha: fc.constantFrom(1, 1.702),
    limit: fc.constantFrom(0.2, 7),
    limitOf: fc.constantFrom('input' as const, 'output' as const),
    upOffset: fc.constantFrom(0, 1),
  }),
  fc.record({ kind: fc.constantFrom('silu' as const, 'relu2' as const), gated: fc.boolean() }),
);

const feedForward = {
  intermediateSize: fc.integer({ min: 1, max: 12 }),
  activation: anyActivation,
  bias: fc.boolean(),
};

const anyScores = {
  score: fc.constantFrom('softmax' as const, 'softmaxAfterTopK' as const, 'sigmoid' as const),
  normalizeTopK: fc.boolean(),
  scalingFactor: fc.constantFrom(1, 2.5),
};

const anyRoute: fc.Arbitrary<RouteSpec> = fc.oneof(
  fc.record({
    experts: fc.integer({ min: 3, max: 6 }),
    expertsPerToken: fc.integer({ min: 1, max: 3 }),
    score: fc.constant('sparseMixer' as const),
    jitter: fc.constantFrom(0.01, 0.2),
    normalizeTopK: fc.constant(false),
  }),
  fc.record({
    experts: fc.integer({ min: 3, max: 6 }),
    expertsPerToken: fc.integer({ min: 1, max: 3 }),
    ...anyScores,
  }),
  fc.record({
    experts: fc.constantFrom(6, 9),
    expertsPerToken: fc.integer({ min: 1, max: 4 }),
    ...anyScores,
    groups: fc.record({
      count: fc.constant(3),
      kept: fc.constant(2),
      rank: fc.constantFrom('max' as const, 'topTwoSum' as const),
    }),
  }),
);

const anyDense: fc.Arbitrary<DenseConfig> = fc.record({
  kind: fc.constant('dense' as const),
  ...feedForward,
});
const anyMoe: fc.Arbitrary<MoeConfig> = fc
  .record({
    kind: fc.constant('moe' as const),
    route: anyRoute,
    ...feedForward,
    routerBias: fc.boolean(),
    correctionBias: fc.boolean(),
    expertScales: fc.boolean(),
    latent: fc.option(fc.integer({ min: 1, max: 9 })),
    shared: fc.option(
      fc.record({ ...feedForward, outputGate: fc.boolean(), scale: fc.constantFrom(1, 0.5) }),
    ),
  })
  .map(({ latent, ...moe }) => ({ ...moe, ...(latent !== null && { latentDim: latent }) }));

const anyLatent: fc.Arbitrary<LatentConfig> = fc
  .record({
    kind: fc.constant('latent' as const),
    heads: fc.integer({ min: 1, max: 5 }),
    queryLatentDim: fc.option(fc.integer({ min: 1, max: 9 })),
    nopeDim: fc.integer({ min: 1, max: 8 }),
    ropeDim: fc.constantFrom(2, 4, 6),
    latentDim: fc.integer({ min: 1, max: 12 }),
    valueDim: fc.integer({ min: 1, max: 9 }),
    scale: fc.constantFrom(0.3, 0.1),
    rope: fc.option(
      fc.record({
        theta: fc.constant(10_000),
        rotatedDim: fc.constant(2),
        style: fc.constantFrom('halves' as const, 'interleaved' as const),
      }),
    ),
    normEpsilon: fc.constantFrom(1e-6, 1e-2),
    bias: fc.boolean(),
    grown: fc.option(anyQueryFactor),
  })
  .map(({ grown, ...config }) => ({ ...config, ...(grown !== null && { queryFactor: grown }) }));

const anyDeltaNet: fc.Arbitrary<DeltaNetConfig> = fc
  .record({
    kind: fc.constant('deltaNet' as const),
    group: fc.integer({ min: 1, max: 3 }),
    keyHeads: fc.integer({ min: 1, max: 3 }),
    keyDim: fc.integer({ min: 1, max: 6 }),
    valueDim: fc.integer({ min: 1, max: 7 }),
    taps: fc.integer({ min: 2, max: 5 }),
    rows: fc.constantFrom('grouped' as const, 'apart' as const),
  })
  .map(({ group, ...config }) => ({ ...config, heads: group * config.keyHeads }));

const anyKimiDelta: fc.Arbitrary<KimiDeltaConfig> = fc.record({
  kind: fc.constant('kimiDelta' as const),
  heads: fc.integer({ min: 1, max: 4 }),
  headDim: fc.integer({ min: 1, max: 6 }),
  taps: fc.integer({ min: 2, max: 5 }),
});

const mambaOptions = {
  kind: fc.constant('mamba' as const),
  stateDim: fc.integer({ min: 1, max: 9 }),
  taps: fc.integer({ min: 2, max: 5 }),
  tapsBias: fc.boolean(),
  bias: fc.boolean(),
};
const anyMamba: fc.Arbitrary<MambaConfig> = fc.oneof(
  fc.record({
    ...mambaOptions,
    version: fc.constant(1 as const),
    heads: fc.integer({ min: 1, max: 20 }),
    headDim: fc.constant(1),
    groups: fc.constant(1),
    timeStepRank: fc.integer({ min: 1, max: 5 }),
  }),
  fc
    .record({
      ...mambaOptions,
      version: fc.constant(2 as const),
      perGroup: fc.integer({ min: 1, max: 3 }),
      headDim: fc.integer({ min: 1, max: 5 }),
      groups: fc.integer({ min: 1, max: 3 }),
      isNormedWhole: fc.boolean(),
      leastTimeStep: fc.constantFrom(0, 0.7),
      largestTimeStep: fc.constantFrom(1.5, Number.POSITIVE_INFINITY),
    })
    .map(({ perGroup, isNormedWhole, ...config }) => ({
      ...config,
      heads: perGroup * config.groups,
      normGroups: isNormedWhole ? 1 : config.groups,
    })),
);

const anyMixer: fc.Arbitrary<MixerConfig> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc
      .tuple(anyAttention, fc.constantFrom(1, 2, 4))
      .map(([mixer, kvHeads]) => ({ ...mixer, kvHeads }))
      // a norm over all queries has no place for gates between them
      .filter(({ gate, queryKeyNorm }) => gate?.placed !== 'withQueries' || queryKeyNorm !== 'all'),
  },
  { weight: 2, arbitrary: anyLatent },
  { weight: 2, arbitrary: anyDeltaNet },
  { weight: 2, arbitrary: anyKimiDelta },
  { weight: 2, arbitrary: anyMamba },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('shortConv' as const),
      channels: fc.constantFrom(12, 5),
      taps: fc.integer({ min: 2, max: 5 }),
    }),
  },
);

const anyNorm: fc.Arbitrary<NormConfig> = fc.record({
  kind: fc.constantFrom('rms' as const, 'layer' as const),
  epsilon: fc.constantFrom(1e-5, 1e-6),
  weight: fc.constantFrom('plain' as const, 'lessOne' as const, 'none' as const),
  bias: fc.boolean(),
});
/** P of inputs of layers. */
const inputDim = 5;

/** Before, after, or both. */
const anyNorms = (
  norm: NormSlot,
  postNorm: NormSlot,
): fc.Arbitrary<Pick<BranchConfig, 'norm' | 'postNorm'>> =>
  fc
    .oneof(
      fc.tuple(anyNorm, fc.constant(null)),
      fc.tuple(fc.constant(null), anyNorm),
      fc.tuple(anyNorm, anyNorm),
    )
    .map(([before, after]) => ({
      norm: before && { slot: norm, ...before },
      postNorm: after && { slot: postNorm, ...after },
    }));
const residualScale = fc.constantFrom(1, 0.22);
const mixerBlock: fc.Arbitrary<BlockConfig> = fc
  .tuple(anyMixer, anyNorms('mixerNorm', 'mixerPostNorm'), residualScale)
  .map(([mixer, norms, scale]) => ({ mixer, ...norms, residualScale: scale }));
const mlpBlock: fc.Arbitrary<BlockConfig> = fc
  .tuple(fc.oneof(anyDense, anyMoe), anyNorms('mlpNorm', 'mlpPostNorm'), residualScale)
  .map(([mlp, norms, scale]) => ({ mlp, ...norms, residualScale: scale }));
/** A dense MLP beside experts, as Gemma 4 has them. */
const sumOfMlps: fc.Arbitrary<BlockConfig> = fc
  .record({
    dense: anyDense,
    moe: anyMoe,
    ofDense: anyNorms('mlpNorm', 'densePostNorm'),
    ofMoe: anyNorms('expertNorm', 'expertPostNorm'),
    apart: fc.option(fc.record({ router: anyNorm, experts: anyNorm, routerFactor: fc.constantFrom(1, 0.3) })),
    postNorm: fc.option(anyNorm),
    scale: residualScale,
  })
  .map(({ dense, moe, ofDense, ofMoe, apart, postNorm, scale }) => ({
    sum: [
      { mlp: dense, ...ofDense },
      apart === null
        ? { mlp: moe, ...ofMoe }
        : {
            mlp: {
              ...moe,
              norms: {
                router: { slot: 'routerNorm', ...apart.router },
                experts: { slot: 'expertNorm', ...apart.experts },
                routerFactor: apart.routerFactor,
              },
            },
            norm: null,
            postNorm: ofMoe.postNorm,
          },
    ],
    norm: null,
    postNorm: postNorm && { slot: 'mlpPostNorm', ...postNorm },
    residualScale: scale,
  }));
/** A mixer beside an MLP that reads the same, as Cohere2 has them. */
const sumOfBoth: fc.Arbitrary<BlockConfig> = fc
  .tuple(anyMixer, fc.oneof(anyDense, anyMoe), anyNorms('mixerNorm', 'mixerPostNorm'), residualScale)
  .map(([mixer, mlp, norms, scale]) => ({
    sum: [
      { mixer, norm: null, postNorm: null },
      { mlp, norm: null, postNorm: null },
    ],
    ...norms,
    residualScale: scale,
  }));

/** An input of the layer's own, as Gemma 4 adds it. */
const inputBlock: fc.Arbitrary<BlockConfig> = fc
  .tuple(fc.constantFrom('silu' as const, 'geluTanh' as const), fc.option(anyNorm), residualScale)
  .map(([kind, postNorm, scale]) => ({
    layerInput: { dim: inputDim, activation: { kind, gated: true } },
    norm: null,
    postNorm: postNorm && { slot: 'layerInputPostNorm', ...postNorm },
    residualScale: scale,
  }));

const anyLayer: fc.Arbitrary<LayerConfig> = fc
  .oneof(
    { weight: 3, arbitrary: fc.tuple(mixerBlock, mlpBlock) },
    fc.tuple(mixerBlock, sumOfMlps),
    fc.tuple(mixerBlock, mlpBlock, inputBlock),
    fc.tuple(inputBlock, mixerBlock),
    fc.tuple(sumOfBoth),
    fc.tuple(mixerBlock),
    fc.tuple(mlpBlock),
  )
  .chain((blocks) => {
    const isNormed = blocks.at(-1)?.postNorm != null;
    return fc.record({ blocks: fc.constant(blocks), scaled: isNormed ? fc.boolean() : fc.constant(false) });
  });

/** Layers that differ in all, in what they keep of a token too; some keep nothing, some read what others keep. */
const anyLayers: fc.Arbitrary<LayerConfig[]> = fc
  .tuple(fc.array(anyLayer, { minLength: 1, maxLength: 3 }), fc.array(fc.boolean(), { minLength: 3 }))
  .map(([layers, shares]) => sharing(layers, shares));

/** Attention reads the keys and values of the last attention before it where the layer's turn says so. */
function sharing(layers: readonly LayerConfig[], shares: readonly boolean[]): LayerConfig[] {
  let last: { readonly index: number; readonly mixer: AttentionConfig } | null = null;
  return layers.flatMap((layer, index) =>
    withMixers([layer], (mixer) => {
      if (mixer.kind !== 'attention') return mixer;
      if (last === null || shares[index] !== true) {
        last = { index, mixer };
        return mixer;
      }
      const { kvHeads, headDim, valueDim = headDim, window } = last.mixer;
      return { ...mixer, kvHeads, headDim, valueDim, window, keysOf: last.index };
    }),
  );
}

/** Decoders with any mixture of the options that architectures have; what layers read is carried. */
const anyDecoder: fc.Arbitrary<DecoderConfig> = fc.record(
  {
    architecture: fc.constant('any'),
    vocabularySize: fc.constant(30),
    hiddenSize: fc.constant(12),
    layers: anyLayers,
    contextLength: fc.constant(64),
    norm: anyNorm,
    embeddingScale: fc.constantFrom(1, 12),
    logitsScale: fc.constantFrom(1, 1 / 6),
    tiedHead: fc.boolean(),
    headBias: fc.boolean(),
    logitsCap: fc.constantFrom(30, 0.5),
    carried: fc.constant([{ kind: 'layerInputs' as const, vocabularySize: 33, dim: inputDim }]),
  },
  {
    requiredKeys: [
      'architecture',
      'vocabularySize',
      'hiddenSize',
      'layers',
      'contextLength',
      'norm',
      'embeddingScale',
      'logitsScale',
      'tiedHead',
      'headBias',
      'carried',
    ],
  },
);

/** Float32 against float64 through up to three layers. */
const tolerance = 1e-4;

/** Scores of experts nearer to each other than this may rank differently in float32. */
const closestChoice = 1e-5;

describe('forward', () => {
  test.each([
    ['Mixtral', anyMixtral],
    ['decoder with any options', anyDecoder],
  ])('computes what a float64 %s computes, whatever the sizes and the chunks', async (_, configs) => {
    await fc.assert(
      fc.asyncProperty(
        configs,
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 20 }),
        compare,
      ),
      { numRuns: 40 },
    );
  });

  test('prefill at once, in chunks and token by token give the same logits', async () => {
    const source = randomSource(tinyMixtral, 1);
    const ids = someIds(tinyMixtral, 37, 2);
    const outputs = await Promise.all(
      [64, 16, 7, 1].map(async (prefillChunk) => {
        const model = await createModel(source, { backend: referenceBackend(), prefillChunk });
        return (await model.logits(ids)).logits;
      }),
    );
    for (const output of outputs) expect(largestDifference(output, outputs[0] ?? [])).toBeLessThan(1e-6);
  });
});

test('a layer that reads what the decoder does not carry is refused', async () => {
  const { carried: _, ...config } = tinyInputs;
  const model = await createModel(randomSource(config, 1), { backend: referenceBackend() });
  await expect(model.logits([1, 2])).rejects.toThrow(
    /cannot run a layer: expected layerInputs, found nothing/,
  );
});

test.each([
  ['a layer behind', { ...tinyAttention, keysOf: 1 }, /layer 0: .*found layer 1/],
  ['other heads', { ...tinyAttention, kvHeads: 1, keysOf: 0 }, /layer 1: .*"kvHeads":1.*found layer 0/],
])('keys and values of %s are not read', async (_, mixer, sentence) => {
  const layer = mixtralLayer(5, 2, 12, mixer);
  const [own] = tinyMixtral.layers;
  const layers = mixer.keysOf === 1 ? [layer, own ?? layer] : [own ?? layer, layer];
  const source = randomSource({ ...tinyMixtral, layers }, 1);
  await expect(createModel(source, { backend: referenceBackend() })).rejects.toThrow(sentence);
});

async function compare(
  config: DecoderConfig,
  seed: number,
  length: number,
  prefillChunk: number,
): Promise<void> {
  const source = randomSource(config, seed);
  const ids = someIds(config, length, seed);
  const expected = await naiveDecoder(source, ids);
  fc.pre(expected.margin > closestChoice);
  const model = await createModel(source, { backend: referenceBackend(), prefillChunk });
  const { logits, routings, tokens, vocabularySize } = await model.logits(ids, { routings: true });
  expect([tokens, vocabularySize]).toEqual([length, config.vocabularySize]);
  expect(largestDifference(logits, expected.logits.flat())).toBeLessThan(tolerance);
  const moeLayers = config.layers.flatMap((each, layer) => (layerMoe(each) === null ? [] : [layer]));
  expect(routings.map(({ layer }) => layer)).toEqual(moeLayers);
  for (const [index, { expertIndices }] of routings.entries()) {
    expect([...expertIndices]).toEqual(expected.experts[index]?.flat());
  }
}
