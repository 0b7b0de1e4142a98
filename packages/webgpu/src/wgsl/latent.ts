// What latent attention has before and after attending: heads meet their rows of the expansion from both sides. Between them
// attend.ts runs as for one key/value head, whose values are the beginning of its keys.
//
// Shapes: T tokens, H heads, N dimensions of a head without rotation, P those with it, R latent, V value dimension.
import type { MatrixKind } from './matrix-kind.js';
import { kindName } from './matrix-kind.js';
import type { CacheDType } from './prepare.js';
import { vectorsOf } from './prepare.js';
import type { Fields } from './shader.js';
import { lines, makeKernel } from './shader.js';
import { fillTable, tableSize, weightFields, weightFunctions, weightStorage } from './weight.js';

export interface LatentShape {
  readonly nopeDim: number;
  readonly ropeDim: number;
  readonly latentDim: number;
  readonly valueDim: number;
  readonly cache: CacheDType;
}

export const latentShapeName = (shape: LatentShape): string => {
  const { nopeDim, ropeDim, latentDim, valueDim, cache } = shape;
  return `${nopeDim}+${ropeDim} ${latentDim} ${valueDim} ${cache}`;
};

const absorbSize = 128;

export const factorFields = {
  /** Word of `tables`: a factor on the queries of each token, where `hasFactors` is 1. */
  factors: 'u32',
  hasFactors: 'u32',
} as const satisfies Fields;

/** `scale`, with the factor of `token`. */
export const scaleOfToken = [
  'var scale = p.scale;',
  'if (p.hasFactors == 1u) { scale *= bitcast<f32>(tables[p.factors + token]); }',
];

const absorbFields = {
  ...weightFields,
  heads: 'u32',
  /** Word of `tables`: the token of each row of workgroups. */
  tokens: 'u32',
  /** Of the first workgroup of a token. */
  firstHead: 'u32',
  /** Words of `tables`: cache row of each token; cosines then sines of each token. */
  cacheRows: 'u32',
  rotations: 'u32',
  pairs: 'u32',
  interleaved: 'u32',
  scale: 'f32',
  ...factorFields,
  epsilon: 'f32',
  /** Not the first buffer of the expansion: add to what is there. */
  accumulate: 'u32',
} as const satisfies Fields;

/** Invocations share `count` items. */
const forEach = (size: number, count: string, body: readonly string[]): string[] => [
  `for (var i = local; i < ${count}; i += ${size}u) {`,
  ...body.map((line) => `  ${line}`),
  '}',
];

/** Turns the P numbers from `first` on of `row`, of token `token`. */
const turn = (first: number): string[] =>
  forEach(absorbSize, 'p.pairs', [
    `let a = ${first}u + select(i, 2u * i, p.interleaved == 1u);`,
    `let b = ${first}u + select(i + p.pairs, 2u * i + 1u, p.interleaved == 1u);`,
    'let cosine = bitcast<f32>(tables[p.rotations + (2u * token) * p.pairs + i]);',
    'let sine = bitcast<f32>(tables[p.rotations + (2u * token + 1u) * p.pairs + i]);',
    'let x = row[a];',
    'let y = row[b];',
    'row[a] = x * cosine - y * sine;',
    'row[b] = y * cosine + x * sine;',
  ]);

/**
 * One head of one token a workgroup: queries [T, H, R + P] that meet rows of the cache, scaled, in vectors of four. The last
 * workgroup of a token writes its latent, normed, and the common part of its key to the cache.
 */
export function absorbKernel(kind: MatrixKind, shape: LatentShape) {
  const { nopeDim, ropeDim, latentDim, valueDim, cache } = shape;
  const queryDim = nopeDim + ropeDim;
  const keyDim = latentDim + ropeDim;
  const longest = Math.max(queryDim, keyDim);
  const padded = 4 * vectorsOf(keyDim);
  const store =
    cache === 'F32'
      ? forEach(absorbSize, `${padded}u`, [`cached[stored * ${padded}u + i] = rowAt(i);`])
      : forEach(absorbSize, `${padded / 2}u`, [
          `cached[stored * ${padded / 2}u + i] = pack2x16float(vec2<f32>(rowAt(2u * i), rowAt(2u * i + 1u)));`,
        ]);
  return makeKernel({
    label: `absorb queries ${latentShapeName(shape)}, ${kindName(kind)}`,
    fields: absorbFields,
    matrices: true,
    storage: [
      ...weightStorage,
      { name: 'queries', access: 'read', type: 'array<f32>' },
      { name: 'latents', access: 'read', type: 'array<f32>' },
      { name: 'norm', access: 'read', type: 'array<f32>' },
      { name: 'tables', access: 'read', type: 'array<u32>' },
      { name: 'cached', access: 'write', type: `array<${cache === 'F32' ? 'f32' : 'u32'}>` },
      { name: 'out', access: 'write', type: 'array<f32>' },
    ],
    workgroupSize: absorbSize,
    declarations: [
      ...weightFunctions(kind),
      `var<workgroup> row: array<f32, ${longest}>;`,
      `var<workgroup> squares: array<f32, ${absorbSize}>;`,
      `fn rowAt(i: u32) -> f32 { return select(0.0, row[min(i, ${keyDim - 1}u)], i < ${keyDim}u); }`,
    ],
    main: lines(
      'let token = tables[p.tokens + workgroup.y];',
      'let head = workgroup.x + p.firstHead;',
      ...scaleOfToken,
      ...fillTable(kind, absorbSize),
      'if (head == p.heads) {',
      '  var sum = 0.0;',
      ...forEach(absorbSize, `${keyDim}u`, [
        `let x = latents[token * ${keyDim}u + i];`,
        'row[i] = x;',
        `if (i < ${latentDim}u) { sum += x * x; }`,
      ]).map((line) => `  ${line}`),
      '  squares[local] = sum;',
      '  workgroupBarrier();',
      `  for (var step = ${absorbSize / 2}u; step > 0u; step >>= 1u) {`,
      '    if (local < step) { squares[local] += squares[local + step]; }',
      '    workgroupBarrier();',
      '  }',
      `  let root = inverseSqrt(squares[0] / ${latentDim}.0 + p.epsilon);`,
      ...forEach(absorbSize, `${latentDim}u`, ['row[i] *= root * norm[i];']).map((line) => `  ${line}`),
      ...turn(latentDim).map((line) => `  ${line}`),
      '  workgroupBarrier();',
      '  let stored = tables[p.cacheRows + token];',
      ...store.map((line) => `  ${line}`),
      '} else {',
      ...forEach(absorbSize, `${queryDim}u`, [
        `row[i] = queries[(token * p.heads + head) * ${queryDim}u + i];`,
      ]).map((line) => `  ${line}`),
      '  workgroupBarrier();',
      ...turn(nopeDim).map((line) => `  ${line}`),
      '  workgroupBarrier();',
      '  let record = recordOf(0u, 0u);',
      `  let firstLine = head * ${nopeDim + valueDim}u - p.matrices[0].firstRow;`,
      `  let first = (token * p.heads + head) * ${padded}u;`,
      ...forEach(absorbSize, `${latentDim}u`, [
        'var sum = 0.0;',
        `for (var n = 0u; n < ${nopeDim}u; n += 1u) {`,
        '  let line = firstLine + n;',
        '  if (line < p.matrices[0].rows) { sum += row[n] * value(0u, record, line, i); }',
        '}',
        'if (p.accumulate == 1u) { out[first + i] += sum * scale; } else { out[first + i] = sum * scale; }',
      ]).map((line) => `  ${line}`),
      '  if (p.accumulate == 0u) {',
      ...forEach(absorbSize, `${padded - latentDim}u`, [
        `out[first + ${latentDim}u + i] = select(0.0, row[min(${nopeDim}u + i, ${queryDim - 1}u)] * scale, i < ${ropeDim}u);`,
      ]).map((line) => `    ${line}`),
      '  }',
      '}',
    ),
  });
}

const expandSize = 64;

/** Invocations that share a row. */
const expandLanes = 16;

/** Rows of values that a workgroup makes. */
export const expandRows = expandSize / expandLanes;

/** out[t, h, v] = Σ_r W[h (N + V) + N + v, r] x[t, h, r]: what each head saw of the latents becomes its values. */
export function expandKernel(kind: MatrixKind, shape: LatentShape) {
  const { nopeDim, latentDim, valueDim } = shape;
  return makeKernel({
    label: `expand values ${latentShapeName(shape)}, ${kindName(kind)}`,
    fields: { ...weightFields, heads: 'u32', tokens: 'u32' },
    matrices: true,
    storage: [
      ...weightStorage,
      { name: 'x', access: 'read', type: 'array<f32>' },
      { name: 'tables', access: 'read', type: 'array<u32>' },
      { name: 'out', access: 'write', type: 'array<f32>' },
    ],
    workgroupSize: expandSize,
    declarations: [...weightFunctions(kind), `var<workgroup> sums: array<f32, ${expandSize}>;`],
    main: lines(
      ...fillTable(kind, expandSize),
      ...(tableSize(kind) > 0 ? ['workgroupBarrier();'] : []),
      'let token = tables[p.tokens + workgroup.y];',
      `let lane = local % ${expandLanes}u;`,
      `let column = workgroup.x * ${expandRows}u + local / ${expandLanes}u;`,
      `let head = column / ${valueDim}u;`,
      `let line = head * ${nopeDim + valueDim}u + ${nopeDim}u + column % ${valueDim}u - p.matrices[0].firstRow;`,
      `let isOwn = column < p.heads * ${valueDim}u && line < p.matrices[0].rows;`,
      'let record = recordOf(0u, 0u);',
      'var sum = 0.0;',
      'if (isOwn) {',
      `  let first = (token * p.heads + head) * ${latentDim}u;`,
      `  for (var r = lane; r < ${latentDim}u; r += ${expandLanes}u) { sum += value(0u, record, line, r) * x[first + r]; }`,
      '}',
      'sums[local] = sum;',
      'workgroupBarrier();',
      'if (isOwn && lane == 0u) {',
      '  var total = 0.0;',
      `  for (var i = 0u; i < ${expandLanes}u; i += 1u) { total += sums[local + i]; }`,
      `  out[token * p.heads * ${valueDim}u + column] = total;`,
      '}',
    ),
  });
}
