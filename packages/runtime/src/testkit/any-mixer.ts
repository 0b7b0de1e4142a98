// Configurations of mixers of any kind, small and odd, for comparisons with the naive decoder.
import type { QueryFactor } from '@moeq/kernels';
import fc from 'fast-check';
import type { AttentionConfig } from '../decoder/attention.js';
import type { DeltaNetConfig } from '../decoder/delta-net.js';
import type { KimiDeltaConfig } from '../decoder/kimi-delta.js';
import type { LatentConfig } from '../decoder/latent.js';
import type { MambaConfig } from '../decoder/mamba-config.js';
import type { MixerConfig } from '../decoder/mixers.js';

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
    normsTurned: config.normsTurned && config.queryKeyNorm !== 'all',
  }));

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

export const anyMixer: fc.Arbitrary<MixerConfig> = fc.oneof(
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
