// Small kernels on rows of activations: embedding, norm, sum, selection, activation. One row is a workgroup's work, or a
// part of it where rows are long.
//
// Shapes: T tokens, D columns, F intermediate.
import { type Activation, activationName } from '@moeq/kernels';
import { activationFunctions } from './activation.js';
import type { MatrixKind } from './matrix-kind.js';
import { kindName } from './matrix-kind.js';
import { lines, makeKernel } from './shader.js';
import { fillTable, tableSize, weightFields, weightFunctions, weightStorage } from './weight.js';

const workgroupSize = 64;

/** Elements of a row that one workgroup takes in element-wise kernels. */
export const elementsPerWorkgroup = 256;

/** Body of a kernel on the elements `c` of a row that a workgroup has, 64 at a time. */
export const forElements = (columns: string, body: readonly string[]): string[] => [
  `let end = min((workgroup.x + 1u) * ${elementsPerWorkgroup}u, ${columns});`,
  `for (var c = workgroup.x * ${elementsPerWorkgroup}u + local; c < end; c += ${workgroupSize}u) {`,
  ...body.map((line) => `  ${line}`),
  '}',
];

/** out[t] = scale * table[ids[t]]; ids are words of `tables` from `ids` on. Rows of other buffers are left alone. */
export function embedKernel(kind: MatrixKind) {
  return makeKernel({
    label: `embed, ${kindName(kind)}`,
    fields: { ...weightFields, ids: 'u32', scale: 'f32' },
    matrices: true,
    storage: [
      ...weightStorage,
      { name: 'tables', access: 'read', type: 'array<u32>' },
      { name: 'out', access: 'write', type: 'array<f32>' },
    ],
    workgroupSize,
    declarations: weightFunctions(kind),
    main: lines(
      ...fillTable(kind, workgroupSize),
      ...(tableSize(kind) > 0 ? ['workgroupBarrier();'] : []),
      'let id = tables[p.ids + workgroup.y];',
      'for (var m = 0u; m < p.parts; m += 1u) {',
      '  let row = id - p.matrices[m].firstRow;',
      '  if (row < p.matrices[m].rows) {',
      ...forElements('p.columns', [
        'out[workgroup.y * p.columns + c] = p.scale * value(m, recordOf(m, 0u), row, c);',
      ]).map((line) => `    ${line}`),
      '  }',
      '}',
    ),
  });
}

/**
 * out[t, g] = c * inverseSqrt(mean(c²) + epsilon) * weight[g] + bias[g], of each group g of `columns` from column `first` of
 * rows of `stride` on.
 * Where `added`, out is scale times that plus otherScale * other.
 * @param centred whether c is x[t, g] - mean(x[t, g]), else x[t, g]
 */
export function normKernel(centred: boolean, biased: boolean, added: boolean) {
  const value = centred ? '(x[first + c] - mean)' : 'x[first + c]';
  const meet = [
    'workgroupBarrier();',
    'for (var step = 64u; step > 0u; step >>= 1u) {',
    '  if (local < step) { sums[local] += sums[local + step]; }',
    '  workgroupBarrier();',
    '}',
  ];
  const mean = [
    'var total = 0.0;',
    'for (var c = local; c < p.columns; c += 128u) { total += x[first + c]; }',
    'sums[local] = total;',
    ...meet,
    'let mean = sums[0] / f32(p.columns);',
    'workgroupBarrier();',
  ];
  return makeKernel({
    label: `${centred ? 'layer' : 'rms'} norm${biased ? ' with bias' : ''}${added ? ', added' : ''}`,
    fields: {
      ...({ columns: 'u32', stride: 'u32', first: 'u32', groups: 'u32', epsilon: 'f32' } as const),
      ...({ scale: 'f32', otherScale: 'f32' } as const),
    },
    storage: [
      { name: 'x', access: 'read', type: 'array<f32>' },
      { name: 'weight', access: 'read', type: 'array<f32>' },
      ...(biased ? [{ name: 'bias', access: 'read', type: 'array<f32>' } as const] : []),
      ...(added ? [{ name: 'other', access: 'read', type: 'array<f32>' } as const] : []),
      { name: 'out', access: 'write', type: 'array<f32>' },
    ],
    workgroupSize: 128,
    mergeable: true,
    declarations: ['var<workgroup> sums: array<f32, 128>;'],
    main: lines(
      'let own = workgroup.y * p.columns;',
      'let first = workgroup.x * p.stride + p.first + own;',
      'let place = workgroup.x * p.groups * p.columns + own;',
      ...(centred ? mean : []),
      'var sum = 0.0;',
      `for (var c = local; c < p.columns; c += 128u) { sum += ${value} * ${value}; }`,
      'sums[local] = sum;',
      ...meet,
      'let root = inverseSqrt(sums[0] / f32(p.columns) + p.epsilon);',
      'for (var c = local; c < p.columns; c += 128u) {',
      `  let v = ${value} * root * weight[own + c]${biased ? ' + bias[own + c]' : ''};`,
      `  out[place + c] = ${added ? 'p.scale * v + p.otherScale * other[place + c]' : 'v'};`,
      '}',
    ),
  });
}

/** out = a + scale * b, element by element. */
export function addKernel() {
  return makeKernel({
    label: 'add',
    fields: { columns: 'u32', scale: 'f32' },
    storage: [
      { name: 'a', access: 'read', type: 'array<f32>' },
      { name: 'b', access: 'read', type: 'array<f32>' },
      { name: 'out', access: 'write', type: 'array<f32>' },
    ],
    workgroupSize,
    declarations: [],
    main: lines(
      'let first = workgroup.y * p.columns;',
      ...forElements('p.columns', ['out[first + c] = a[first + c] + p.scale * b[first + c];']),
    ),
  });
}

/** out[r] = x[rows[r]]; row indices are words of `tables` from `rows` on. */
export function selectKernel() {
  return makeKernel({
    label: 'select rows',
    fields: { columns: 'u32', rows: 'u32' },
    storage: [
      { name: 'x', access: 'read', type: 'array<f32>' },
      { name: 'tables', access: 'read', type: 'array<u32>' },
      { name: 'out', access: 'write', type: 'array<f32>' },
    ],
    workgroupSize,
    declarations: [],
    main: lines(
      'let source = tables[p.rows + workgroup.y] * p.columns;',
      ...forElements('p.columns', ['out[workgroup.y * p.columns + c] = x[source + c];']),
    ),
  });
}

/**
 * out[t, f] = act(gates[t, f]) * ups[t, upFirst + f], of a gated activation: where gate and up could not be multiplied in one
 * kernel, or are there already. `columns` is F; rows of gates and ups are `gateStride` and `upStride` wide, and may be the same.
 */
export function activateKernel(activation: Activation) {
  return makeKernel({
    label: `activate ${activationName(activation)}`,
    fields: { columns: 'u32', gateStride: 'u32', upStride: 'u32', upFirst: 'u32' },
    storage: [
      { name: 'gates', access: 'read', type: 'array<f32>' },
      { name: 'ups', access: 'read', type: 'array<f32>' },
      { name: 'out', access: 'write', type: 'array<f32>' },
    ],
    workgroupSize,
    declarations: activationFunctions(activation),
    main: lines(
      'let gate = workgroup.y * p.gateStride;',
      'let up = workgroup.y * p.upStride + p.upFirst;',
      ...forElements('p.columns', [
        'out[workgroup.y * p.columns + c] = inner(gates[gate + c], ups[up + c]);',
      ]),
    ),
  });
}
