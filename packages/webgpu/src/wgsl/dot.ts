// The inner loop of the vector kernels: chunks of 16 bytes are decoded in registers and multiplied with the activations of all
// tokens of the workgroup; scale and offset are applied once a chunk. Rows that are no whole chunks go element by element.
import type { ChunkedKind, CodesKind, MatrixKind } from './matrix-kind.js';
import { chunkElements } from './matrix-kind.js';
import { absent, blockOfChunk, chunkPieces, overWords } from './weight.js';

/** What a vector kernel computes: rows of a weight, assignments of experts, or the weighted sum over those of a token. */
export type VectorUse = 'dense' | 'assignments' | 'sum';

export interface DotOptions {
  readonly kind: MatrixKind;
  readonly use: VectorUse;
  /** 1, or 2 for gate and up. */
  readonly sets: number;
  readonly rows: number;
  readonly tokens: number;
  readonly normed: boolean;
}

interface Target {
  readonly set: number;
  readonly row: number;
  /** Suffix of the names of its variables. */
  readonly id: string;
}

/** Accumulators are named by set, row and token, then the squares by token. */
export function dotLoop(options: DotOptions): { accumulators: string[]; statements: string[] } {
  const { kind, sets, rows, tokens, normed } = options;
  const targets = range(sets).flatMap((set) =>
    range(rows).map((row): Target => ({ set, row, id: `${set}${row}` })),
  );
  const accumulators = [
    ...targets.flatMap(({ id }) => range(tokens).map((t) => `sum${id}_${t}`)),
    ...(normed ? range(tokens).map((t) => `squares${t}`) : []),
  ];
  return {
    accumulators,
    statements: [
      ...accumulators.map((name) => `var ${name} = 0.0;`),
      ...targets.map(
        ({ set, row, id }) =>
          `let row${id} = min(firstRow + ${row}u, rows - 1u)${set === 1 ? ' + p.upRow' : ''};`,
      ),
      ...(kind.fast ? fastLoop(kind, options, targets) : elementLoop(options, targets)),
    ],
  };
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

const matrixOf = ({ set }: Target): string => (set === 0 ? 'm' : 'p.upMatrix');
const recordOf = ({ set }: Target): string => (set === 0 ? 'record' : 'upRecord');

/** Where the row of a token begins in `x`, in units of `columns`. */
function rowOfToken(use: VectorUse, t: number): string {
  if (use === 'dense') return `min(firstToken + ${t}u, p.tokens - 1u)`;
  if (use === 'sum') return 'firstToken * p.expertsPerToken';
  return 'select(firstToken, firstToken / p.expertsPerToken, p.sharedRows == 1u)';
}

/** The head of the loop over `c`, chunks or elements of a row, and of all rows of a token for `sum`. */
function loopHead(use: VectorUse, perRow: string): string[] {
  if (use !== 'sum') return [`for (var c = lane; c < ${perRow}; c += p.lanes) {`];
  return [
    `for (var v = lane; v < ${perRow} * p.expertsPerToken; v += p.lanes) {`,
    `  let assignment = firstToken * p.expertsPerToken + v / ${perRow};`,
    `  let c = v % ${perRow};`,
    '  let place = placeOf(routing[assignment]);',
    `  let weight = select(bitcast<f32>(routing[p.routingWeights + assignment]), 0.0, place == ${absent});`,
    `  let record = recordOf(m, select(place, 0u, place == ${absent}));`,
  ];
}

function fastLoop(
  kind: ChunkedKind,
  { use, tokens, normed }: DotOptions,
  targets: readonly Target[],
): string[] {
  const vectors = chunkElements(kind) / 4;
  const coded = kind.kind === 'codes';
  const shift = coded ? kind.shift : null;
  const sumsX = shift !== null && shift !== 'bytes';
  const partial = coded || use === 'sum';
  const decoded = targets.map(({ id }) => chunkPieces(kind, `chunk${id}`, `w${id}`));
  const each = range(tokens);

  const readX = (at: string, n: number): string[] =>
    each.flatMap((t) => {
      const name = `x${t}_${n}`;
      const load = `x[(${rowOfToken(use, t)}) * p.columns / 4u + ${use === 'sum' ? 'v' : 'c'} * ${vectors}u + ${at}]`;
      return [
        `${normed ? 'var' : 'let'} ${name} = ${load};`,
        ...(normed
          ? [`squares${t} += dot(${name}, ${name});`, `${name} *= norm[c * ${vectors}u + ${at}];`]
          : []),
        ...(sumsX ? [`sumX${t} += dot(${name}, vec4<f32>(1.0));`] : []),
      ];
    });

  const body = [
    ...(decoded[0]?.pieces ?? []).flatMap(({ at }, n) => readX(at, n)),
    ...targets.flatMap(({ id }, target) => [
      ...(decoded[target]?.prelude ?? []),
      ...(decoded[target]?.pieces ?? []).flatMap(({ value }, n) => {
        const weight = `v${id}_${n}`;
        return [
          `let ${weight} = ${shift === 'bytes' ? `${value} - vec4<f32>(zero${id})` : value};`,
          ...each.map((t) => `${partial ? 'part' : 'sum'}${id}_${t} += dot(${weight}, x${t}_${n});`),
        ];
      }),
    ]),
  ];

  return [
    ...loopHead(use, 'p.chunks'),
    ...[
      ...(sumsX ? each.map((t) => `var sumX${t} = 0.0;`) : []),
      ...targets.flatMap((target) => [
        `let chunk${target.id} = chunks[${recordOf(target)} + row${target.id} * p.chunks + c];`,
        ...(coded ? chunkValues(kind, target) : []),
        ...(partial ? each.map((t) => `var part${target.id}_${t} = 0.0;`) : []),
      ]),
      ...overWords(decoded[0]?.words ?? 1, body),
      ...(partial
        ? targets.flatMap(({ id }) =>
            each.map((t) => {
              const scaled = coded ? `scale${id} * part${id}_${t}` : `part${id}_${t}`;
              const whole = sumsX ? `(${scaled} + offset${id} * sumX${t})` : scaled;
              return `sum${id}_${t} += ${use === 'sum' ? `weight * ${whole}` : whole};`;
            }),
          )
        : []),
    ].map((line) => `  ${line}`),
    '}',
  ];
}

/** Scale, and zero point or offset, of the chunk of a row. */
function chunkValues(kind: CodesKind, target: Target): string[] {
  const { id } = target;
  const at = `${matrixOf(target)}, ${recordOf(target)}, block${id}`;
  return [
    `let block${id} = ${blockOfChunk(kind, `row${id}`, 'c')};`,
    `let scale${id} = scaleOf(${at});`,
    ...(kind.shift === null
      ? []
      : [`let ${kind.shift === 'bytes' ? 'zero' : 'offset'}${id} = shiftOf(${at});`]),
  ];
}

function elementLoop({ use, tokens, normed }: DotOptions, targets: readonly Target[]): string[] {
  const each = range(tokens);
  return [
    ...loopHead(use, 'p.columns'),
    ...each.flatMap((t) => [
      `  ${normed ? 'var' : 'let'} x${t} = x[(${rowOfToken(use, t)}) * p.columns + ${use === 'sum' ? 'v' : 'c'}];`,
      ...(normed ? [`  squares${t} += x${t} * x${t};`, `  x${t} *= norm[c];`] : []),
    ]),
    ...targets.flatMap((target) => [
      `  let value${target.id} = ${use === 'sum' ? 'weight * ' : ''}value(${matrixOf(target)}, ${recordOf(target)}, row${target.id}, c);`,
      ...each.map((t) => `  sum${target.id}_${t} += value${target.id} * x${t};`),
    ]),
    '}',
  ];
}
