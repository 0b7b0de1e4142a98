// softmax(q k) v over pages, by tiles of keys with a running maximum (arXiv:2205.14135). A workgroup takes some heads of one
// key/value head, for one token or a few, so that every key is read once for all of them. Long sequences are cut into
// ranges of keys that different workgroups take (flash decoding); join.ts combines them.
//
// Shapes: T tokens, H heads, HK key/value heads, C head dimension, CV value dimension, Q queries of a workgroup.
import { freshDeclarations, freshStatements, rawColumns } from './attend-fresh.js';
import { type GateShape, gateDeclarations, gateName, timesGate } from './gate.js';
import type { AttentionShape } from './prepare.js';
import { prepareFields, shapeName, vectorsOf } from './prepare.js';
import type { Fields, StorageBinding } from './shader.js';
import { lines, makeKernel } from './shader.js';

export interface AttendOptions extends AttentionShape {
  /** Heads of one key/value head that a workgroup takes. */
  readonly heads: number;
  /** Tokens that a workgroup takes. */
  readonly tokens: number;
  /** Keys of a tile. */
  readonly tile: number;
  /** Store ranges to be joined instead of the result. */
  readonly ranges: boolean;
  /** One token a sequence, taken from qkv as it comes: this kernel prepares heads and writes to the cache itself. */
  readonly fresh: boolean;
  /** A score of each head without a key or a value. */
  readonly sinks: boolean;
  readonly gate: GateShape;
}

export const attendSize = 128;

/** Words of an item in `tables`. */
export const itemWords = 8;

/** With the fields of `prepare`, of which only fresh tokens use the most. */
const attendFields = {
  ...prepareFields,
  /**
   * Word of `tables`: items of (first row, position of it, rows, word of its pages, keys from, keys to, partial row, 1 for the
   * first range of its rows and 0 for others).
   */
  items: 'u32',
  /** Largest number of keys that a token sees. */
  window: 'u32',
  /** 1: the window begins at multiples of itself. */
  chunked: 'u32',
} as const satisfies Fields;

/** Vectors of a row of `partial`: the values, then (maximum, sum, 0, 0). */
export const partialVectors = (valueDim: number): number => vectorsOf(valueDim) + 1;

/**
 * The shape of a workgroup's work that fits its memory.
 * @param headsPerKv H / HK
 * @param bytes workgroup memory
 */
export function attendPlan(
  shape: AttentionShape,
  headsPerKv: number,
  decode: boolean,
  bytes: number,
): { heads: number; tokens: number; tile: number } {
  const { headDim, valueDim, latent = false } = shape;
  const mostQueries = 16;
  const leastTile = latent ? 4 : 8;
  const need = (queries: number, tile: number): number =>
    16 * (queries * vectorsOf(Math.max(headDim, valueDim)) + tile * (vectorsOf(headDim) + 1)) +
    4 * (Math.max(attendSize, queries * tile) + 2 * queries * tile + 3 * queries) +
    (decode ? 4 * ((queries + 2) * rawColumns(shape) + 2 * attendSize + 8 * (queries + 1)) : 0);
  let heads = headsPerKv;
  while (heads > 1 && (heads > mostQueries || headsPerKv % heads !== 0 || need(heads, leastTile) > bytes))
    heads--;
  let tokens = 1;
  if (!decode)
    while (2 * tokens * heads <= mostQueries && need(2 * tokens * heads, leastTile) <= bytes) tokens *= 2;
  let tile = 4;
  while (tile < 32 && need(heads * tokens, 2 * tile) <= bytes) tile *= 2;
  return { heads, tokens, tile };
}

function attendStorage(options: AttendOptions): StorageBinding[] {
  const { cache, ranges, fresh, latent = false, sinks } = options;
  const type = cache === 'F32' ? 'array<vec4<f32>>' : 'array<vec2<u32>>';
  const access = fresh ? 'write' : 'read';
  return [
    fresh
      ? { name: 'qkv', access: 'read', type: 'array<f32>' }
      : { name: 'queries', access: 'read', type: 'array<vec4<f32>>' },
    { name: 'keys', access, type },
    ...(latent ? [] : [{ name: 'values', access, type } as const]),
    { name: 'tables', access: 'read', type: 'array<u32>' },
    { name: 'out', access: 'write', type: ranges ? 'array<vec4<f32>>' : 'array<f32>' },
    ...(fresh
      ? ([
          { name: 'queryWeight', access: 'read', type: 'array<f32>' },
          { name: 'keyWeight', access: 'read', type: 'array<f32>' },
        ] as const)
      : []),
    ...(sinks ? [{ name: 'sinks', access: 'read', type: 'array<f32>' } as const] : []),
    ...(readsRow(options) ? [{ name: 'qkv', access: 'read', type: 'array<f32>' } as const] : []),
  ];
}

/** Whether gates are taken from rows that the kernel does not have for its queries; ranges are joined before. */
export const readsRow = ({
  fresh,
  ranges,
  gate,
}: Pick<AttendOptions, 'fresh' | 'ranges' | 'gate'>): boolean => gate !== null && !fresh && !ranges;

export function attendKernel(options: AttendOptions) {
  const { headDim, valueDim, cache, heads, tokens, tile, ranges, fresh, latent = false, sinks } = options;
  const gate = ranges ? null : options.gate;
  const [c, v] = [vectorsOf(headDim), vectorsOf(valueDim)];
  const values = latent ? { name: 'keys', vectors: c } : { name: 'values', vectors: v };
  const queries = heads * tokens;
  const pairs = queries * tile;
  let split = 1;
  while (2 * split * pairs <= attendSize && 2 * split <= c) split *= 2;
  const subsets = Math.max(1, Math.floor(attendSize / v));
  const own = Array.from({ length: queries }, (_, n) => n);
  const read = (name: string, at: string): string =>
    cache === 'F32'
      ? `${name}[${at}]`
      : `vec4<f32>(unpack2x16float(${name}[${at}].x), unpack2x16float(${name}[${at}].y))`;
  return makeKernel({
    label: `attend ${shapeName(options)}, ${heads} heads x ${tokens} tokens, tile ${tile}${ranges ? ', ranges' : ''}${fresh ? ', fresh' : ''}${sinks ? ', sinks' : ''}${gateName(gate)}`,
    fields: attendFields,
    storage: attendStorage(options),
    workgroupSize: attendSize,
    declarations: [
      ...(fresh ? freshDeclarations(options, heads, attendSize) : []),
      ...gateDeclarations(gate),
      `var<workgroup> q: array<vec4<f32>, ${queries * Math.max(c, v)}>;`,
      `var<workgroup> k: array<vec4<f32>, ${tile * (c + 1)}>;`,
      `var<workgroup> parts: array<f32, ${pairs * split}>;`,
      `var<workgroup> scores: array<f32, ${pairs}>;`,
      `var<workgroup> powers: array<f32, ${pairs}>;`,
      `var<workgroup> highest: array<f32, ${queries}>;`,
      `var<workgroup> higher: array<f32, ${queries}>;`,
      `var<workgroup> sums: array<f32, ${queries}>;`,
      `fn rowAt(pages: u32, key: u32, kvHead: u32) -> u32 {
  return (tables[pages + key / p.pageSize] * p.kvHeads + kvHead) * p.pageSize + key % p.pageSize;
}`,
    ],
    main: lines(
      `let item = p.items + workgroup.y * ${itemWords}u;`,
      'let row = tables[item];',
      'let position = tables[item + 1u];',
      'let rows = tables[item + 2u];',
      'let pages = tables[item + 3u];',
      'let begin = tables[item + 4u];',
      'let end = tables[item + 5u];',
      'let partialRow = tables[item + 6u];',
      `let firstHead = workgroup.x * ${heads}u;`,
      'let kvHead = firstHead / (p.heads / p.kvHeads);',
      ...(fresh ? freshStatements(options, heads, attendSize) : readQueries(queries, heads, c)),
      ...startSums(queries, heads, sinks),
      ...own.map((n) => `var sum${n} = vec4<f32>();`),
      `let d = local % ${v}u;`,
      `let subset = local / ${v}u;`,
      `for (var first = begin; first < end; first += ${tile}u) {`,
      `  for (var i = local; i < ${tile * c}u; i += ${attendSize}u) {`,
      `    let key = min(first + i / ${c}u, end - 1u);`,
      `    k[(i / ${c}u) * ${c + 1}u + i % ${c}u] = ${read('keys', `rowAt(pages, key, kvHead) * ${c}u + i % ${c}u`)};`,
      '  }',
      '  workgroupBarrier();',
      `  for (var i = local; i < ${pairs * split}u; i += ${attendSize}u) {`,
      `    let pair = i / ${split}u;`,
      '    var part = 0.0;',
      `    for (var e = i % ${split}u; e < ${c}u; e += ${split}u) { part += dot(q[(pair / ${tile}u) * ${c}u + e], k[(pair % ${tile}u) * ${c + 1}u + e]); }`,
      '    parts[i] = part;',
      '  }',
      '  workgroupBarrier();',
      `  for (var pair = local; pair < ${pairs}u; pair += ${attendSize}u) {`,
      `    let own = position + pair / ${tile * heads}u;`,
      `    let key = first + pair % ${tile}u;`,
      '    var score = 0.0;',
      `    for (var e = 0u; e < ${split}u; e += 1u) { score += parts[pair * ${split}u + e]; }`,
      '    scores[pair] = select(-1e30, score, key < end && key <= own && key + p.window > own && (p.chunked == 0u || key >= own - own % p.window));',
      '  }',
      '  workgroupBarrier();',
      `  for (var pair = local; pair < ${pairs}u; pair += ${attendSize}u) {`,
      `    let n = pair / ${tile}u;`,
      '    var top = highest[n];',
      `    for (var j = 0u; j < ${tile}u; j += 1u) { top = max(top, scores[n * ${tile}u + j]); }`,
      '    powers[pair] = select(0.0, exp(scores[pair] - top), scores[pair] > -1e29);',
      `    if (pair % ${tile}u == 0u) { higher[n] = top; }`,
      '  }',
      '  workgroupBarrier();',
      ...own.map((n) => `  sum${n} *= exp(highest[${n}] - higher[${n}]);`),
      `  if (subset < ${subsets}u) {`,
      `    for (var j = subset; j < ${tile}u; j += ${subsets}u) {`,
      '      if (first + j < end) {',
      `        let value = ${read(values.name, `rowAt(pages, first + j, kvHead) * ${values.vectors}u + d`)};`,
      ...own.map((n) => `        sum${n} += powers[${n * tile}u + j] * value;`),
      '      }',
      '    }',
      '  }',
      '  workgroupBarrier();',
      `  if (local < ${queries}u) {`,
      '    var sum = sums[local] * exp(highest[local] - higher[local]);',
      `    for (var j = 0u; j < ${tile}u; j += 1u) { sum += powers[local * ${tile}u + j]; }`,
      '    sums[local] = sum;',
      '    highest[local] = higher[local];',
      '  }',
      '}',
      'workgroupBarrier();',
      `for (var s = 0u; s < ${subsets}u; s += 1u) {`,
      '  if (subset == s) {',
      ...own.map(
        (n) => `    if (s == 0u) { q[${n * v}u + d] = sum${n}; } else { q[${n * v}u + d] += sum${n}; }`,
      ),
      '  }',
      '  workgroupBarrier();',
      '}',
      ...(ranges ? storeRange(queries, heads, v) : storeResult(queries, heads, valueDim, v, gate)),
    ),
  });
}

function readQueries(queries: number, heads: number, c: number): string[] {
  return [
    `for (var i = local; i < ${queries * c}u; i += ${attendSize}u) {`,
    `  let n = i / ${c}u;`,
    `  let t = min(n / ${heads}u, rows - 1u);`,
    `  q[i] = queries[((row + t) * p.heads + firstHead + n % ${heads}u) * ${c}u + i % ${c}u];`,
    '}',
  ];
}

/** The sink of a head counts once, whatever ranges its keys are cut into. */
function startSums(queries: number, heads: number, sinks: boolean): string[] {
  if (!sinks) return [`if (local < ${queries}u) { highest[local] = -1e30; sums[local] = 0.0; }`];
  return [
    `if (local < ${queries}u) {`,
    '  let counts = tables[item + 7u] == 1u;',
    `  highest[local] = select(-1e30, sinks[firstHead + local % ${heads}u], counts);`,
    '  sums[local] = select(0.0, 1.0, counts);',
    '}',
  ];
}

function storeRange(queries: number, heads: number, v: number): string[] {
  return [
    `for (var i = local; i < ${queries * (v + 1)}u; i += ${attendSize}u) {`,
    `  let n = i / ${v + 1}u;`,
    `  let e = i % ${v + 1}u;`,
    `  if (n / ${heads}u < rows) {`,
    `    let at = ((partialRow + n / ${heads}u) * p.heads + firstHead + n % ${heads}u) * ${v + 1}u + e;`,
    `    if (e < ${v}u) { out[at] = q[n * ${v}u + e]; } else { out[at] = vec4<f32>(highest[n], sums[n], 0.0, 0.0); }`,
    '  }',
    '}',
  ];
}

function storeResult(queries: number, heads: number, valueDim: number, v: number, gate: GateShape): string[] {
  const gates = timesGate(gate, `row + n / ${heads}u`, `firstHead + n % ${heads}u`, 'e');
  return [
    `for (var i = local; i < ${queries * valueDim}u; i += ${attendSize}u) {`,
    `  let n = i / ${valueDim}u;`,
    `  let e = i % ${valueDim}u;`,
    `  if (n / ${heads}u < rows) {`,
    `    out[((row + n / ${heads}u) * p.heads + firstHead + n % ${heads}u) * ${valueDim}u + e] = q[n * ${v}u + e / 4u][e % 4u] / sums[n]${gates};`,
    '  }',
    '}',
  ];
}
