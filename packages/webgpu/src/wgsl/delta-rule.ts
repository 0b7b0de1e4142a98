// The gated delta rule over states in slots, token after token. A workgroup has one head of one sequence: its invocations share
// the columns of the state and, where these are few, its rows. The state before the first token is read at one slot, each
// one after that is written to another; an invocation reads only what it has written itself.
//
// Shapes: T tokens, H heads, HK key heads, C key dimension, CV value dimension.
import type { DeltaRuleSpec } from '@moeq/kernels';
import type { Fields } from './shader.js';
import { lines, makeKernel } from './shader.js';

export type DeltaRuleShape = Pick<DeltaRuleSpec, 'keyDim' | 'valueDim' | 'decayPer' | 'gate'>;

export const deltaRuleName = ({ keyDim, valueDim, decayPer, gate }: DeltaRuleShape): string =>
  `delta rule ${keyDim} x ${valueDim}, a decay a ${decayPer}, ${gate}`;

/** As many as every device has in a workgroup. */
const size = 256;

const fields = {
  heads: 'u32',
  keyHeads: 'u32',
  /** Word of `tables`: segments of (first row, tokens, slots from (all bits: none) and to). */
  segments: 'u32',
  betaColumns: 'u32',
  betaAt: 'u32',
  betaStride: 'u32',
  decayColumns: 'u32',
  decayAt: 'u32',
  decayStride: 'u32',
  gateColumns: 'u32',
  gateAt: 'u32',
  gateStride: 'u32',
  epsilon: 'f32',
} as const satisfies Fields;

/** Adds up `sums` of all invocations. */
const meet = [
  'workgroupBarrier();',
  `for (var step = ${size / 2}u; step > 0u; step >>= 1u) {`,
  '  if (local < step) { sums[local] += sums[local + step]; }',
  '  workgroupBarrier();',
  '}',
];

export function deltaRuleKernel(shape: DeltaRuleShape) {
  const { keyDim, valueDim, decayPer, gate } = shape;
  const decays = decayPer === 'head' ? 1 : keyDim;
  /** Invocations that have a column each, and the sets of rows that others beside them have. */
  const lanes = Math.min(size, 2 ** Math.ceil(Math.log2(valueDim)));
  const subsets = size / lanes;
  const forRows = (body: readonly string[]) => [
    `for (var i = subset; i < ${keyDim}u; i += ${subsets}u) {`,
    `  let at = i * ${valueDim}u + j;`,
    ...body.map((line) => `  ${line}`),
    '}',
  ];
  const overSubsets = (name: string) => [
    `partial[local] = ${name};`,
    'workgroupBarrier();',
    `${name} = 0.0;`,
    `for (var s = 0u; s < ${subsets}u; s += 1u) { ${name} += partial[s * ${lanes}u + lane]; }`,
    'workgroupBarrier();',
  ];
  const before = 'select(states[before + at], 0.0, empty)';
  return makeKernel({
    label: deltaRuleName(shape),
    fields,
    storage: [
      { name: 'qkv', access: 'read', type: 'array<f32>' },
      { name: 'beta', access: 'read', type: 'array<f32>' },
      { name: 'decay', access: 'read', type: 'array<f32>' },
      { name: 'gate', access: 'read', type: 'array<f32>' },
      { name: 'weights', access: 'read', type: 'array<f32>' },
      { name: 'states', access: 'write', type: 'array<f32>' },
      { name: 'tables', access: 'read', type: 'array<u32>' },
      { name: 'out', access: 'write', type: 'array<f32>' },
    ],
    workgroupSize: size,
    declarations: [
      `var<workgroup> query: array<f32, ${keyDim}>;`,
      `var<workgroup> key: array<f32, ${keyDim}>;`,
      `var<workgroup> factors: array<f32, ${keyDim}>;`,
      `var<workgroup> found: array<f32, ${valueDim}>;`,
      `var<workgroup> partial: array<f32, ${size}>;`,
      `var<workgroup> sums: array<vec2<f32>, ${size}>;`,
      'fn softplus(x: f32) -> f32 { return max(x, 0.0) + log(1.0 + exp(-abs(x))); }',
    ],
    main: lines(
      'let head = workgroup.x;',
      'let group = p.heads / p.keyHeads;',
      'let keyHead = head / group;',
      'let member = head % group;',
      'let entry = p.segments + 4u * workgroup.y;',
      'let first = tables[entry];',
      'let count = tables[entry + 1u];',
      'let slot = tables[entry + 2u];',
      `let state = (tables[entry + 3u] * p.heads + head) * ${keyDim * valueDim}u;`,
      `let columns = 2u * p.keyHeads * ${keyDim}u + p.heads * ${valueDim}u;`,
      `let bias = p.heads + head * ${decays}u;`,
      `let norm = p.heads * ${decays + 1}u;`,
      'let rate = exp(weights[head]);',
      `let lane = local % ${lanes}u;`,
      `let subset = local / ${lanes}u;`,
      'var empty = slot == 0xffffffffu;',
      `var before = select((slot * p.heads + head) * ${keyDim * valueDim}u, 0u, empty);`,
      'for (var t = 0u; t < count; t += 1u) {',
      ...[
        'let row = first + t;',
        'let start = row * columns;',
        'var squares = vec2<f32>();',
        `for (var i = local; i < ${keyDim}u; i += ${size}u) {`,
        `  let q = qkv[start + keyHead * ${keyDim}u + i];`,
        `  let k = qkv[start + (p.keyHeads + keyHead) * ${keyDim}u + i];`,
        '  query[i] = q;',
        '  key[i] = k;',
        '  squares += vec2<f32>(q * q, k * k);',
        `  let own = ${decays === 1 ? '0u' : 'i'};`,
        `  let x = decay[row * p.decayColumns + p.decayAt + keyHead * p.decayStride + member * ${decays}u + own];`,
        '  factors[i] = exp(-rate * softplus(x + weights[bias + own]));',
        '}',
        'sums[local] = squares;',
        ...meet,
        `let queryScale = inverseSqrt(sums[0].x + 1e-6) * ${keyDim ** -0.5};`,
        'let keyScale = inverseSqrt(sums[0].y + 1e-6);',
        'let strength = 1.0 / (1.0 + exp(-beta[row * p.betaColumns + p.betaAt + keyHead * p.betaStride + member]));',
        'var square = 0.0;',
        `for (var block = 0u; block < ${valueDim}u; block += ${lanes}u) {`,
        '  let j = block + lane;',
        `  let own = j < ${valueDim}u;`,
        '  var known = 0.0;',
        '  if (own) {',
        ...forRows([`known += key[i] * keyScale * (factors[i] * ${before});`]).map((line) => `    ${line}`),
        '  }',
        ...overSubsets('known').map((line) => `  ${line}`),
        '  var answer = 0.0;',
        '  if (own) {',
        `    let value = qkv[start + 2u * p.keyHeads * ${keyDim}u + head * ${valueDim}u + j];`,
        '    let change = strength * (value - known);',
        ...forRows([
          `let next = factors[i] * ${before} + key[i] * keyScale * change;`,
          'states[state + at] = next;',
          'answer += query[i] * queryScale * next;',
        ]).map((line) => `    ${line}`),
        '  }',
        ...overSubsets('answer').map((line) => `  ${line}`),
        '  if (own && subset == 0u) {',
        '    found[j] = answer;',
        '    square += answer * answer;',
        '  }',
        '}',
        'sums[local] = vec2<f32>(square, 0.0);',
        ...meet,
        `let root = inverseSqrt(sums[0].x / ${valueDim}.0 + p.epsilon);`,
        `for (var j = local; j < ${valueDim}u; j += ${size}u) {`,
        `  let z = gate[row * p.gateColumns + p.gateAt + keyHead * p.gateStride + member * ${valueDim}u + j];`,
        `  let factor = ${gate === 'silu' ? 'z' : '1.0'} / (1.0 + exp(-z));`,
        `  out[(row * p.heads + head) * ${valueDim}u + j] = found[j] * root * weights[norm + j] * factor;`,
        '}',
        'empty = false;',
        'before = state;',
        'workgroupBarrier();',
      ].map((line) => `  ${line}`),
      '}',
    ),
  });
}
