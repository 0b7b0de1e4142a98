// Expanded latent attention: latents of all positions of a sequence are brought together, multiplied, and laid out as keys and
// values of heads in pages, to which queries attend as to any others.
//
// Shapes: T tokens, L positions, H heads, N dimensions of a head without rotation, P those with it, R latent, V value dimension.
import type { LatentShape } from './latent.js';
import { factorFields, latentShapeName, scaleOfToken } from './latent.js';
import { vectorsOf } from './prepare.js';
import { forElements } from './rows.js';
import type { StorageBinding } from './shader.js';
import { lines, makeKernel } from './shader.js';

/** Positions of a page of keys and values that are made for one step. */
export const expandedPage = 16;

/** In place of a row of the cache: no position. */
export const noRow = 0xffffffff;

const cached = ({ cache }: LatentShape): StorageBinding => ({
  name: 'cached',
  access: 'read',
  type: `array<${cache === 'F32' ? 'f32' : 'u32'}>`,
});

/** Number `i` of a row of the cache. */
function cachedAt({ cache, latentDim, ropeDim }: LatentShape): string {
  const width = 4 * vectorsOf(latentDim + ropeDim);
  return cache === 'F32'
    ? `fn cachedAt(row: u32, i: u32) -> f32 { return cached[row * ${width}u + i]; }`
    : `fn cachedAt(row: u32, i: u32) -> f32 { return unpack2x16float(cached[row * ${width / 2}u + i / 2u])[i % 2u]; }`;
}

/** out [L, R]: the latents of positions, zeros where there is none. `rows` is a word of `tables`: their rows of the cache. */
export function gatherLatentsKernel(shape: LatentShape) {
  return makeKernel({
    label: `gather latents ${latentShapeName(shape)}`,
    fields: { rows: 'u32' },
    storage: [
      cached(shape),
      { name: 'tables', access: 'read', type: 'array<u32>' },
      { name: 'out', access: 'write', type: 'array<f32>' },
    ],
    workgroupSize: 64,
    declarations: [cachedAt(shape)],
    main: lines(
      'let row = tables[p.rows + workgroup.y];',
      ...forElements(`${shape.latentDim}u`, [
        `if (row == ${noRow}u) { out[workgroup.y * ${shape.latentDim}u + c] = 0.0; }`,
        `else { out[workgroup.y * ${shape.latentDim}u + c] = cachedAt(row, c); }`,
      ]),
    ),
  });
}

const size = 64;

const forEach = (count: number, body: readonly string[]): string[] => [
  `for (var d = local; d < ${count}u; d += ${size}u) {`,
  ...body.map((line) => `  ${line}`),
  '}',
];

/** One head of one position a workgroup: keys and values in pages of `expandedPage`, padded to vectors of four. */
export function placeHeadsKernel(shape: LatentShape) {
  const { nopeDim, ropeDim, latentDim, valueDim } = shape;
  const [c, v] = [4 * vectorsOf(nopeDim + ropeDim), 4 * vectorsOf(valueDim)];
  return makeKernel({
    label: `place heads ${latentShapeName(shape)}`,
    fields: { heads: 'u32', rows: 'u32' },
    storage: [
      { name: 'expanded', access: 'read', type: 'array<f32>' },
      cached(shape),
      { name: 'tables', access: 'read', type: 'array<u32>' },
      { name: 'keys', access: 'write', type: 'array<f32>' },
      { name: 'values', access: 'write', type: 'array<f32>' },
    ],
    workgroupSize: size,
    declarations: [cachedAt(shape)],
    main: lines(
      'let position = workgroup.y;',
      'let head = workgroup.x;',
      'let row = tables[p.rows + position];',
      `if (row == ${noRow}u) { return; }`,
      `let first = (position * p.heads + head) * ${nopeDim + valueDim}u;`,
      `let at = ((position / ${expandedPage}u) * p.heads + head) * ${expandedPage}u + position % ${expandedPage}u;`,
      ...forEach(c, [
        'var number = 0.0;',
        `if (d < ${nopeDim}u) { number = expanded[first + d]; }`,
        `else if (d < ${nopeDim + ropeDim}u) { number = cachedAt(row, ${latentDim}u + d - ${nopeDim}u); }`,
        `keys[at * ${c}u + d] = number;`,
      ]),
      ...forEach(v, [
        'var number = 0.0;',
        `if (d < ${valueDim}u) { number = expanded[first + ${nopeDim}u + d]; }`,
        `values[at * ${v}u + d] = number;`,
      ]),
    ),
  });
}

/** One head of one token a workgroup: queries [T, H, N + P], turned and scaled, padded to vectors of four. */
export function turnQueriesKernel({ nopeDim, ropeDim }: Pick<LatentShape, 'nopeDim' | 'ropeDim'>) {
  const queryDim = nopeDim + ropeDim;
  const padded = 4 * vectorsOf(queryDim);
  return makeKernel({
    label: `turn queries ${nopeDim}+${ropeDim}`,
    fields: {
      ...{ heads: 'u32', tokens: 'u32', rotations: 'u32', pairs: 'u32', interleaved: 'u32' },
      scale: 'f32',
      ...factorFields,
    },
    storage: [
      { name: 'queries', access: 'read', type: 'array<f32>' },
      { name: 'tables', access: 'read', type: 'array<u32>' },
      { name: 'out', access: 'write', type: 'array<f32>' },
    ],
    workgroupSize: size,
    declarations: [`var<workgroup> row: array<f32, ${queryDim}>;`],
    main: lines(
      'let token = tables[p.tokens + workgroup.y];',
      'let at = token * p.heads + workgroup.x;',
      ...scaleOfToken,
      ...forEach(queryDim, [`row[d] = queries[at * ${queryDim}u + d] * scale;`]),
      'workgroupBarrier();',
      `for (var i = local; i < p.pairs; i += ${size}u) {`,
      `  let a = ${nopeDim}u + select(i, 2u * i, p.interleaved == 1u);`,
      `  let b = ${nopeDim}u + select(i + p.pairs, 2u * i + 1u, p.interleaved == 1u);`,
      '  let cosine = bitcast<f32>(tables[p.rotations + (2u * token) * p.pairs + i]);',
      '  let sine = bitcast<f32>(tables[p.rotations + (2u * token + 1u) * p.pairs + i]);',
      '  let x = row[a];',
      '  let y = row[b];',
      '  row[a] = x * cosine - y * sine;',
      '  row[b] = y * cosine + x * sine;',
      '}',
      'workgroupBarrier();',
      ...forEach(padded, [
        `out[at * ${padded}u + d] = select(0.0, row[min(d, ${queryDim - 1}u)], d < ${queryDim}u);`,
      ]),
    ),
  });
}
