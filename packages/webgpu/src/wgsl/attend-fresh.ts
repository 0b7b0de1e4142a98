// The beginning of attention for one token at a time: what prepare.ts does for many tokens, done by every workgroup for its
// own heads, and for the new key and value where its keys end with them. It saves a dispatch a layer.
//
// Rows of `raw`: the query heads of the workgroup, then the key, then the value.
import type { AttentionShape } from './prepare.js';
import { vectorsOf } from './prepare.js';

/** Invocations that share the squares of a head. */
const shares = 8;

export const rawColumns = ({ headDim, valueDim }: AttentionShape): number => Math.max(headDim, valueDim);

export function freshDeclarations(shape: AttentionShape, heads: number, size: number): string[] {
  return [
    `var<workgroup> raw: array<f32, ${(heads + 2) * rawColumns(shape)}>;`,
    `var<workgroup> squares: array<f32, ${2 * size + (heads + 2) * shares}>;`,
    `fn rootOf(isQuery: bool, n: u32) -> f32 {
  let mode = select(p.keyNorm, p.queryNorm, isQuery);
  let epsilon = select(p.keyEpsilon, p.queryEpsilon, isQuery);
  if (mode == 0u) { return 1.0; }
  var sum = 0.0;
  if (mode == 1u) {
    for (var i = 0u; i < ${shares}u; i += 1u) { sum += squares[${2 * size}u + n * ${shares}u + i]; }
    return inverseSqrt(sum / ${shape.headDim}.0 + epsilon);
  }
  for (var i = 0u; i < ${size}u; i += 1u) { sum += squares[select(${size}u, 0u, isQuery) + i]; }
  return inverseSqrt(sum / f32(${shape.headDim}u * select(p.kvHeads, p.heads, isQuery)) + epsilon);
}`,
  ];
}

/** Leaves scaled queries in `q`; `row`, `position`, `pages`, `end`, `firstHead`, `kvHead` and `local` are in scope. */
export function freshStatements(shape: AttentionShape, heads: number, size: number): string[] {
  const { headDim, valueDim, cache } = shape;
  const columns = rawColumns(shape);
  const [c, v] = [vectorsOf(headDim), vectorsOf(valueDim)];
  const forEach = (count: string, body: readonly string[]): string[] => [
    `for (var i = local; i < ${count}; i += ${size}u) {`,
    ...body.map((line) => `  ${line}`),
    '}',
  ];
  const four = (n: string, d: string, dimension: number): string => {
    const elements = [0, 1, 2, 3].map((e) => `${d} * 4u + ${e}u`);
    const at = (e: string): string => `raw[${n} * ${columns}u + ${e}]`;
    const values = elements.map((e) =>
      dimension % 4 === 0
        ? at(e)
        : `select(0.0, ${at(`min(${e}, ${dimension - 1}u)`)}, ${e} < ${dimension}u)`,
    );
    return `vec4<f32>(${values.join(', ')})`;
  };
  const stored = (vector: string): string =>
    cache === 'F32' ? vector : `vec2<u32>(pack2x16float(${vector}.xy), pack2x16float(${vector}.zw))`;
  const store = (name: string, n: number, vectors: number, dimension: number): string[] =>
    forEach(`${vectors}u`, [
      `let fresh = ${four(`${n}u`, 'i', dimension)};`,
      `${name}[own * ${vectors}u + i] = ${stored('fresh')};`,
    ]);

  /** Queries and the key, by their norms; barriers within. */
  const norms = [
    'if (p.queryNorm == 1u || p.keyNorm == 1u) {',
    ...forEach(`${(heads + 1) * shares}u`, [
      'var sum = 0.0;',
      `for (var d = i % ${shares}u; d < ${headDim}u; d += ${shares}u) {`,
      `  let x = raw[(i / ${shares}u) * ${columns}u + d];`,
      '  sum += x * x;',
      '}',
      `squares[${2 * size}u + i] = sum;`,
    ]).map((line) => `  ${line}`),
    '}',
    'workgroupBarrier();',
    ...forEach(`${(heads + 1) * headDim}u`, [
      `let n = i / ${headDim}u;`,
      `let d = i % ${headDim}u;`,
      `let isQuery = n < ${heads}u;`,
      `var x = raw[n * ${columns}u + d] * rootOf(isQuery, n);`,
      `let w = d + select(0u, select(kvHead, firstHead + n, isQuery) * ${headDim}u, select(p.keyNorm, p.queryNorm, isQuery) == 2u);`,
      'if (isQuery && p.queryNorm != 0u) { x *= queryWeight[w]; }',
      'if (!isQuery && p.keyNorm != 0u) { x *= keyWeight[w]; }',
      'if (p.clip > 0.0) { x = clamp(x, -p.clip, p.clip); }',
      `raw[n * ${columns}u + d] = x;`,
    ]),
  ];

  return [
    'let firstQuery = row * p.rowWidth;',
    'let firstKey = firstQuery + p.keysAt;',
    'let firstValue = firstQuery + p.valuesAt;',
    ...forEach(`${(heads + 1) * headDim}u`, [
      `let n = i / ${headDim}u;`,
      `let d = i % ${headDim}u;`,
      `raw[n * ${columns}u + d] = qkv[select(firstKey + kvHead * ${headDim}u, firstQuery + (firstHead + n) * p.queryStride, n < ${heads}u) + d];`,
    ]),
    ...forEach(`${valueDim}u`, [
      `raw[${(heads + 1) * columns}u + i] = qkv[firstValue + kvHead * ${valueDim}u + i];`,
    ]),
    'workgroupBarrier();',
    'if (p.queryNorm == 2u || p.keyNorm == 2u) {',
    '  var ofQueries = 0.0;',
    '  var ofKeys = 0.0;',
    `  for (var i = local; i < p.heads * ${headDim}u; i += ${size}u) { ofQueries += qkv[firstQuery + i] * qkv[firstQuery + i]; }`,
    `  for (var i = local; i < p.kvHeads * ${headDim}u; i += ${size}u) { ofKeys += qkv[firstKey + i] * qkv[firstKey + i]; }`,
    '  squares[local] = ofQueries;',
    `  squares[${size}u + local] = ofKeys;`,
    '}',
    `if (p.valueNorm == 1u && local < ${shares}u) {`,
    '  var sum = 0.0;',
    `  for (var d = local; d < ${valueDim}u; d += ${shares}u) { let x = raw[${(heads + 1) * columns}u + d]; sum += x * x; }`,
    `  squares[${2 * size + (heads + 1) * shares}u + local] = sum;`,
    '}',
    'if (p.normsTurned == 0u) {',
    ...norms.map((line) => `  ${line}`),
    '}',
    'workgroupBarrier();',
    'var ofValue = 1.0;',
    'if (p.valueNorm == 1u) {',
    '  var sum = 0.0;',
    `  for (var i = 0u; i < ${shares}u; i += 1u) { sum += squares[${2 * size + (heads + 1) * shares}u + i]; }`,
    `  ofValue = inverseSqrt(sum / ${valueDim}.0 + p.valueEpsilon);`,
    '}',
    ...forEach(`${valueDim}u`, [
      `var value = raw[${(heads + 1) * columns}u + i] * ofValue;`,
      'if (p.clip > 0.0) { value = clamp(value, -p.clip, p.clip); }',
      `raw[${(heads + 1) * columns}u + i] = value;`,
    ]),
    'workgroupBarrier();',
    ...forEach(`${heads + 1}u * p.pairs`, [
      'let n = i / p.pairs;',
      'let pair = i % p.pairs;',
      `let a = n * ${columns}u + select(pair, 2u * pair, p.interleaved == 1u);`,
      `let b = n * ${columns}u + select(pair + p.pairs, 2u * pair + 1u, p.interleaved == 1u);`,
      'let cosine = bitcast<f32>(tables[p.rotations + (2u * row) * p.pairs + pair]);',
      'let sine = bitcast<f32>(tables[p.rotations + (2u * row + 1u) * p.pairs + pair]);',
      'let x = raw[a];',
      'let y = raw[b];',
      'raw[a] = x * cosine - y * sine;',
      'raw[b] = y * cosine + x * sine;',
    ]),
    'workgroupBarrier();',
    'if (p.normsTurned == 1u) {',
    ...norms.map((line) => `  ${line}`),
    '  workgroupBarrier();',
    '}',
    'var factor = p.scale;',
    'if (p.hasFactors == 1u) { factor *= bitcast<f32>(tables[p.factors + row]); }',
    ...forEach(`${heads * c}u`, [`q[i] = ${four(`(i / ${c}u)`, `(i % ${c}u)`, headDim)} * factor;`]),
    'if (end == position + 1u) {',
    '  let own = rowAt(pages, position, kvHead);',
    ...store('keys', heads, c, headDim).map((line) => `  ${line}`),
    ...store('values', heads + 1, v, valueDim).map((line) => `  ${line}`),
    '}',
    'storageBarrier();',
  ];
}
