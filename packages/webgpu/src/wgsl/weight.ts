// Reads weights: a 16-byte chunk as float32 vectors, or one element of any shape. Assembled from the kind of the matrix;
// everything that is a number (sizes, codebooks, multipliers) comes in uniforms or in the weight's own buffer.
//
//   number = (table[code] | code) (- zero point),   value = number * scale (+ offset)
//
// The buffer is bound twice, as chunks for codes and as words for scales. Units are chunks of 16 bytes where not said.
import type { ChunkedKind, CodesKind, CustomKind, MatrixKind, ValuesKind } from './matrix-kind.js';
import type { Fields, StorageBinding } from './shader.js';

/** Uniforms that describe a weight; the matrices in it have descriptors of their own. */
export const weightFields = {
  /** K */
  columns: 'u32',
  /** Chunks of a row. */
  chunks: 'u32',
  blockSize: 'u32',
  blocksPerRow: 'u32',
  chunksPerBlock: 'u32',
  /** Words at which the codebooks of codes, nested scales and nested offsets begin. */
  table: 'u32',
  scaleTable: 'u32',
  shiftTable: 'u32',
  /** Blocks that share a nested number. */
  scaleNested: 'u32',
  shiftNested: 'u32',
  scaleFactor: 'f32',
  shiftFactor: 'f32',
  /** Matrices in use. */
  parts: 'u32',
  /** Experts in this buffer: a range, or where `expertMap` is not 0, those that the map at that word gives a place. */
  firstExpert: 'u32',
  experts: 'u32',
  expertMap: 'u32',
} as const satisfies Fields;

export const weightStorage: readonly StorageBinding[] = [
  { name: 'chunks', access: 'read', type: 'array<vec4<u32>>' },
  { name: 'words', access: 'read', type: 'array<u32>' },
];

/** Entries of the codebook that a workgroup keeps in memory; 0: none. */
export function tableSize(kind: MatrixKind): number {
  return kind.kind === 'codes' && kind.decode === 'codebook' ? 2 ** kind.bits : 0;
}

/** Statements that fill the table, for the beginning of `main`; a barrier has to follow. */
export function fillTable(kind: MatrixKind, workgroupSize: number): string[] {
  const size = tableSize(kind);
  if (size === 0) return [];
  return [
    `for (var i = local; i < ${size}u; i += ${workgroupSize}u) { table[i] = bitcast<f32>(words[p.table + i]); }`,
  ];
}

/** Functions `scaleOf`, `shiftOf`, `numbers`, `value`, `biasOf`, and the ones below them. */
export function weightFunctions(kind: MatrixKind): string[] {
  const size = tableSize(kind);
  return [
    ...(size > 0 ? [`var<workgroup> table: array<f32, ${size}>;`] : []),
    `fn byteAt(i: u32) -> u32 { return (words[i >> 2u] >> (8u * (i & 3u))) & 255u; }`,
    `fn halfAt(i: u32) -> f32 { return unpack2x16float(words[i >> 1u])[i & 1u]; }`,
    `fn brainAt(i: u32) -> f32 { return bitcast<f32>((words[i >> 1u] << (16u * (1u - (i & 1u)))) & 0xffff0000u); }`,
    `fn placeOf(expert: u32) -> u32 {
  if (p.expertMap != 0u) { return words[p.expertMap + expert]; }
  return select(${absent}, expert - p.firstExpert, expert - p.firstExpert < p.experts);
}`,
    `fn recordOf(m: u32, place: u32) -> u32 { return p.matrices[m].base + place * p.matrices[m].stride; }`,
    ...(kind.kind === 'codes' ? codesFunctions(kind) : []),
    ...(kind.kind === 'custom' ? customFunctions(kind) : []),
    valueFunction(kind),
    biasFunction,
  ];
}

/** Of a row of a matrix, as its record has it. */
const biasFunction = `fn biasOf(m: u32, record: u32, row: u32) -> f32 {
  let at = p.matrices[m].bias;
  if (at == 0u) { return 0.0; }
  return bitcast<f32>(words[(record + at) * 4u + row]);
}`;

/** Places of a descriptor for the planes after the first. */
const planePlaces = ['scales', 'scalesNested', 'scalesOffset', 'shifts', 'shiftsNested', 'shiftsOffset'];

function customFunctions({ format: { planes, wgsl } }: CustomKind): string[] {
  const begins = planes.map((_, i) => (i === 0 ? 'record' : `record + p.matrices[m].${planePlaces[i - 1]}`));
  return [
    'fn float16At(b: u32) -> f32 { return halfAt(b >> 1u); }',
    'fn bfloat16At(b: u32) -> f32 { return brainAt(b >> 1u); }',
    'fn float32At(b: u32) -> f32 { return bitcast<f32>(words[b >> 2u]); }',
    `struct Planes { ${planes.map((name) => `${name}: u32`).join(', ')} }`,
    `fn planesOf(m: u32, record: u32) -> Planes { return Planes(${begins.map((each) => `(${each}) * 16u`).join(', ')}); }`,
    wgsl,
  ];
}

/** What `placeOf` says of an expert that lies elsewhere. */
export const absent = '0xffffffffu';

function codesFunctions(kind: CodesKind): string[] {
  const { bits, decode, zero, scale, shift } = kind;
  const numbers = (() => {
    if (decode === 'codebook') return 'vec4<f32>(table[q.x], table[q.y], table[q.z], table[q.w])';
    if (decode === 'signed') return `vec4<f32>(q ^ vec4<u32>(${2 ** (bits - 1)}u)) - ${2 ** (bits - 1)}.0`;
    if (decode === 'constant') return `vec4<f32>(q) - ${zero}.0`;
    return 'vec4<f32>(q)';
  })();
  const number = (() => {
    if (decode === 'codebook') return 'table[q]';
    if (decode === 'signed') return `f32(q ^ ${2 ** (bits - 1)}u) - ${2 ** (bits - 1)}.0`;
    if (decode === 'constant') return `f32(q) - ${zero}.0`;
    return 'f32(q)';
  })();
  const pick = (shifts: readonly number[], mask: number): string =>
    `(vec4<u32>(w) >> vec4<u32>(${shifts.map((each) => `${each}u`).join(', ')})) & vec4<u32>(${mask}u)`;
  return [
    `fn numbers(q: vec4<u32>) -> vec4<f32> { return ${numbers}; }`,
    `fn number(q: u32) -> f32 { return ${number}; }`,
    ...(bits === 4
      ? [
          `fn low(w: u32) -> vec4<f32> { return numbers(${pick([0, 8, 16, 24], 15)}); }`,
          `fn high(w: u32) -> vec4<f32> { return numbers(${pick([4, 12, 20, 28], 15)}); }`,
        ]
      : [`fn bytes(w: u32) -> vec4<f32> { return numbers(${pick([0, 8, 16, 24], 255)}); }`]),
    blockFunction('scaleOf', 'scale', scale),
    ...(shift === null
      ? []
      : shift === 'bytes'
        ? [
            `fn shiftOf(m: u32, record: u32, block: u32) -> f32 {
  return f32(byteAt((record + p.matrices[m].shifts) * 16u + block));
}`,
          ]
        : [blockFunction('shiftOf', 'shift', shift)]),
  ];
}

/** One number of a plane that begins at a chunk. */
function load(dtype: 'F32' | 'F16' | 'BF16' | 'F8_E8M0', plane: string, index: string): string {
  if (dtype === 'F32') return `bitcast<f32>(words[(${plane}) * 4u + ${index}])`;
  if (dtype === 'F16') return `halfAt((${plane}) * 8u + ${index})`;
  if (dtype === 'BF16') return `brainAt((${plane}) * 8u + ${index})`;
  // 2^(e - 127); e = 0 has no exponent bits left and is half of the least normal number
  return `bitcast<f32>(max(byteAt((${plane}) * 16u + ${index}) << 23u, 0x00400000u))`;
}

function blockFunction(name: 'scaleOf' | 'shiftOf', what: 'scale' | 'shift', values: ValuesKind): string {
  const plane = (suffix: string): string => `record + p.matrices[m].${what}s${suffix}`;
  const signature = `fn ${name}(m: u32, record: u32, block: u32) -> f32`;
  if (values.kind === 'plain') {
    return `${signature} { return ${load(values.dtype, plane(''), 'block')} * p.${what}Factor; }`;
  }
  const offset = values.offset ? ` + ${load('F32', plane('Offset'), '0u')}` : '';
  return `${signature} {
  let code = byteAt((${plane('')}) * 16u + block);
  let factor = ${load(values.dtype, plane('Nested'), `block / p.${what}Nested`)};
  return bitcast<f32>(words[p.${what}Table + code]) * factor${offset};
}`;
}

/** Element k of a row, for rows that are no whole chunks and for single elements. */
function valueFunction(kind: MatrixKind): string {
  const signature = 'fn value(m: u32, record: u32, row: u32, k: u32) -> f32';
  if (kind.kind === 'plain')
    return `${signature} { return ${load(kind.dtype, 'record', 'row * p.columns + k')}; }`;
  if (kind.kind === 'custom') {
    return `${signature} { return element(planesOf(m, record), row, k, p.columns); }`;
  }
  const { bits, order, shift, blocks } = kind;
  const code = (() => {
    if (bits === 8) return 'byteAt(record * 16u + i)';
    if (order === 'splitHalves')
      return '(byteAt(record * 16u + (i >> 5u) * 16u + (i & 15u)) >> ((i & 16u) >> 2u)) & 15u';
    const bit = order === 'lowFirst' ? '(i & 1u)' : '(1u - (i & 1u))';
    return `(byteAt(record * 16u + (i >> 1u)) >> (4u * ${bit})) & 15u`;
  })();
  const block = blocks === 'flat' ? 'i / p.blockSize' : 'row * p.blocksPerRow + k / p.blockSize';
  const before = shift === 'bytes' ? ' - shiftOf(m, record, block)' : '';
  const after = shift === null || shift === 'bytes' ? '' : ' + shiftOf(m, record, block)';
  return `${signature} {
  let i = row * p.columns + k;
  let block = ${block};
  return (number(${code})${before}) * scaleOf(m, record, block)${after};
}`;
}

/** The block of chunk `c` in row `row`, as WGSL. */
export function blockOfChunk(kind: CodesKind, row: string, c: string): string {
  return kind.blocks === 'flat'
    ? `(${row} * p.chunks + ${c}) / p.chunksPerBlock`
    : `${row} * p.blocksPerRow + ${c} / p.chunksPerBlock`;
}

interface ChunkPiece {
  /** Which four elements of the chunk, as WGSL of type u32: 0 for the first four. */
  readonly at: string;
  /** WGSL of type vec4<f32>: numbers before zero point and scale. */
  readonly value: string;
}

export interface ChunkPieces {
  /** Words to go through with `w`: the pieces are those of word `w`. 1: all pieces at once, without `w`. */
  readonly words: number;
  readonly prelude: readonly string[];
  readonly pieces: readonly ChunkPiece[];
}

/**
 * How a chunk becomes vectors in element order.
 * @param chunk WGSL variable of type vec4<u32>
 * @param prefix of the names that the prelude declares
 */
export function chunkPieces(kind: ChunkedKind, chunk: string, prefix: string): ChunkPieces {
  if (kind.kind === 'plain') return { words: 1, prelude: [], pieces: plainPieces(kind.dtype, chunk) };
  const word = `${chunk}[w]`;
  if (kind.bits === 8) return { words: 4, prelude: [], pieces: [{ at: 'w', value: `bytes(${word})` }] };
  const [l, h] = [`${prefix}Low`, `${prefix}High`];
  const prelude = [`let ${l} = low(${word});`, `let ${h} = high(${word});`];
  if (kind.order === 'splitHalves') {
    const pieces = [
      { at: 'w', value: l },
      { at: 'w + 4u', value: h },
    ];
    return { words: 4, prelude, pieces };
  }
  const [even, odd] = kind.order === 'lowFirst' ? [l, h] : [h, l];
  const pieces = [
    { at: '2u * w', value: `vec4<f32>(${even}.x, ${odd}.x, ${even}.y, ${odd}.y)` },
    { at: '2u * w + 1u', value: `vec4<f32>(${even}.z, ${odd}.z, ${even}.w, ${odd}.w)` },
  ];
  return { words: 4, prelude, pieces };
}

function plainPieces(dtype: 'F32' | 'F16' | 'BF16', chunk: string): ChunkPiece[] {
  if (dtype === 'F32') return [{ at: '0u', value: `bitcast<vec4<f32>>(${chunk})` }];
  const halves = (a: string, b: string): string =>
    dtype === 'F16'
      ? `vec4<f32>(unpack2x16float(${a}), unpack2x16float(${b}))`
      : `bitcast<vec4<f32>>(vec4<u32>(${a} << 16u, ${a} & 0xffff0000u, ${b} << 16u, ${b} & 0xffff0000u))`;
  return [
    { at: '0u', value: halves(`${chunk}.x`, `${chunk}.y`) },
    { at: '1u', value: halves(`${chunk}.z`, `${chunk}.w`) },
  ];
}

/** Statements in a loop over the words of a chunk, where there are several. */
export function overWords(words: number, statements: readonly string[]): string[] {
  if (words === 1) return [...statements];
  return [`for (var w = 0u; w < ${words}u; w += 1u) {`, ...statements.map((line) => `  ${line}`), '}'];
}
