// The instructions of a program and their operands, in order: what the host writes (operations/) and every worker reads
// (worker/). An instruction is its number, how many words follow, and those words. To add one, add it here; the host's
// `Program.emit` then takes it, and the worker does not compile until its table of operations has it.
//
// Shapes: T tokens, N rows, K columns, E experts, A experts per token, S = T * A assignments, D hidden, F intermediate.
import { activationForms, activations, groupRanks, orders, scores } from './enumerations.js';
import { type Fields, list } from './fields.js';
import { mixerInstructions } from './mixer-instructions.js';

/** Activations as a matrix takes them. */
const intake = {
  /** Elements that the kernel takes at a time; 0: float32 at x. */
  unit: 'u32',
  x: 'address',
  /** Bytes of a token at x. */
  stride: 'u32',
  /** For 8-bit codes; otherwise 0. */
  scales: 'address',
  sums: 'address',
} as const satisfies Fields;

/** As `activationNumbers` of @moeq/kernels has them. */
const activation = {
  kind: activations,
  gated: 'flag',
  alpha: 'f32',
  inputLimit: 'f32',
  outputLimit: 'f32',
  upLimit: 'f32',
  upOffset: 'f32',
} as const satisfies Fields;

const expertShape = {
  /** T, A, E, D, F */
  tokens: 'u32',
  active: 'u32',
  experts: 'u32',
  hidden: 'u32',
  intermediate: 'u32',
  /** Of `expertRecord`, one for each expert. */
  table: 'address',
} as const satisfies Fields;

export const instructions = {
  /** The room of the kernels: of `bytes` for the thread whose memory it is, and of as many for each that helps it. */
  scratch: { address: 'address', bytes: 'u32', columns: 'u32' },

  input: { out: 'address', values: list('f32') },

  /** Rows of a table in parts, one below the other, times `scale`. */
  embed: {
    out: 'address',
    columns: 'u32',
    scale: 'f32',
    parts: list({ record: 'address', rows: 'u32', first: 'u32' }),
    ids: list('u32'),
  },

  /** Of columns from `x` on. The mean of a group is taken off first where it is `centred`. */
  norm: {
    x: 'address',
    /** Of a row at x. */
    xColumns: 'u32',
    groups: 'u32',
    weight: 'address',
    /** 0: none. */
    bias: 'address',
    epsilon: 'f32',
    centred: 'flag',
    rows: 'u32',
    columns: 'u32',
    out: 'address',
  },

  /** Activations of 32 bits to integers. */
  quantize: {
    x: 'address',
    tokens: 'u32',
    columns: 'u32',
    form: activationForms,
    unit: 'u32',
    order: orders,
    out: 'address',
    scales: 'address',
    sums: 'address',
  },

  /** N rows of a matrix, to columns `first` on of a result of `columns`. */
  linear: {
    record: 'address',
    rows: 'u32',
    intake,
    tokens: 'u32',
    out: 'address',
    columns: 'u32',
    first: 'u32',
  },

  /** Copies columns that other threads have computed: `count` shares of `size` from column `first` on are split over threads. */
  gather: {
    address: 'address',
    rows: 'u32',
    columns: 'u32',
    parts: list({ first: 'u32', count: 'u32', size: 'u32' }),
  },

  /** `count` columns from `first` on: each thread its own, or everywhere all. */
  bias: {
    x: 'address',
    bias: 'address',
    rows: 'u32',
    columns: 'u32',
    first: 'u32',
    count: 'u32',
    everywhere: 'flag',
  },

  /** cap * tanh(x / cap) of `count` columns from `first` on: each thread its own, or everywhere all. */
  softCap: {
    x: 'address',
    cap: 'f32',
    rows: 'u32',
    columns: 'u32',
    first: 'u32',
    count: 'u32',
    everywhere: 'flag',
  },

  /** a + scale * b */
  add: { a: 'address', b: 'address', scale: 'f32', out: 'address', length: 'u32' },

  select: { x: 'address', out: 'address', columns: 'u32', rows: list('u32') },

  /** h = act(h) * up, or without a gate h = act(h): each thread its share of the columns. */
  activate: { h: 'address', up: 'address', activation, rows: 'u32', columns: 'u32' },

  /** out = act(gates) * ups, gates of `columns` and ups of `upColumns` to a row: each thread its share of the columns. */
  multiplyGated: {
    gates: 'address',
    ups: 'address',
    upColumns: 'u32',
    activation,
    rows: 'u32',
    columns: 'u32',
    /** May be `gates`. */
    out: 'address',
  },

  /** Each row of x times sigmoid of its gate: each thread its share of the columns. */
  sigmoid: { x: 'address', gates: 'address', rows: 'u32', columns: 'u32' },

  ...mixerInstructions,

  /** Int32 [T, A] indices and Float32 [T, A] weights from router logits. */
  route: {
    logits: 'address',
    tokens: 'u32',
    experts: 'u32',
    active: 'u32',
    score: scores,
    /** Of `sparseMixer`. */
    jitter: 'f32',
    normalizeTopK: 'flag',
    normalizeEpsilon: 'f32',
    scalingFactor: 'f32',
    /** 0: none. */
    groups: 'u32',
    keptGroups: 'u32',
    groupRank: groupRanks,
    /** Of the correction bias, Float32 [E]; 0: none. */
    bias: 'address',
    /** Of experts, Float32 [E]; 0: none. */
    scales: 'address',
    indices: 'address',
    weights: 'address',
  },

  /** h = act(gate x) * up x, or without a gate act(up x), Float32 [S, F], assignments sorted by expert. */
  expertsUp: {
    indices: 'address',
    shape: expertShape,
    activation,
    h: 'address',
    /** Room for ups; 0 without a gate. */
    up: 'address',
    /** U32 [S], the token of each assignment. */
    assignments: 'address',
    /** By mode: the index in the expert's record. */
    intakes: list(intake),
  },

  /** y = down h, Float32 [S, D], then out, the sum of each token's assignments times their weights. */
  expertsDown: {
    indices: 'address',
    weights: 'address',
    shape: expertShape,
    y: 'address',
    out: 'address',
    intakes: list(intake),
  },
} as const satisfies Readonly<Record<string, Fields>>;

export type Instructions = typeof instructions;
export type Opcode = keyof Instructions;

export const opcodeNames = Object.keys(instructions) as readonly Opcode[];

export const opcodes = Object.fromEntries(opcodeNames.map((name, index) => [name, index])) as Readonly<
  Record<Opcode, number>
>;

/** Words before the operands: the number of the instruction, and how many words its operands have. */
export const headerWords = 2;
