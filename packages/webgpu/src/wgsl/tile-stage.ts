// What a round of a tile puts into workgroup memory: 32 columns of 64 rows of a matrix, decoded, and of 32 rows of
// activations. Every invocation decodes 16 columns of one row.
import type { ChunkedKind } from './matrix-kind.js';
import { blockOfChunk, chunkPieces, overWords } from './weight.js';

/** Invocations of a tile. */
export const workgroupSize = 128;
/** Tokens or assignments of a tile. */
export const tileTokens = 32;
/** Rows decoded at a time. */
export const tileRows = 64;
/** Columns of a round, in vectors of four. */
export const vectors = 8;
/** Of a row in workgroup memory: one more than is used, so that neighbouring rows fall into different banks. */
export const stride = vectors + 1;

/** The matrix and row whose 16 columns at `half` this invocation decodes in every round. */
export function stagedRow(gated: boolean): string[] {
  const head = [`let staged = local % ${tileRows}u;`, `let half = local / ${tileRows}u;`];
  if (!gated) {
    return [
      ...head,
      'let sm = m;',
      'let sRow = min(firstRow + staged, rows - 1u);',
      'let record = recordOf(sm, place);',
    ];
  }
  return [
    ...head,
    `let isUp = staged >= ${tileRows / 2}u;`,
    'let sm = select(m, p.upMatrix, isUp);',
    `let sRow = min(firstRow + staged % ${tileRows / 2}u, rows - 1u) + select(0u, p.upRow, isUp);`,
    'let record = recordOf(sm, place);',
  ];
}

/** 16 columns of a row, from whole chunks or from half of one. */
export function stageChunks(kind: ChunkedKind): string[] {
  const chunksPerHalf = kind.kind === 'codes' ? kind.bits / 8 : kind.dtype === 'F32' ? 4 : 2;
  const to = (at: string, value: string): string => `wTile[staged * ${stride}u + ${at}] = ${value};`;
  const finish = (value: string): string => {
    if (kind.kind === 'plain') return value;
    if (kind.shift === 'bytes') return `(${value} - vec4<f32>(shift)) * scale`;
    return kind.shift === null ? `${value} * scale` : `${value} * scale + vec4<f32>(shift)`;
  };
  const values = (c: string): string[] =>
    kind.kind === 'plain'
      ? []
      : [
          `let block = ${blockOfChunk(kind, 'sRow', c)};`,
          'let scale = scaleOf(sm, record, block);',
          ...(kind.shift === null ? [] : ['let shift = shiftOf(sm, record, block);']),
        ];

  if (chunksPerHalf === 0.5) {
    // words 2 half and 2 half + 1 of a chunk of 32 codes
    const split = kind.kind === 'codes' && kind.order === 'splitHalves';
    const { prelude, pieces } = chunkPieces(kind, 'mine', 'w');
    return [
      'let c = k0 / 32u;',
      'let chunk = chunks[record + sRow * p.chunks + c];',
      'let mine = select(chunk, chunk.zwzw, half == 1u);',
      ...values('c'),
      ...overWords(2, [
        ...prelude,
        ...pieces.map(({ at, value }) => to(`${at} + half * ${split ? 2 : 4}u`, finish(value))),
      ]),
    ];
  }
  const perChunk = 4 / chunksPerHalf;
  const { words, prelude, pieces } = chunkPieces(kind, 'chunk', 'w');
  const stageChunk = [
    `let c = k0 / ${4 * perChunk}u + half * ${chunksPerHalf}u + n;`,
    'let chunk = chunks[record + sRow * p.chunks + c];',
    ...values('c'),
    ...overWords(words, [
      ...prelude,
      ...pieces.map(({ at, value }) => to(`half * 4u + n * ${perChunk}u + ${at}`, finish(value))),
    ]),
  ];
  return [
    `for (var n = 0u; n < ${chunksPerHalf}u; n += 1u) {`,
    ...stageChunk.map((line) => `  ${line}`),
    '}',
  ];
}

export function stageElements(): string[] {
  return [
    'for (var v = 0u; v < 4u; v += 1u) {',
    '  var four = vec4<f32>();',
    '  for (var e = 0u; e < 4u; e += 1u) {',
    '    let k = k0 + half * 16u + v * 4u + e;',
    '    if (k < p.columns) { four[e] = value(sm, record, sRow, k); }',
    '  }',
    `  wTile[staged * ${stride}u + half * 4u + v] = four;`,
    '}',
  ];
}

export function stageX(fast: boolean, use: 'dense' | 'assignments'): string[] {
  const row = use === 'dense' ? 'targets[token]' : 'targets[token] / p.assignmentsPerRow';
  return [
    `for (var i = local; i < ${tileTokens * vectors}u; i += ${workgroupSize}u) {`,
    `  let token = i / ${vectors}u;`,
    `  let v = i % ${vectors}u;`,
    '  var four = vec4<f32>();',
    '  if (token < count) {',
    `    let row = ${row};`,
    ...(fast
      ? ['    four = x[(row * p.columns + k0) / 4u + v];']
      : [
          '    for (var e = 0u; e < 4u; e += 1u) {',
          '      let k = k0 + v * 4u + e;',
          '      if (k < p.columns) { four[e] = x[row * p.columns + k]; }',
          '    }',
        ]),
    '  }',
    `  xTile[token * ${stride}u + v] = four;`,
    '}',
  ];
}
