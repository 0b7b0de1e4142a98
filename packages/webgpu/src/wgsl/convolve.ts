// Causal convolution over states in slots. An invocation has one channel of one token: its inputs lie among the rows of the
// step, and before the segment's first token in the state that it comes from. It also writes what becomes of the state, so no
// slot may be both read and written. Sums go over the taps in order.
//
// Shapes: T tokens, C channels, k taps.
import { forElements } from './rows.js';
import { lines, makeKernel } from './shader.js';

/** Words of a token in `tables`: its place in the segment, the segment's tokens, the slots from (all bits: none) and to. */
const tokenWords = 4;

interface ConvolveForm {
  readonly gated: boolean;
  readonly biased: boolean;
  readonly silu: boolean;
  /** Of the columns of x that are channels; 0: one run of them. */
  readonly parts: number;
}

/** Where the columns of a part are, as uniforms. */
const partFields = (part: number) => [`at${part}`, `stride${part}`, `width${part}`] as const;

/** WGSL: the column of x of channel c. */
function columnFunction(parts: number): string[] {
  if (parts === 0) return ['fn columnOf(c: u32) -> u32 { return p.first + c; }'];
  const ofPart = (part: number): string[] => {
    const [at, stride, width] = partFields(part);
    const found = `p.${at} + p.${stride} * (i / p.${width}) + i % p.${width}`;
    if (part === parts - 1) return [`  return ${found};`];
    return [`  if (i < p.groups * p.${width}) { return ${found}; }`, `  i -= p.groups * p.${width};`];
  };
  return [
    'fn columnOf(c: u32) -> u32 {',
    '  var i = c;',
    ...Array.from({ length: parts }, (_, part) => ofPart(part)).flat(),
    '}',
  ];
}

/**
 * x Float32 [T, C], or columns of rows of `stride`, or [T, 3 C] with gates; states Float32 [slots, k - 1, C]. `tokens` is a word
 * of `tables`.
 */
export function convolveKernel({ gated, biased, silu, parts }: ConvolveForm) {
  const result = silu ? 'sum / (1.0 + exp(-sum))' : 'sum';
  const own = {
    columns: 'u32',
    taps: 'u32',
    tokens: 'u32',
    stride: 'u32',
    first: 'u32',
    groups: 'u32',
  } as const;
  const fields: Record<string, 'u32'> = { ...own };
  for (let part = 0; part < parts; part++) for (const field of partFields(part)) fields[field] = 'u32';
  const properties = [
    gated && 'gates',
    biased && 'bias',
    silu && 'silu',
    parts > 0 && `${parts} parts of rows`,
  ];
  return makeKernel({
    label: ['convolve', ...properties].filter(Boolean).join(', '),
    fields,
    storage: [
      { name: 'x', access: 'read', type: 'array<f32>' },
      { name: 'weight', access: 'read', type: 'array<f32>' },
      ...(biased ? [{ name: 'bias', access: 'read', type: 'array<f32>' } as const] : []),
      { name: 'states', access: 'write', type: 'array<f32>' },
      { name: 'tables', access: 'read', type: 'array<u32>' },
      { name: 'out', access: 'write', type: 'array<f32>' },
    ],
    workgroupSize: 64,
    declarations: [
      ...columnFunction(parts),
      'fn input(row: u32, c: u32) -> f32 {',
      gated
        ? '  let first = 3u * row * p.columns; return x[first + c] * x[first + 2u * p.columns + c];'
        : '  return x[row * p.stride + columnOf(c)];',
      '}',
      // row of a window whose first k - 1 are the state, and whose others are the tokens from `first` on
      'fn windowed(index: u32, c: u32, slot: u32, first: u32) -> f32 {',
      '  let kept = p.taps - 1u;',
      '  if (index >= kept) { return input(first + index - kept, c); }',
      '  if (slot == 0xffffffffu) { return 0.0; }',
      '  return states[(slot * kept + index) * p.columns + c];',
      '}',
    ],
    main: lines(
      `let at = p.tokens + ${tokenWords}u * workgroup.y;`,
      'let token = tables[at];',
      'let count = tables[at + 1u];',
      'let slot = tables[at + 2u];',
      'let targetSlot = tables[at + 3u];',
      'let first = workgroup.y - token;',
      'let kept = p.taps - 1u;',
      ...forElements('p.columns', [
        biased ? 'var sum = bias[c];' : 'var sum = 0.0;',
        'for (var i = 0u; i < p.taps; i += 1u) {',
        '  sum += weight[c * p.taps + i] * windowed(token + i, c, slot, first);',
        '}',
        gated
          ? 'out[workgroup.y * p.columns + c] = x[(3u * workgroup.y + 1u) * p.columns + c] * sum;'
          : `out[workgroup.y * p.columns + c] = ${result};`,
        // rows of the new state: the last tokens have one each, the first one those that stay from the old state
        'for (var j = 0u; j < kept; j += 1u) {',
        '  let source = count + j;',
        '  let owner = select(0u, source - kept, source >= kept);',
        '  if (owner == token) {',
        '    states[(targetSlot * kept + j) * p.columns + c] = windowed(source, c, slot, first);',
        '  }',
        '}',
      ]),
    ),
  });
}
