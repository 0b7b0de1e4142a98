// What becomes of queries, keys and values before attention: norm, clip, rotation; new keys and values go to the cache.
// A kernel of its own for many tokens. One token at a time, the attention kernel does the same (attend.ts).
//
// Heads are padded to whole vectors of four in queries and cache; the padding stays zero.
//
// Shapes: T tokens, H heads, HK key/value heads, C head dimension, CV value dimension.
import { gateFields } from './gate.js';
import type { Fields } from './shader.js';
import { lines, makeKernel } from './shader.js';

export type CacheDType = 'F32' | 'F16';

export interface AttentionShape {
  readonly headDim: number;
  readonly valueDim: number;
  readonly cache: CacheDType;
  /** Values are the beginning of the keys; false unless given. */
  readonly latent?: boolean;
}

export const vectorsOf = (dimension: number): number => Math.ceil(dimension / 4);

export const shapeName = ({ headDim, valueDim, cache, latent = false }: AttentionShape): string =>
  `${headDim}/${valueDim}${latent ? ' of keys' : ''} ${cache}`;

const prepareSize = 64;

export const prepareFields = {
  heads: 'u32',
  kvHeads: 'u32',
  pageSize: 'u32',
  /** Words of `tables`: cache row of each token; cosines then sines of each token. */
  cacheRows: 'u32',
  rotations: 'u32',
  pairs: 'u32',
  interleaved: 'u32',
  /** 0: none, 1: over a head, 2: over all heads. */
  queryNorm: 'u32',
  keyNorm: 'u32',
  /** 1: norms of queries and keys follow the rotation. */
  normsTurned: 'u32',
  /** Word of `tables`: a factor on the queries of each token, where `hasFactors` is 1. */
  factors: 'u32',
  hasFactors: 'u32',
  queryEpsilon: 'f32',
  keyEpsilon: 'f32',
  /** Whether values are normed, and its epsilon. */
  valueNorm: 'u32',
  valueEpsilon: 'f32',
  clip: 'f32',
  scale: 'f32',
  ...gateFields,
  /** Columns from one query to the next, and where keys and values begin. */
  queryStride: 'u32',
  keysAt: 'u32',
  valuesAt: 'u32',
} as const satisfies Fields;

/** One head of one token a workgroup: queries, then keys, then values. */
export function prepareKernel(shape: AttentionShape) {
  const { headDim, valueDim, cache } = shape;
  const longest = Math.max(headDim, valueDim);
  const store = (name: string, at: string, dimension: number): string[] =>
    cache === 'F32'
      ? [
          `for (var d = local; d < ${dimension}u; d += ${prepareSize}u) { ${name}[${at} * ${4 * vectorsOf(dimension)}u + d] = head[d]; }`,
        ]
      : [
          `for (var d = local; d < ${2 * vectorsOf(dimension)}u; d += ${prepareSize}u) {`,
          `  ${name}[${at} * ${2 * vectorsOf(dimension)}u + d] = pack2x16float(vec2<f32>(headAt(2u * d, ${dimension}u), headAt(2u * d + 1u, ${dimension}u)));`,
          '}',
        ];
  const element = cache === 'F32' ? 'f32' : 'u32';
  return makeKernel({
    label: `prepare heads ${shapeName(shape)}`,
    fields: prepareFields,
    storage: [
      { name: 'qkv', access: 'read', type: 'array<f32>' },
      { name: 'queries', access: 'write', type: 'array<f32>' },
      { name: 'keys', access: 'write', type: `array<${element}>` },
      { name: 'values', access: 'write', type: `array<${element}>` },
      { name: 'queryWeight', access: 'read', type: 'array<f32>' },
      { name: 'keyWeight', access: 'read', type: 'array<f32>' },
      { name: 'tables', access: 'read', type: 'array<u32>' },
    ],
    workgroupSize: prepareSize,
    declarations: [
      `var<workgroup> head: array<f32, ${longest}>;`,
      `var<workgroup> squares: array<f32, ${prepareSize}>;`,
      ...(cache === 'F32'
        ? []
        : ['fn headAt(d: u32, end: u32) -> f32 { return select(0.0, head[min(d, end - 1u)], d < end); }']),
      `fn rootOver(first: u32, count: u32, epsilon: f32, local: u32) -> f32 {
  var sum = 0.0;
  for (var i = local; i < count; i += ${prepareSize}u) { sum += qkv[first + i] * qkv[first + i]; }
  return rootOfSum(sum, count, epsilon, local);
}
fn rootOfSum(sum: f32, count: u32, epsilon: f32, local: u32) -> f32 {
  squares[local] = sum;
  workgroupBarrier();
  for (var step = ${prepareSize / 2}u; step > 0u; step >>= 1u) {
    if (local < step) { squares[local] += squares[local + step]; }
    workgroupBarrier();
  }
  return inverseSqrt(squares[0] / f32(count) + epsilon);
}`,
    ],
    main: lines(
      'let token = workgroup.y;',
      'let isQuery = workgroup.x < p.heads;',
      'let isKey = !isQuery && workgroup.x < p.heads + p.kvHeads;',
      'let h = workgroup.x - select(select(p.heads + p.kvHeads, p.heads, isKey), 0u, isQuery);',
      'let section = token * p.rowWidth + select(select(p.valuesAt, p.keysAt, isKey), 0u, isQuery);',
      `let dimension = select(${valueDim}u, ${headDim}u, isQuery || isKey);`,
      'let first = section + h * select(dimension, p.queryStride, isQuery);',
      'let norm = select(select(p.valueNorm, p.keyNorm, isKey), p.queryNorm, isQuery);',
      'let isLate = p.normsTurned == 1u && norm != 0u && (isQuery || isKey);',
      'let epsilon = select(select(p.valueEpsilon, p.keyEpsilon, isKey), p.queryEpsilon, isQuery);',
      'var root = 1.0;',
      'if (norm != 0u && !isLate) {',
      '  let all = dimension * select(p.kvHeads, p.heads, isQuery);',
      '  root = rootOver(select(first, section, norm == 2u), select(dimension, all, norm == 2u), epsilon, local);',
      '}',
      `for (var d = local; d < dimension; d += ${prepareSize}u) {`,
      '  var v = qkv[first + d] * root;',
      '  let w = d + select(0u, h * dimension, norm == 2u);',
      '  if (norm != 0u && !isLate && isQuery) { v *= queryWeight[w]; }',
      '  if (norm != 0u && !isLate && isKey) { v *= keyWeight[w]; }',
      '  if (p.clip > 0.0 && !(p.normsTurned == 1u && (isQuery || isKey))) { v = clamp(v, -p.clip, p.clip); }',
      '  head[d] = v;',
      '}',
      'workgroupBarrier();',
      'if (isQuery || isKey) {',
      `  for (var i = local; i < p.pairs; i += ${prepareSize}u) {`,
      '    let a = select(i, 2u * i, p.interleaved == 1u);',
      '    let b = select(i + p.pairs, 2u * i + 1u, p.interleaved == 1u);',
      '    let cosine = bitcast<f32>(tables[p.rotations + (2u * token) * p.pairs + i]);',
      '    let sine = bitcast<f32>(tables[p.rotations + (2u * token + 1u) * p.pairs + i]);',
      '    let x = head[a];',
      '    let y = head[b];',
      '    head[a] = x * cosine - y * sine;',
      '    head[b] = y * cosine + x * sine;',
      '  }',
      '}',
      'workgroupBarrier();',
      'if (p.normsTurned == 1u && (isQuery || isKey)) {',
      '  if (isLate) {',
      '    var sum = 0.0;',
      `    for (var d = local; d < dimension; d += ${prepareSize}u) { sum += head[d] * head[d]; }`,
      '    root = rootOfSum(sum, dimension, epsilon, local);',
      '  }',
      `  for (var d = local; d < dimension; d += ${prepareSize}u) {`,
      '    var v = head[d] * root;',
      '    if (isLate && isQuery) { v *= queryWeight[d]; }',
      '    if (isLate && isKey) { v *= keyWeight[d]; }',
      '    if (p.clip > 0.0) { v = clamp(v, -p.clip, p.clip); }',
      '    head[d] = v;',
      '  }',
      '  workgroupBarrier();',
      '}',
      'var factor = p.scale;',
      'if (p.hasFactors == 1u) { factor *= bitcast<f32>(tables[p.factors + token]); }',
      'let stored = tables[p.cacheRows + token];',
      'let at = ((stored / p.pageSize) * p.kvHeads + h) * p.pageSize + stored % p.pageSize;',
      'if (isQuery) {',
      `  for (var d = local; d < ${4 * vectorsOf(headDim)}u; d += ${prepareSize}u) {`,
      `    queries[(token * p.heads + h) * ${4 * vectorsOf(headDim)}u + d] = select(0.0, head[min(d, ${headDim - 1}u)] * factor, d < ${headDim}u);`,
      '  }',
      '} else if (isKey) {',
      ...store('keys', 'at', headDim).map((line) => `  ${line}`),
      '} else {',
      ...store('values', 'at', valueDim).map((line) => `  ${line}`),
      '}',
    ),
  });
}
