// A selective scan over states in slots. An invocation has one number of a head, and with it a row of the state, through all
// tokens of a segment; neighbours have neighbouring channels, so that states are read side by side. Sums go over states in order.
//
// Shapes: T tokens, H heads, P numbers of a head, N numbers of a state, G groups.
import { lines, makeKernel } from './shader.js';

export const scanWorkgroupSize = 64;

/** Words of a segment in `tables`: its first row, its tokens, the slots from (all bits: none) and to. */
const segmentWords = 4;

/**
 * x, bc, timeStep and gate: Float32, each from a first column of rows of some width on. States Float32 [slots, N, H P].
 * `segments` is a word of `tables`; `inner` is H P.
 */
export function selectiveScanKernel(decays: 'head' | 'state') {
  const perState = decays === 'state';
  const kept = perState ? 'exp(-step * exp(parameters[head * p.stateDim + n]))' : 'kept';
  return makeKernel({
    label: `selective scan, decays by ${decays}`,
    fields: {
      ...({ inner: 'u32', heads: 'u32', headDim: 'u32', stateDim: 'u32', groups: 'u32' } as const),
      ...({ xStride: 'u32', xFirst: 'u32', bcStride: 'u32', bcFirst: 'u32' } as const),
      ...({ stepStride: 'u32', stepFirst: 'u32', gateStride: 'u32', gateFirst: 'u32' } as const),
      ...({ segments: 'u32', least: 'f32', largest: 'f32' } as const),
    },
    storage: [
      { name: 'x', access: 'read', type: 'array<f32>' },
      { name: 'bc', access: 'read', type: 'array<f32>' },
      { name: 'steps', access: 'read', type: 'array<f32>' },
      { name: 'gates', access: 'read', type: 'array<f32>' },
      { name: 'parameters', access: 'read', type: 'array<f32>' },
      { name: 'states', access: 'write', type: 'array<f32>' },
      { name: 'tables', access: 'read', type: 'array<u32>' },
      { name: 'out', access: 'write', type: 'array<f32>' },
    ],
    workgroupSize: scanWorkgroupSize,
    declarations: [
      // max(v, 0) + log(1 + y), y = e^-|v|, which is 2 artanh(y / (2 + y)): no cancellation where y is small
      'fn softplus(v: f32) -> f32 {',
      '  let y = exp(-abs(v));',
      '  let s = y / (2.0 + y);',
      '  let q = s * s;',
      '  var sum = 2.0 / 15.0;',
      ...[13, 11, 9, 7, 5, 3, 1].map((odd) => `  sum = sum * q + 2.0 / ${odd}.0;`),
      '  return max(v, 0.0) + sum * s;',
      '}',
    ],
    main: lines(
      `let channel = workgroup.x * ${scanWorkgroupSize}u + local;`,
      'if (channel >= p.inner) { return; }',
      `let at = p.segments + ${segmentWords}u * workgroup.y;`,
      'let first = tables[at];',
      'let end = first + tables[at + 1u];',
      'var slot = tables[at + 2u];',
      'let targetSlot = tables[at + 3u];',
      'let head = channel / p.headDim;',
      'let group = head * p.groups / p.heads;',
      `let biases = p.heads${perState ? ' * p.stateDim' : ''};`,
      'let bias = parameters[biases + head];',
      'let skip = parameters[biases + p.heads + head];',
      perState ? '' : 'let rate = exp(parameters[head]);',
      'for (var row = first; row < end; row += 1u) {',
      '  let raw = steps[row * p.stepStride + p.stepFirst + head] + bias;',
      '  let step = min(max(softplus(raw), p.least), p.largest);',
      '  let input = x[row * p.xStride + p.xFirst + channel];',
      perState ? '' : '  let kept = exp(-step * rate);',
      '  let b = row * p.bcStride + p.bcFirst + group * p.stateDim;',
      '  let c = b + p.groups * p.stateDim;',
      '  var sum = 0.0;',
      '  for (var n = 0u; n < p.stateDim; n += 1u) {',
      '    var state = step * input * bc[b + n];',
      '    if (slot != 0xffffffffu) {',
      `      state += ${kept} * states[(slot * p.stateDim + n) * p.inner + channel];`,
      '    }',
      '    states[(targetSlot * p.stateDim + n) * p.inner + channel] = state;',
      '    sum += state * bc[c + n];',
      '  }',
      '  slot = targetSlot;',
      '  let gate = gates[row * p.gateStride + p.gateFirst + channel];',
      '  out[row * p.inner + channel] = (sum + skip * input) * gate / (1.0 + exp(-gate));',
      '}',
    ),
  });
}
