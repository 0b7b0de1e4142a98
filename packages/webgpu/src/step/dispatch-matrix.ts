// One group of a weight in one dispatch: which kernel, which grid, which uniforms and operands.
//
// Shapes: T tokens, S assignments, N rows, K columns, F intermediate.
import type { Activation } from '@moeq/kernels';
import type { WeightGroup } from '../weights/group.js';
import type { StoredVector } from '../weights/store.js';
import type { VectorUse } from '../wgsl/dot.js';
import { matrixWords } from '../wgsl/shader.js';
import { tileOutputs } from '../wgsl/tile.js';
import { tileTokens } from '../wgsl/tile-stage.js';
import { vectorLanes, vectorRows } from '../wgsl/vector.js';
import type { Kernels } from './kernels.js';
import type { Operand, Program, Transient } from './program.js';

/** Tokens that a vector kernel takes at a time when there are several. */
const vectorTokens = 4;

export interface Epilogue {
  readonly bias: StoredVector | null;
  /** [T], through a sigmoid. */
  readonly gate: Transient | null;
  /** Of the product and its bias; none unless given. */
  readonly cap?: number;
  /** Inner one first; at most two. */
  readonly residuals: readonly { readonly result: Transient; readonly scale: number }[];
}

export const plainEpilogue: Epilogue = { bias: null, gate: null, residuals: [] };

/** A norm that the multiply takes along. */
export interface NormInput {
  readonly weight: StoredVector;
  readonly epsilon: number;
}

export interface Emitter {
  readonly program: Program;
  readonly kernels: Kernels;
  /** Bound where a kernel has a binding that it will not use. */
  readonly empty: GPUBuffer;
}

/** A routing: indices, then weights `routingWeights` words later. */
export interface RoutingInput {
  readonly result: Transient;
  readonly routingWeights: number;
  readonly expertsPerToken: number;
}

const noRouting = {
  tokens: 0,
  expertsPerToken: 1,
  routingWeights: 0,
  sharedRows: 0,
  accumulate: 0,
  accumulateScale: 1,
};

function epilogueUniforms({ bias, gate, cap = 0, residuals }: Epilogue, outColumns: number) {
  return {
    outColumns,
    extraMode: bias !== null ? 1 : gate !== null ? 2 : 0,
    residuals: residuals.length,
    scale1: residuals[0]?.scale ?? 1,
    scale2: residuals[1]?.scale ?? 1,
    cap,
  };
}

export function residualOperands({ residuals }: Epilogue, empty: GPUBuffer): Operand[] {
  return [residuals[0]?.result ?? empty, residuals[1]?.result ?? empty];
}

const extraOperand = ({ bias, gate }: Epilogue, empty: GPUBuffer): Operand => bias?.buffer ?? gate ?? empty;

/** Descriptors with first tiles of `rowsPerTile` rows, and how many tiles there are. `rows`: instead of a matrix's own. */
function withTiles(
  group: WeightGroup,
  rowsPerTile: number,
  rows?: number,
): { matrices: Uint32Array; tiles: number } {
  const matrices = group.matrices.slice();
  const parts = rows === undefined ? group.parts : 1;
  if (rows !== undefined) matrices[0] = rows;
  let tiles = 0;
  for (let part = 0; part < parts; part++) {
    matrices[part * matrixWords + 2] = tiles;
    tiles += Math.ceil((matrices[part * matrixWords] as number) / rowsPerTile);
  }
  return { matrices, tiles };
}

/** Rows of the input side of an MLP: pairs of gate and up where there is `up`, else all rows of the group. */
interface InnerRows {
  readonly activation: Activation;
  /** Where `up` lies of a gated one. */
  readonly up: { readonly matrix: number; readonly row: number } | null;
  /** F */
  readonly rows: number;
}

/** What of a group a dispatch goes over. */
function rowsOfGroup(inner: InnerRows | undefined) {
  const up = inner?.up ?? null;
  return {
    activation: inner?.activation ?? null,
    gated: up !== null,
    rows: up === null ? undefined : inner?.rows,
    upUniforms: { upMatrix: up?.matrix ?? 0, upRow: up?.row ?? 0 },
  };
}

interface VectorCall {
  readonly group: WeightGroup;
  readonly use: VectorUse;
  readonly x: Transient;
  readonly out: Transient;
  readonly outColumns: number;
  /** Rows of the grid: tokens, or assignments for `assignments`. */
  readonly rows: number;
  readonly tokens: number;
  readonly norm?: NormInput | null;
  readonly routing?: RoutingInput;
  readonly sharedRows?: boolean;
  readonly inner?: InnerRows;
  readonly epilogue?: Epilogue;
  readonly accumulate?: boolean;
}

export function dispatchVector(emitter: Emitter, call: VectorCall): void {
  const {
    group,
    use,
    x,
    out,
    outColumns,
    rows,
    tokens,
    norm = null,
    routing,
    inner,
    epilogue = plainEpilogue,
  } = call;
  const { kind, uniforms } = group;
  const assignments = use === 'sum' ? (routing?.expertsPerToken ?? 1) : 1;
  const lanes = vectorLanes((kind.fast ? uniforms.chunks : uniforms.columns) * assignments);
  const perGroup = use === 'dense' && tokens > 1 ? vectorTokens : 1;
  const { activation, gated, rows: innerRows, upUniforms } = rowsOfGroup(inner);
  const options = { kind, use, activation, normed: norm !== null, tokens: perGroup };
  const kernel = emitter.kernels.vector(options);
  const { matrices, tiles } = withTiles(group, vectorRows(gated, lanes), innerRows);
  emitter.program.dispatch(
    kernel,
    {
      ...uniforms,
      ...noRouting,
      ...epilogueUniforms(epilogue, outColumns),
      parts: gated ? 1 : uniforms.parts,
      lanes,
      tokens,
      ...upUniforms,
      epsilon: norm?.epsilon ?? 0,
      expertsPerToken: routing?.expertsPerToken ?? 1,
      routingWeights: routing?.routingWeights ?? 0,
      sharedRows: call.sharedRows ? 1 : 0,
      accumulate: call.accumulate ? 1 : 0,
      accumulateScale: epilogue.residuals.reduce((product, { scale }) => product * scale, 1),
    },
    [
      group.buffer,
      group.buffer,
      x,
      out,
      ...(norm === null ? [] : [norm.weight.buffer]),
      ...(routing === undefined ? [] : [routing.result]),
      ...(use === 'dense' && activation === null ? [extraOperand(epilogue, emitter.empty)] : []),
      ...(use !== 'assignments' && activation === null ? residualOperands(epilogue, emitter.empty) : []),
    ],
    [tiles, Math.ceil(rows / perGroup)],
    matrices,
  );
}

interface TileCall {
  readonly group: WeightGroup;
  readonly x: Transient;
  readonly out: Transient;
  readonly outColumns: number;
  readonly tokens: number;
  readonly inner?: InnerRows;
  readonly epilogue?: Epilogue;
  /** Tiles of assignments instead of consecutive tokens. */
  readonly plan?: { readonly result: Transient; readonly tiles: number; readonly assignmentsPerRow: number };
}

export function dispatchTile(emitter: Emitter, call: TileCall): void {
  const { group, x, out, outColumns, tokens, inner, epilogue = plainEpilogue, plan } = call;
  const { kind, uniforms } = group;
  const { activation, gated, rows, upUniforms } = rowsOfGroup(inner);
  const use = plan === undefined ? 'dense' : 'assignments';
  const kernel = emitter.kernels.tile({ kind, use, activation }, uniforms.columns % 32 === 0);
  const { matrices, tiles } = withTiles(group, tileOutputs(gated), rows);
  emitter.program.dispatch(
    kernel,
    {
      ...uniforms,
      ...epilogueUniforms(epilogue, outColumns),
      parts: gated ? 1 : uniforms.parts,
      tokens,
      assignmentsPerRow: plan?.assignmentsPerRow ?? 1,
      ...upUniforms,
    },
    [
      group.buffer,
      group.buffer,
      x,
      out,
      ...(plan === undefined ? [] : [plan.result]),
      ...(use === 'dense' && activation === null
        ? [extraOperand(epilogue, emitter.empty), ...residualOperands(epilogue, emitter.empty)]
        : []),
    ],
    [tiles, plan?.tiles ?? Math.ceil(tokens / tileTokens)],
    matrices,
  );
}
