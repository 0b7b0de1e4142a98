// Matrix times vector, for decoding: few tokens, bound by the reading of weights. `lanes` neighbours share a set of rows
// and stride over its chunks, so that a subgroup reads consecutive 16-byte words; sums are combined in the end.
//
//   dense     y[t] = W x[t]                                     with a norm of x, a bias, gate and residuals
//   gated     h[t] = act(W_gate x[t]) * (W_up x[t])             dense, or of assignment s = (t, a) by expert
//   ungated   h[t] = act(W_up x[t])                             the same
//   assignments     y[s] = W_e h[s]                                   of assignment s by expert
//   sum       y[t] = Σ_a weight[t, a] W_e h[t, a]               chunks of all A assignments of a token as one long row
//
// Every W x has its bias added where the weight has one. The norm needs no pass of its own: Σ w g x and Σ x² are summed
// together, and the root is taken last.
//
// Shapes: T tokens, N rows, K columns, S = T * A assignments.
import { type Activation, activationName } from '@moeq/kernels';
import { activationFunctions } from './activation.js';
import { dotLoop, type VectorUse } from './dot.js';
import {
  epilogueFields,
  epilogueFunctions,
  extraStorage,
  residualFunction,
  residualStorage,
} from './epilogue.js';
import type { MatrixKind } from './matrix-kind.js';
import { kindName } from './matrix-kind.js';
import { mostLanes, reduction } from './reduce.js';
import type { Kernel, StorageBinding } from './shader.js';
import { lines, makeKernel } from './shader.js';
import { absent, fillTable, weightFields, weightFunctions, weightStorage } from './weight.js';

export interface VectorOptions {
  readonly kind: MatrixKind;
  readonly use: VectorUse;
  /** Of the input side of an MLP; null: rows as they are. */
  readonly activation: Activation | null;
  readonly normed: boolean;
  /** Tokens that one workgroup takes at a time; 1 but for dense. */
  readonly tokens: number;
  readonly subgroups: boolean;
}

const vectorFields = {
  ...weightFields,
  ...epilogueFields,
  /** Invocations that share rows: a power of two, at most `mostLanes`. */
  lanes: 'u32',
  /** T */
  tokens: 'u32',
  /** A; 1 for dense */
  expertsPerToken: 'u32',
  /** Words from the expert indices of a routing to its weights. */
  routingWeights: 'u32',
  /** Where the row of `up` lies that belongs to row 0 of `gate`: matrix and row. */
  upMatrix: 'u32',
  upRow: 'u32',
  epsilon: 'f32',
  /** Rows of the activations go to every assignment of a token (1) or each assignment has its own (0). */
  sharedRows: 'u32',
  /** Not the first buffer of experts: add to what is there. */
  accumulate: 'u32',
  accumulateScale: 'f32',
} as const;

export type VectorKernel = Kernel<typeof vectorFields>;

/** Invocations of a workgroup. */
const workgroupSize = 64;

/** Rows (pairs of rows when gated) that a set of lanes takes. */
const rowsOf = (gated: boolean): number => (gated ? 2 : 4);

/** Rows (or pairs) of the output that a workgroup computes. */
export function vectorRows(gated: boolean, lanes: number): number {
  return (workgroupSize / lanes) * rowsOf(gated);
}

/** Lanes that keep busy on rows of so many chunks: most of them busy in every round, more rather than fewer. */
export function vectorLanes(chunks: number): number {
  let best = 4;
  for (let lanes = 4; lanes <= mostLanes; lanes *= 2) {
    const busy = (each: number): number => chunks / (Math.ceil(chunks / each) * each);
    if (busy(lanes) >= busy(best) - 0.01) best = lanes;
  }
  return best;
}

/** Storage bindings after those of the weight, in order. */
function vectorStorage({ kind, use, activation, normed }: VectorOptions): StorageBinding[] {
  const activations = kind.fast ? 'array<vec4<f32>>' : 'array<f32>';
  return [
    { name: 'x', access: 'read', type: activations },
    { name: 'out', access: 'write', type: 'array<f32>' },
    ...(normed ? [{ name: 'norm', access: 'read', type: activations } as const] : []),
    ...(use === 'dense' ? [] : [{ name: 'routing', access: 'read', type: 'array<u32>' } as const]),
    ...(use === 'dense' && activation === null ? [extraStorage] : []),
    ...((use === 'dense' || use === 'sum') && activation === null ? residualStorage : []),
  ];
}

export function vectorKernel(options: VectorOptions): VectorKernel {
  const { kind, use, activation, normed, tokens, subgroups } = options;
  const gated = activation?.gated ?? false;
  const rows = rowsOf(gated);
  const sets = gated ? 2 : 1;
  const name = activation === null ? '' : ` ${activationName(activation)}`;
  const dots = dotLoop({ kind, use, sets, rows, tokens, normed });
  const { declarations, statements } = reduction({ names: dots.accumulators, workgroupSize, subgroups });

  return makeKernel({
    label: `vector ${use}${name}${normed ? ' normed' : ''} x${tokens}, ${kindName(kind)}${subgroups ? ', subgroups' : ''}`,
    fields: vectorFields,
    matrices: true,
    storage: [...weightStorage, ...vectorStorage(options)],
    workgroupSize,
    subgroups,
    mergeable: true,
    declarations: [
      ...weightFunctions(kind),
      ...declarations,
      ...(activation !== null
        ? activationFunctions(activation)
        : use === 'dense'
          ? epilogueFunctions
          : use === 'sum'
            ? [residualFunction]
            : []),
    ],
    main: lines(
      'let lane = local % p.lanes;',
      'let group = local / p.lanes;',
      `let perWorkgroup = ${workgroupSize * rows}u / p.lanes;`,
      ...place(use, tokens),
      'var m = 0u;',
      'while (m + 1u < p.parts && workgroup.x >= p.matrices[m + 1u].firstTile) { m += 1u; }',
      'let rows = p.matrices[m].rows;',
      'let tileRow = (workgroup.x - p.matrices[m].firstTile) * perWorkgroup;',
      `let firstRow = tileRow + group * ${rows}u;`,
      ...(use === 'sum' ? [] : [`let record = recordOf(m, ${use === 'dense' ? '0u' : 'place'});`]),
      ...(!gated ? [] : [`let upRecord = recordOf(p.upMatrix, ${use === 'dense' ? '0u' : 'place'});`]),
      ...fillTable(kind, workgroupSize),
      ...(kind.kind === 'codes' && kind.decode === 'codebook' ? ['workgroupBarrier();'] : []),
      ...dots.statements,
      ...statements,
      `for (var i = local; i < perWorkgroup * ${tokens}u; i += ${workgroupSize}u) {`,
      `  let g = i / ${rows * tokens}u;`,
      `  let n = i % ${rows * tokens}u;`,
      `  let row = tileRow + g * ${rows}u + n / ${tokens}u;`,
      `  let token = firstToken + n % ${tokens}u;`,
      `  if (row < rows && token < ${use === 'assignments' ? 'p.tokens * p.expertsPerToken' : 'p.tokens'}) {`,
      ...finish(options, rows * tokens).map((line) => `    ${line}`),
      '  }',
      '}',
    ),
  });
}

/** Which tokens, assignments and experts a workgroup is for. */
function place(use: VectorUse, tokens: number): string[] {
  if (use !== 'assignments') return [`let firstToken = workgroup.y * ${tokens}u;`];
  return [
    'let firstToken = workgroup.y;',
    'let place = placeOf(routing[firstToken]);',
    `if (place == ${absent}) { return; }`,
  ];
}

function finish({ use, activation, normed, tokens }: VectorOptions, sums: number): string[] {
  const gated = activation?.gated ?? false;
  const root = normed
    ? [
        `let root = inverseSqrt(total(g, ${sums * (gated ? 2 : 1)}u + n % ${tokens}u) / f32(p.columns) + p.epsilon);`,
      ]
    : [];
  const times = normed ? ' * root' : '';
  const sum = `total(g, n)${times} + biasOf(m, record, row)`;
  if (gated) {
    const up = `total(g, ${sums}u + n)${times} + biasOf(p.upMatrix, upRecord, p.upRow + row)`;
    return [...root, `out[token * p.outColumns + row] = inner(${sum}, ${up});`];
  }
  const at = 'let at = token * p.outColumns + p.matrices[m].firstRow + row;';
  if (activation !== null) return [...root, at, `out[at] = inner(${sum});`];
  if (use === 'dense') return [...root, `store(token, p.matrices[m].firstRow + row, ${sum});`];
  if (use === 'assignments') return [...root, at, `out[at] = ${sum};`];
  return [
    at,
    'var value = total(g, n);',
    'if (p.matrices[m].bias != 0u) {',
    '  for (var a = 0u; a < p.expertsPerToken; a += 1u) {',
    '    let assignment = token * p.expertsPerToken + a;',
    '    let place = placeOf(routing[assignment]);',
    `    if (place == ${absent}) { continue; }`,
    '    value += bitcast<f32>(routing[p.routingWeights + assignment]) * biasOf(m, recordOf(m, place), row);',
    '  }',
    '}',
    'if (p.accumulate == 1u) { out[at] += p.accumulateScale * value; }',
    'else { out[at] = withResiduals(at, value); }',
  ];
}
