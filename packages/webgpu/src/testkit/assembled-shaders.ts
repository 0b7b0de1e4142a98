// Every kind of shader that the backend assembles, by what it is for: all choices of every axis, not all of their products.
import { type Activation, activationKinds } from '@moeq/kernels';
import type { RouteSpec } from '@moeq/router';
import { attendKernel, attendPlan } from '../wgsl/attend.js';
import { combineExpertsKernel } from '../wgsl/combine-experts.js';
import { convolveKernel } from '../wgsl/convolve.js';
import { deltaRuleKernel } from '../wgsl/delta-rule.js';
import type { GateShape } from '../wgsl/gate.js';
import { joinKernel } from '../wgsl/join.js';
import { absorbKernel, expandKernel, type LatentShape } from '../wgsl/latent.js';
import { gatherLatentsKernel, placeHeadsKernel, turnQueriesKernel } from '../wgsl/latent-expand.js';
import type { CodesKind, MatrixKind, ValuesKind } from '../wgsl/matrix-kind.js';
import { kindName } from '../wgsl/matrix-kind.js';
import { mergeKernels } from '../wgsl/merge.js';
import { planKernel } from '../wgsl/plan.js';
import { prepareKernel } from '../wgsl/prepare.js';
import { routeKernel } from '../wgsl/route.js';
import { routerKernel } from '../wgsl/router.js';
import { activateKernel, addKernel, embedKernel, normKernel, selectKernel } from '../wgsl/rows.js';
import { selectiveScanKernel } from '../wgsl/selective-scan.js';
import type { Shader } from '../wgsl/shader.js';
import { tileKernel } from '../wgsl/tile.js';
import { vectorKernel } from '../wgsl/vector.js';

const plain: ValuesKind = { kind: 'plain', dtype: 'F32' };
const valuesKinds: readonly ValuesKind[] = [
  ...(['F32', 'F16', 'BF16', 'F8_E8M0'] as const).map((dtype) => ({ kind: 'plain', dtype }) as const),
  ...(['F32', 'F16', 'BF16'] as const).flatMap((dtype) =>
    [true, false].map((offset) => ({ kind: 'nested', dtype, offset }) as const),
  ),
];
const nf4: CodesKind = {
  kind: 'codes',
  bits: 4,
  order: 'highFirst',
  decode: 'codebook',
  zero: 0,
  scale: plain,
  shift: null,
  blocks: 'row',
  fast: true,
};
const nf4Double: CodesKind = { ...nf4, scale: { kind: 'nested', dtype: 'F32', offset: true } };
export const bfloat16: MatrixKind = { kind: 'plain', dtype: 'BF16', fast: true };

const powers: MatrixKind = {
  kind: 'custom',
  name: 'powers',
  format: {
    planes: ['codes', 'rowScales'],
    wgsl: `fn element(at: Planes, row: u32, column: u32, columns: u32) -> f32 {
  return f32(byteAt(at.codes + row * columns + column)) * bfloat16At(at.rowScales + 2u * row);
}`,
  },
  fast: false,
};

/** Every choice of every axis of a kind, on both paths and for both widths. */
const kinds: readonly MatrixKind[] = [
  powers,
  ...(['F32', 'F16', 'BF16'] as const).flatMap((dtype) =>
    [true, false].map((fast) => ({ kind: 'plain', dtype, fast }) as const),
  ),
  ...[true, false].flatMap((fast) =>
    ([4, 8] as const).flatMap((bits): CodesKind[] => {
      const base = { ...nf4, bits, fast, ...(bits === 8 && { order: 'lowFirst' as const }) };
      const orders =
        bits === 8 ? (['lowFirst'] as const) : (['highFirst', 'lowFirst', 'splitHalves'] as const);
      return [
        ...orders.map((order) => ({ ...base, order })),
        { ...base, blocks: 'flat' },
        ...valuesKinds.map((scale) => ({ ...base, scale })),
        { ...base, decode: 'signed' },
        { ...base, decode: 'constant', zero: 2 ** (bits - 1) },
        { ...base, decode: 'zeroPoint', shift: 'bytes' },
        ...valuesKinds.map((shift): CodesKind => ({ ...base, decode: 'offset', shift })),
      ];
    }),
  ),
];

const silu: Activation = { kind: 'silu', gated: true };
const gptOss: Activation = { ...silu, alpha: 1.702, limit: 7, upOffset: 1 };
const relu2: Activation = { kind: 'relu2', gated: false };
const activations: readonly Activation[] = [
  ...activationKinds.map((kind): Activation => ({ kind, gated: true })),
  gptOss,
  { ...silu, limit: 0.5, limitOf: 'output' },
];
const spec: RouteSpec = { experts: 8, expertsPerToken: 2, score: 'softmax', normalizeTopK: true };

const smallLatents: LatentShape = { nopeDim: 5, ropeDim: 2, latentDim: 11, valueDim: 7, cache: 'F32' };
const largeLatents: LatentShape = {
  ...{ nopeDim: 128, ropeDim: 64, latentDim: 512, valueDim: 128, cache: 'F16' },
};

function weightShaders(kind: MatrixKind): Shader[] {
  const vectors = [
    { use: 'dense', activation: null, normed: false, tokens: 1 },
    { use: 'dense', activation: null, normed: true, tokens: 4 },
    { use: 'dense', activation: silu, normed: true, tokens: 1 },
    { use: 'assignments', activation: { kind: 'geluTanh', gated: true }, normed: true, tokens: 1 },
    { use: 'assignments', activation: relu2, normed: true, tokens: 1 },
    { use: 'assignments', activation: null, normed: false, tokens: 1 },
    { use: 'sum', activation: null, normed: false, tokens: 1 },
  ] as const;
  const tiles = [true, false].flatMap((columns32) =>
    (['dense', 'assignments'] as const).flatMap((use) =>
      [null, gptOss, relu2].map((activation) => tileKernel({ kind, use, activation }, columns32)),
    ),
  );
  return [
    ...[true, false].flatMap((subgroups) =>
      vectors.map((options) => vectorKernel({ ...options, kind, subgroups })),
    ),
    ...tiles,
    embedKernel(kind),
    absorbKernel(kind, smallLatents),
    expandKernel(kind, smallLatents),
    routerKernel({ kind, spec, hasBias: false, hasScales: false, normed: true, subgroups: true }),
  ].map(({ shader }) => shader);
}

function mergedShaders(): Shader[] {
  const vector = (kind: MatrixKind, use: 'dense' | 'assignments' | 'sum', activation: Activation | null) =>
    vectorKernel({ kind, use, activation, normed: use !== 'sum', tokens: 1, subgroups: true });
  const gate = vector(bfloat16, 'dense', null);
  const shared = vector(nf4, 'dense', silu);
  const routed = vector(nf4Double, 'assignments', silu);
  const down = vector(nf4Double, 'sum', null);
  // chunks, words, x, out, norm, routing; then chunks, words, x, out, norm of the other
  return [
    mergeKernels(routed, shared, [0, 1, 2, 3, 4, 5, 6, 7, 2, 9, 4]),
    mergeKernels(routed, gate, [0, 1, 2, 3, 4, 5, 6, 7, 2, 9, 4, 11, 11, 11]),
    mergeKernels(down, shared, [0, 1, 2, 3, 4, 5, 5, 7, 8, 9, 10, 11]),
  ].map(({ shader }) => shader);
}

function routeShaders(): Shader[] {
  const specs: RouteSpec[] = (['softmax', 'softmaxAfterTopK', 'sigmoid', 'sparseMixer'] as const).flatMap(
    (score) =>
      [true, false].flatMap((normalizeTopK) => [
        { ...spec, score, normalizeTopK, ...(score === 'sparseMixer' && { jitter: 0.01 }) },
        ...(['max', 'topTwoSum'] as const).map((rank) => ({
          ...spec,
          score,
          ...(score === 'sparseMixer' && { jitter: 0.01 }),
          normalizeTopK,
          groups: { count: 4, kept: 2, rank },
        })),
      ]),
  );
  return specs.flatMap((each) => [true, false].map((hasBias) => routeKernel(each, hasBias, !hasBias).shader));
}

const gates: readonly GateShape[] = [
  null,
  { kind: 'sigmoid', per: 'number' },
  { kind: 'softplus', per: 'head' },
];

function attentionShaders(): Shader[] {
  const dimensions = [
    [128, 128],
    [64, 64],
    [6, 10],
    [192, 128],
    [256, 256],
  ] as const;
  return (['F32', 'F16'] as const).flatMap((cache) =>
    dimensions.flatMap(([headDim, valueDim]) => {
      const shape = { headDim, valueDim, cache };
      const latent = { headDim: headDim + valueDim, valueDim, cache, latent: true };
      return [
        prepareKernel(shape),
        ...gates.map((gate) => joinKernel(valueDim, gate)),
        attendKernel({
          ...shape,
          ...attendPlan(latent, 4, false, 16384),
          ...latent,
          fresh: false,
          ranges: true,
          sinks: false,
          gate: null,
        }),
        ...[true, false].flatMap((fresh) =>
          [true, false].flatMap((ranges) => {
            const plan = attendPlan(shape, 4, fresh, 16384);
            return gates.map((gate) =>
              attendKernel({ ...shape, ...plan, fresh, ranges, sinks: gate === null, gate }),
            );
          }),
        ),
      ].map(({ shader }) => shader);
    }),
  );
}

function otherShaders(): Shader[] {
  const norms = [true, false].flatMap((centred) =>
    [true, false].flatMap((biased) => [true, false].map((added) => normKernel(centred, biased, added))),
  );
  const plain = [...norms, addKernel(), selectKernel(), planKernel(128), combineExpertsKernel()];
  const latents = [
    ...[absorbKernel(bfloat16, largeLatents), expandKernel(bfloat16, largeLatents)],
    ...[smallLatents, largeLatents].flatMap((shape) => [
      ...[gatherLatentsKernel(shape), placeHeadsKernel(shape), turnQueriesKernel(shape)],
    ]),
  ];
  const convolutions = [
    { gated: true, biased: false, silu: false, parts: 0 },
    { gated: false, biased: false, silu: false, parts: 0 },
    { gated: false, biased: true, silu: true, parts: 0 },
    { gated: false, biased: false, silu: true, parts: 3 },
  ].map(convolveKernel);
  const scans = (['head', 'state'] as const).map(selectiveScanKernel);
  const deltaRules = [
    deltaRuleKernel({ keyDim: 128, valueDim: 128, decayPer: 'head', gate: 'silu' }),
    deltaRuleKernel({ keyDim: 7, valueDim: 300, decayPer: 'channel', gate: 'sigmoid' }),
  ];
  const kernels = [...plain, ...convolutions, ...scans, ...deltaRules, ...latents];
  return [...kernels, ...activations.map(activateKernel)].map(({ shader }) => shader);
}

/** Shaders by what they are for. */
export function assembledShaders(): readonly (readonly [purpose: string, shaders: readonly Shader[]])[] {
  return [
    ...kinds.map((kind) => [`weights in ${kindName(kind)}`, weightShaders(kind)] as const),
    ['merged multiplies', mergedShaders()],
    ['routes of all kinds', routeShaders()],
    ['attention of all shapes', attentionShaders()],
    ['everything else', otherShaders()],
  ];
}
