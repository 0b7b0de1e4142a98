// Configurations of decoders of any layers, small and odd, for comparisons with the naive decoder.
import type { Activation } from '@moeq/kernels';
import type { RouteSpec } from '@moeq/router';
import fc from 'fast-check';
import type { AttentionConfig } from '../decoder/attention.js';
import type {
  BlockConfig,
  BranchConfig,
  DecoderConfig,
  DenseConfig,
  LayerConfig,
  MoeConfig,
  NormConfig,
  NormSlot,
} from '../decoder/config.js';
import { withMixers } from '../decoder/layer.js';
import { anyMixer } from './any-mixer.js';
import { mixtralLayer, tinyAttention, tinyMixtral } from './random-source.js';

/** Mixtral at any size. */
export const anyMixtral: fc.Arbitrary<DecoderConfig> = fc
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
export const anyDecoder: fc.Arbitrary<DecoderConfig> = fc.record(
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
