// Matrix times matrix, for prefill: a workgroup decodes 32 columns of 64 rows into workgroup memory once and multiplies
// them with 32 rows of activations; every invocation owns 4 rows and 4 tokens in registers.
//
//   dense           y[t] = W x[t]                               with bias, gate and residuals
//   assignments           y[s] = W_e x[s]                             a tile has assignments of one expert, from the plan
//   gated           h = act(W_gate x) * (W_up x)                either; 32 rows of each
//   ungated         h = act(W_up x)                             either
//
// Every W x has its bias added where the weight has one.
//
// Shapes: T tokens, N rows, K columns, S assignments.
import { type Activation, activationName } from '@moeq/kernels';
import { activationFunctions } from './activation.js';
import { epilogueFields, epilogueFunctions, extraStorage, residualStorage } from './epilogue.js';
import type { MatrixKind } from './matrix-kind.js';
import { kindName } from './matrix-kind.js';
import type { Kernel, StorageBinding } from './shader.js';
import { lines, makeKernel } from './shader.js';
import {
  stageChunks,
  stagedRow,
  stageElements,
  stageX,
  stride,
  tileRows,
  tileTokens,
  vectors,
  workgroupSize,
} from './tile-stage.js';
import { absent, fillTable, tableSize, weightFields, weightFunctions, weightStorage } from './weight.js';

export interface TileOptions {
  readonly kind: MatrixKind;
  readonly use: 'dense' | 'assignments';
  /** Of the input side of an MLP; null: rows as they are. */
  readonly activation: Activation | null;
}

const tileFields = {
  ...weightFields,
  ...epilogueFields,
  tokens: 'u32',
  /** Assignments that share a row of x: A where x is by token, 1 where it is by assignment. */
  assignmentsPerRow: 'u32',
  upMatrix: 'u32',
  upRow: 'u32',
} as const;

export type TileKernel = Kernel<typeof tileFields>;

/** Rows 16 i + tx and tokens 4 ty + j are an invocation's own: 16 sums, a vector of four tokens for each row. */
const ownRows = [0, 1, 2, 3];
const ownTokens = [0, 1, 2, 3];

/** Rows (or pairs of rows) of the output that a workgroup computes. */
export function tileOutputs(gated: boolean): number {
  return gated ? tileRows / 2 : tileRows;
}

/** Whole rounds of whole chunks; else element by element. */
function isFast(kind: MatrixKind, columns32: boolean): boolean {
  return kind.fast && columns32;
}

function tileStorage({ use, activation }: TileOptions, fast: boolean): StorageBinding[] {
  return [
    { name: 'x', access: 'read', type: fast ? 'array<vec4<f32>>' : 'array<f32>' },
    { name: 'out', access: 'write', type: 'array<f32>' },
    ...(use === 'assignments' ? [{ name: 'plan', access: 'read', type: 'array<u32>' } as const] : []),
    ...(use === 'dense' && activation === null ? [extraStorage, ...residualStorage] : []),
  ];
}

/** @param columns32 the rows of the matrix are whole rounds of 32 columns */
export function tileKernel(options: TileOptions, columns32: boolean): TileKernel {
  const { kind, use, activation } = options;
  const gated = activation?.gated ?? false;
  const name = activation === null ? '' : ` ${activationName(activation)}`;
  const fast = isFast(kind, columns32);
  return makeKernel({
    label: `tile ${use}${name}${fast ? '' : ' any columns'}, ${kindName(kind)}`,
    fields: tileFields,
    matrices: true,
    storage: [...weightStorage, ...tileStorage(options, fast)],
    workgroupSize,
    declarations: [
      ...weightFunctions(kind),
      `var<workgroup> wTile: array<vec4<f32>, ${tileRows * stride}>;`,
      `var<workgroup> xTile: array<vec4<f32>, ${tileTokens * stride}>;`,
      `var<workgroup> targets: array<u32, ${tileTokens}>;`,
      ...(activation !== null ? activationFunctions(activation) : use === 'dense' ? epilogueFunctions : []),
    ],
    main: lines(
      ...tileTargets(use),
      'var m = 0u;',
      'while (m + 1u < p.parts && workgroup.x >= p.matrices[m + 1u].firstTile) { m += 1u; }',
      'let rows = p.matrices[m].rows;',
      `let firstRow = (workgroup.x - p.matrices[m].firstTile) * ${tileOutputs(gated)}u;`,
      ...fillTable(kind, workgroupSize),
      ...(tableSize(kind) > 0 ? ['workgroupBarrier();'] : []),
      ...stagedRow(gated),
      ...ownRows.map((i) => `var sum${i} = vec4<f32>();`),
      `for (var k0 = 0u; k0 < p.columns; k0 += ${4 * vectors}u) {`,
      ...(fast && kind.kind !== 'custom' ? stageChunks(kind) : stageElements()).map((line) => `  ${line}`),
      ...stageX(fast, use).map((line) => `  ${line}`),
      '  workgroupBarrier();',
      `  for (var k = 0u; k < ${vectors}u; k += 1u) {`,
      ...ownTokens.map((j) => `    let x${j} = xTile[(4u * ty + ${j}u) * ${stride}u + k];`),
      ...ownRows.flatMap((i) => [
        `    let w${i} = wTile[(tx + ${16 * i}u) * ${stride}u + k];`,
        `    sum${i} += vec4<f32>(${ownTokens.map((j) => `dot(w${i}, x${j})`).join(', ')});`,
      ]),
      '  }',
      '  workgroupBarrier();',
      '}',
      ...storeSums(options),
    ),
  });
}

/** Which rows of x a tile reads and which rows of the output it writes: the same, but for assignments of one token. */
function tileTargets(use: 'dense' | 'assignments'): string[] {
  const own = ['let tx = local % 16u;', 'let ty = local / 16u;'];
  if (use === 'dense') {
    return [
      ...own,
      'let place = 0u;',
      `let count = min(p.tokens - min(p.tokens, workgroup.y * ${tileTokens}u), ${tileTokens}u);`,
      `if (local < ${tileTokens}u) { targets[local] = workgroup.y * ${tileTokens}u + local; }`,
      'workgroupBarrier();',
    ];
  }
  return [
    ...own,
    'let count = plan[workgroup.y * 4u + 2u];',
    'if (count == 0u) { return; }',
    'let place = placeOf(plan[workgroup.y * 4u]);',
    `if (place == ${absent}) { return; }`,
    'let firstAssignment = plan[workgroup.y * 4u + 1u];',
    'if (local < count) { targets[local] = plan[firstAssignment + local]; }',
    'workgroupBarrier();',
  ];
}

/** Sums go through workgroup memory, so that neighbours store neighbouring rows of one token. */
function storeSums({ use, activation }: TileOptions): string[] {
  const gated = activation?.gated ?? false;
  const outputs = tileOutputs(gated);
  const total = (row: string): string => `wTile[(${row}) * ${stride}u + t / 4u][t % 4u]`;
  const bias = (matrix: string, row: string): string =>
    `biasOf(${matrix}, recordOf(${matrix}, place), ${row})`;
  const sum = `${total('r')} + ${bias('m', 'firstRow + r')}`;
  const up = `${total(`r + ${outputs}u`)} + ${bias('p.upMatrix', 'p.upRow + firstRow + r')}`;
  const at = 'out[row * p.outColumns + p.matrices[m].firstRow + firstRow + r]';
  const store = (() => {
    if (activation !== null) return `${at} = inner(${gated ? `${sum}, ${up}` : sum});`;
    return use === 'dense' ? `store(row, p.matrices[m].firstRow + firstRow + r, ${sum});` : `${at} = ${sum};`;
  })();
  return [
    ...ownRows.map((i) => `wTile[(tx + ${16 * i}u) * ${stride}u + ty] = sum${i};`),
    'workgroupBarrier();',
    `for (var i = local; i < ${tileTokens * outputs}u; i += ${workgroupSize}u) {`,
    `  let t = i / ${outputs}u;`,
    `  let r = i % ${outputs}u;`,
    '  if (t < count && firstRow + r < rows) {',
    '    let row = targets[t];',
    `    ${store}`,
    '  }',
    '}',
  ];
}
