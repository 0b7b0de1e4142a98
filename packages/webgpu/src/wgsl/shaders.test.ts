// Every kind of shader that the backend assembles goes through Tint, the compiler of Chromium and of Dawn. Dawn's null
// backend computes nothing but compiles everything and has every feature, so this needs no GPU. A few texts are snapshots.
import type { Activation } from '@moeq/kernels';
import type { RouteSpec } from '@moeq/router';
import { describe, expect, test } from 'vitest';
import { dawn } from '../node.js';
import type { CodesKind, MatrixKind, ValuesKind } from '../weights/kind.js';
import { kindName } from '../weights/kind.js';
import { attendKernel, attendPlan } from './attend.js';
import { combineExpertsKernel } from './combine-experts.js';
import { joinKernel } from './join.js';
import { mergeKernels } from './merge.js';
import { planKernel } from './plan.js';
import { prepareKernel } from './prepare.js';
import { routeKernel } from './route.js';
import { routerKernel } from './router.js';
import { activateKernel, addKernel, embedKernel, normKernel, selectKernel } from './rows.js';
import type { Shader } from './shader.js';
import { tileKernel } from './tile.js';
import { vectorKernel } from './vector.js';

const gpu = await dawn(['backend=null']);
const adapter = await gpu.requestAdapter();
/** Dawn ends with its GPU object, so that is held too. */
const dawnNull = { gpu, device: await adapter?.requestDevice({ requiredFeatures: ['subgroups'] }) };

/** Messages of the compiler, errors and warnings. */
async function complaints({ label, code }: Shader): Promise<string[]> {
  const { device } = dawnNull;
  if (device === undefined) throw new Error('Dawn has no null backend');
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label, code });
  const { messages } = await module.getCompilationInfo();
  const refused = await device.popErrorScope();
  return [
    ...messages.map(({ message, lineNum }) => `${label}:${lineNum} ${message}`),
    ...(refused ? [refused.message] : []),
  ];
}

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
const bfloat16: MatrixKind = { kind: 'plain', dtype: 'BF16', fast: true };

/** Every choice of every axis of a kind, on both paths and for both widths. */
const kinds: readonly MatrixKind[] = [
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

const activations: readonly Activation[] = ['silu', 'gelu', 'geluTanh'];
const spec: RouteSpec = { experts: 8, expertsPerToken: 2, score: 'softmax', normalizeTopK: true };

function weightShaders(kind: MatrixKind): Shader[] {
  const vectors = [
    { use: 'dense', gated: null, normed: false, tokens: 1 },
    { use: 'dense', gated: null, normed: true, tokens: 4 },
    { use: 'dense', gated: 'silu', normed: true, tokens: 1 },
    { use: 'slots', gated: 'geluTanh', normed: true, tokens: 1 },
    { use: 'slots', gated: null, normed: false, tokens: 1 },
    { use: 'sum', gated: null, normed: false, tokens: 1 },
  ] as const;
  const tiles = [true, false].flatMap((columns32) =>
    (['dense', 'slots'] as const).flatMap((use) =>
      [null, 'gelu' as const].map((gated) => tileKernel({ kind, use, gated }, columns32)),
    ),
  );
  return [
    ...[true, false].flatMap((subgroups) =>
      vectors.map((options) => vectorKernel({ ...options, kind, subgroups })),
    ),
    ...tiles,
    embedKernel(kind),
    routerKernel({ kind, spec, hasBias: false, normed: true, subgroups: true }),
  ].map(({ shader }) => shader);
}

describe('Tint compiles', () => {
  test.each(kinds.map((kind) => [kindName(kind), kind] as const))('all kernels of %s', async (_, kind) => {
    for (const shader of weightShaders(kind)) expect(await complaints(shader)).toEqual([]);
  });

  test('kernels beside each other', async () => {
    const gate = vectorKernel({
      kind: bfloat16,
      use: 'dense',
      gated: null,
      normed: true,
      tokens: 1,
      subgroups: true,
    });
    const shared = vectorKernel({
      kind: nf4,
      use: 'dense',
      gated: 'silu',
      normed: true,
      tokens: 1,
      subgroups: true,
    });
    const routed = vectorKernel({
      kind: nf4Double,
      use: 'slots',
      gated: 'silu',
      normed: true,
      tokens: 1,
      subgroups: true,
    });
    const down = vectorKernel({
      kind: nf4Double,
      use: 'sum',
      gated: null,
      normed: false,
      tokens: 1,
      subgroups: true,
    });
    // chunks, words, x, out, norm, routing; then chunks, words, x, out, norm of the other
    expect(await complaints(mergeKernels(routed, shared, [0, 1, 2, 3, 4, 5, 6, 7, 2, 9, 4]).shader)).toEqual(
      [],
    );
    expect(
      await complaints(mergeKernels(routed, gate, [0, 1, 2, 3, 4, 5, 6, 7, 2, 9, 4, 11, 11, 11]).shader),
    ).toEqual([]);
    expect(
      await complaints(mergeKernels(down, shared, [0, 1, 2, 3, 4, 5, 5, 7, 8, 9, 10, 11]).shader),
    ).toEqual([]);
  });

  test('routes of all kinds', async () => {
    const specs: RouteSpec[] = (['softmax', 'softmaxAfterTopK', 'sigmoid'] as const).flatMap((score) =>
      [true, false].flatMap((normalizeTopK) => [
        { ...spec, score, normalizeTopK },
        ...(['max', 'topTwoSum'] as const).map((rank) => ({
          ...spec,
          score,
          normalizeTopK,
          groups: { count: 4, kept: 2, rank },
        })),
      ]),
    );
    for (const each of specs) {
      for (const hasBias of [true, false])
        expect(await complaints(routeKernel(each, hasBias).shader)).toEqual([]);
    }
  });

  test('attention of all shapes', async () => {
    for (const cache of ['F32', 'F16'] as const) {
      for (const [headDim, valueDim] of [
        [128, 128],
        [64, 64],
        [6, 10],
        [192, 128],
        [256, 256],
      ] as const) {
        const shape = { headDim, valueDim, cache };
        expect(await complaints(prepareKernel(shape).shader)).toEqual([]);
        expect(await complaints(joinKernel(valueDim).shader)).toEqual([]);
        for (const fresh of [true, false]) {
          for (const ranges of [true, false]) {
            const plan = attendPlan(shape, 4, fresh, 16384);
            expect(await complaints(attendKernel({ ...shape, ...plan, fresh, ranges }).shader)).toEqual([]);
          }
        }
      }
    }
  });

  test('everything else', async () => {
    const rest = [normKernel(), addKernel(), selectKernel(), planKernel(128), combineExpertsKernel()];
    for (const { shader } of [...rest, ...activations.map(activateKernel)]) {
      expect(await complaints(shader)).toEqual([]);
    }
  });
});

describe('text of', () => {
  const subgroups = true;
  test.each([
    [
      'a normed multiply of one token, bfloat16',
      vectorKernel({ kind: bfloat16, use: 'dense', gated: null, normed: true, tokens: 1, subgroups }),
    ],
    [
      'gate and up of routed experts, nf4',
      vectorKernel({ kind: nf4Double, use: 'slots', gated: 'silu', normed: true, tokens: 1, subgroups }),
    ],
    [
      'the weighted sum of routed experts, nf4, without subgroups',
      vectorKernel({ kind: nf4Double, use: 'sum', gated: null, normed: false, tokens: 1, subgroups: false }),
    ],
    ['a tile of routed experts, nf4', tileKernel({ kind: nf4Double, use: 'slots', gated: 'silu' }, true)],
    ['a router', routerKernel({ kind: bfloat16, spec, hasBias: false, normed: true, subgroups })],
  ])('%s', async (_, { shader }) => {
    await expect(shader.code).toMatchFileSnapshot(
      `./testdata/${shader.label.replaceAll(/[^a-zA-Z0-9]+/g, '-')}.wgsl`,
    );
  });
});
