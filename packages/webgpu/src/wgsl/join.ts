// Combines the ranges of keys of a row: values and sums are scaled to the largest maximum (flash decoding).
//
// Shapes: T tokens, H heads, CV value dimension.
import { type GateShape, gateDeclarations, gateFields, gateName, timesGate } from './gate.js';
import { vectorsOf } from './prepare.js';
import type { Fields } from './shader.js';
import { lines, makeKernel } from './shader.js';

const joinFields = {
  heads: 'u32',
  /** Word of `tables`: rows of (first partial row, ranges, partial rows from range to range, row of the result). */
  joins: 'u32',
  ...gateFields,
} as const satisfies Fields;

/** Words of a row's entry in `tables`. */
export const joinWords = 4;

/** Joins the ranges of keys of one head of one row, and multiplies by its gate. */
export function joinKernel(valueDim: number, gate: GateShape) {
  const v = vectorsOf(valueDim);
  const size = 64;
  return makeKernel({
    label: `join ranges ${valueDim}${gateName(gate)}`,
    fields: joinFields,
    storage: [
      { name: 'ranges', access: 'read', type: 'array<vec4<f32>>' },
      { name: 'tables', access: 'read', type: 'array<u32>' },
      { name: 'out', access: 'write', type: 'array<f32>' },
      ...(gate === null ? [] : [{ name: 'qkv', access: 'read', type: 'array<f32>' } as const]),
    ],
    workgroupSize: size,
    declarations: gateDeclarations(gate),
    main: lines(
      `let entry = p.joins + workgroup.y * ${joinWords}u;`,
      `let step = tables[entry + 2u] * p.heads * ${v + 1}u;`,
      `let first = (tables[entry] * p.heads + workgroup.x) * ${v + 1}u;`,
      'let count = tables[entry + 1u];',
      'let row = tables[entry + 3u];',
      'var highest = -1e30;',
      `for (var i = 0u; i < count; i += 1u) { highest = max(highest, ranges[first + i * step + ${v}u].x); }`,
      'var sum = 0.0;',
      'for (var i = 0u; i < count; i += 1u) {',
      `  let state = ranges[first + i * step + ${v}u];`,
      '  sum += state.y * exp(state.x - highest);',
      '}',
      `for (var d = local; d < ${v}u; d += ${size}u) {`,
      '  var value = vec4<f32>();',
      '  for (var i = 0u; i < count; i += 1u) {',
      `    value += ranges[first + i * step + d] * exp(ranges[first + i * step + ${v}u].x - highest);`,
      '  }',
      `  for (var e = 0u; e < 4u && 4u * d + e < ${valueDim}u; e += 1u) {`,
      `    out[(row * p.heads + workgroup.x) * ${valueDim}u + 4u * d + e] = value[e] / sum${timesGate(gate, 'row', 'workgroup.x', '4u * d + e')};`,
      '  }',
      '}',
    ),
  });
}
