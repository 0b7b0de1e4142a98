// out[t] = Σ_a weight[t, a] * y[t, a], then the residuals: the outputs of the routed experts, combined by token.
//
// Shapes: T tokens, A experts per token, D hidden.
import { residualFunction, residualStorage } from './epilogue.js';
import { elementsPerWorkgroup } from './rows.js';
import { lines, makeKernel } from './shader.js';

const workgroupSize = 64;

export function combineExpertsKernel() {
  return makeKernel({
    label: 'combine experts',
    fields: {
      columns: 'u32',
      expertsPerToken: 'u32',
      routingWeights: 'u32',
      residuals: 'u32',
      scale1: 'f32',
      scale2: 'f32',
    },
    storage: [
      { name: 'y', access: 'read', type: 'array<f32>' },
      { name: 'routing', access: 'read', type: 'array<u32>' },
      { name: 'out', access: 'write', type: 'array<f32>' },
      ...residualStorage,
    ],
    workgroupSize,
    declarations: [residualFunction],
    main: lines(
      'let token = workgroup.y;',
      `let end = min((workgroup.x + 1u) * ${elementsPerWorkgroup}u, p.columns);`,
      `for (var c = workgroup.x * ${elementsPerWorkgroup}u + local; c < end; c += ${workgroupSize}u) {`,
      '  var sum = 0.0;',
      '  for (var a = 0u; a < p.expertsPerToken; a += 1u) {',
      '    let assignment = token * p.expertsPerToken + a;',
      '    sum += bitcast<f32>(routing[p.routingWeights + assignment]) * y[assignment * p.columns + c];',
      '  }',
      '  let at = token * p.columns + c;',
      '  out[at] = withResiduals(at, sum);',
      '}',
    ),
  });
}
