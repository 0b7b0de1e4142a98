// The words of a program. An operation is its number, how many words follow, and those words: addresses, sizes, and
// float32 by their bits. The host writes them (operations/), every worker runs them (worker/).

const names = [
  'scratch',
  'input',
  'embed',
  'norm',
  'quantize',
  'linear',
  'gather',
  'bias',
  'add',
  'select',
  'activate',
  'sigmoid',
  'rotations',
  'attention',
  'route',
  'expertsUp',
  'expertsDown',
] as const;

export type Opcode = (typeof names)[number];

export const opcodes = Object.fromEntries(names.map((name, index) => [name, index])) as Record<
  Opcode,
  number
>;

/** Number of an activation function, as in assembly/elementwise.ts. */
export const activationNumbers = { silu: 0, gelu: 1, geluTanh: 2 } as const;

export const scoreNames = ['softmax', 'softmaxAfterTopK', 'sigmoid'] as const;
export const rankNames = ['max', 'topTwoSum'] as const;
