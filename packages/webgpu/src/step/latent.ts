// Latent attention as dispatches: new latents are written, then heads attend in one of two forms (latent-plan.ts).
//   absorbed: queries take up the expansion, heads attend to the latents as to one key/value head, what they saw is expanded
//   expanded: latents become keys and values in pages made for the step, to which queries attend as to any others
//
// Shapes: T tokens, L positions, H heads, N dimensions of a head without rotation, P those with it, R latent, V value dimension.
import { MoeqError } from '@moeq/tensors';
import { attendSize } from '../wgsl/attend.js';
import { absorbKernel, expandKernel, expandRows, type LatentShape, latentShapeName } from '../wgsl/latent.js';
import {
  expandedPage,
  gatherLatentsKernel,
  placeHeadsKernel,
  turnQueriesKernel,
} from '../wgsl/latent-expand.js';
import { vectorsOf } from '../wgsl/prepare.js';
import { attend, cacheRows, factorWords, rotationWords } from './attend.js';
import { type Emitter, plainEpilogue } from './dispatch-matrix.js';
import { elementGrid } from './emit-rows.js';
import type { GraphNode } from './graph.js';
import { type LatentPlan, latentPlan, type Part, positionRows } from './latent-plan.js';
import { multiply } from './multiply.js';
import { Transient } from './program.js';
import type { Results } from './results.js';

type Operation = GraphNode<'latentAttention'>['operation'];

/** What both forms need. */
interface Job {
  readonly emitter: Emitter;
  readonly operation: Operation;
  readonly shape: LatentShape;
  readonly rows: number;
  /** Float32 [T, H (N + P)] and [T, R + P] */
  readonly queries: Transient;
  readonly latents: Transient;
  readonly keys: GPUBuffer;
  /** Rotations, and factors on queries. */
  readonly rotation: Readonly<
    Record<'rotations' | 'pairs' | 'interleaved' | 'factors' | 'hasFactors', number>
  >;
  /** Float32 [T, H V] */
  readonly out: Transient;
  readonly workgroupMemory: number;
}

export function emitLatentAttention(
  emitter: Emitter,
  node: GraphNode<'latentAttention'>,
  results: Results,
  workgroupMemory: number,
): void {
  const { operation, rows } = node;
  const { queries, latents, cache, layer, segments, spec } = operation;
  const { nopeDim, ropeDim, latentDim, valueDim, rope } = spec;
  if (latentDim > 4 * attendSize) throw tooWide(latentDim);
  const { tables } = emitter.program;
  const job: Job = {
    ...{ emitter, operation, rows, workgroupMemory },
    shape: { nopeDim, ropeDim, latentDim, valueDim, cache: cache.dtype },
    queries: results.of(queries),
    latents: results.of(latents),
    keys: cache.keys[layer] as GPUBuffer,
    rotation: {
      rotations: rope === null ? 0 : rotationWords(tables, segments, rope),
      pairs: rope?.inverseFrequencies.length ?? 0,
      interleaved: rope?.style === 'interleaved' ? 1 : 0,
      ...factorWords(tables, segments, spec.queryFactor),
    },
    out: results.make(node),
  };
  const plan = latentPlan(segments, spec);
  const isAbsorbed = plan.expanded.segments.length === 0;
  if (!isAbsorbed) emitLatents(job);
  if (plan.absorbed.segments.length > 0) emitAbsorbed(job, plan.absorbed, isAbsorbed);
  if (!isAbsorbed) emitExpanded(job, plan);
}

const nameOf = ({ emitter, shape }: Job, group: Operation['expansion']['groups'][0]): string =>
  `${latentShapeName(shape)} ${emitter.kernels.nameOf(group.kind)}`;

/** The rows of a part as a table. */
function rowTable({ emitter }: Job, { segments, rows }: Part): number {
  return emitter.program.tables.addOnce(segments, 'own rows', () => Uint32Array.from(rows));
}

/** Absorbs queries of `tokens` rows, from head `firstHead` on; the head behind the last one is the latents. */
function emitAbsorb(
  job: Job,
  group: Operation['expansion']['groups'][0],
  out: Transient | GPUBuffer,
  call: { tokens: number; rows: number; firstHead: number; endHead: number; accumulate: boolean },
): void {
  const { emitter, operation, shape, queries, latents, keys, rotation } = job;
  const { program, kernels } = emitter;
  const { segments, spec, cache, norm } = operation;
  const { pageSize } = cache.spec;
  const { kind, buffer, uniforms, matrices } = group;
  const stored = program.tables.addOnce(segments, `rows ${pageSize}`, () => cacheRows(segments, pageSize));
  program.dispatch(
    kernels.get(`absorb ${nameOf(job, group)}`, () => absorbKernel(kind, shape)),
    {
      ...{ ...uniforms, ...rotation, heads: spec.heads, scale: spec.scale, epsilon: spec.norm.epsilon },
      ...{ cacheRows: stored, tokens: call.tokens, firstHead: call.firstHead },
      accumulate: call.accumulate ? 1 : 0,
    },
    [buffer, buffer, queries, latents, norm.buffer, 'tables', keys, out],
    [call.endHead - call.firstHead, call.rows],
    matrices,
  );
}

/** Writes the new latents of all sequences to the cache. */
function emitLatents(job: Job): void {
  const { emitter, operation, rows } = job;
  const { segments, spec, expansion } = operation;
  const [group] = expansion.groups;
  if (group === undefined) return;
  const tokens = emitter.program.tables.addOnce(segments, 'all rows', () =>
    Uint32Array.from({ length: rows }, (_, row) => row),
  );
  const own = { firstHead: spec.heads, endHead: spec.heads + 1, accumulate: false };
  emitAbsorb(job, group, emitter.empty, { ...own, tokens, rows });
}

/** @param withLatents whether the new latents are still to be written */
function emitAbsorbed(job: Job, part: Part, withLatents: boolean): void {
  const { emitter, operation, shape, rows, keys, out, workgroupMemory } = job;
  const { program, kernels } = emitter;
  const { spec, cache, expansion } = operation;
  const { heads, ropeDim, latentDim, valueDim } = spec;
  const headDim = latentDim + ropeDim;
  const tokens = rowTable(job, part);
  const absorbed = new Transient('queries', 16 * rows * heads * vectorsOf(headDim));
  for (const [index, group] of expansion.groups.entries()) {
    const endHead = heads + (withLatents && index === 0 ? 1 : 0);
    const own = { tokens, rows: part.rows.length, firstHead: 0, endHead };
    emitAbsorb(job, group, absorbed, { ...own, accumulate: index > 0 });
  }

  const seen = new Transient('heads', 4 * rows * heads * latentDim);
  attend(emitter, {
    shape: { headDim, valueDim: latentDim, cache: cache.dtype, latent: true },
    ...{ segments: part.segments, firstRows: part.firstRows, heads, kvHeads: 1 },
    ...{ pageSize: cache.spec.pageSize, fresh: false, queries: absorbed, keys, values: null },
    ...{ out: seen, workgroupMemory },
  });

  for (const group of expansion.groups) {
    const { kind, buffer, uniforms, matrices } = group;
    const kernel = kernels.get(`expand ${nameOf(job, group)}`, () => expandKernel(kind, shape));
    const operands = [buffer, buffer, seen, 'tables', out] as const;
    const grid = [Math.ceil((heads * valueDim) / expandRows), part.rows.length] as const;
    program.dispatch(kernel, { ...uniforms, heads, tokens }, operands, grid, matrices);
  }
}

function emitExpanded(job: Job, plan: LatentPlan): void {
  const { emitter, operation, shape, rows, keys, queries, rotation, out, workgroupMemory } = job;
  const { program, kernels } = emitter;
  const { segments, spec, cache, expansion } = operation;
  const { heads, nopeDim, ropeDim, latentDim, valueDim, scale } = spec;
  const { expanded: part, positions } = plan;
  const name = latentShapeName(shape);
  const { pageSize } = cache.spec;
  const at = program.tables.addOnce(part.segments, `positions ${pageSize}`, () =>
    positionRows(segments, plan, pageSize),
  );

  const gathered = new Transient('latents', 4 * positions * latentDim);
  const gather = kernels.get(`gather ${name}`, () => gatherLatentsKernel(shape));
  program.dispatch(gather, { rows: at }, [keys, 'tables', gathered], elementGrid(latentDim, positions));

  const outColumns = heads * (nopeDim + valueDim);
  const numbers = new Transient('expanded', 4 * positions * outColumns);
  const product = { x: gathered, out: numbers, outColumns, tokens: positions, norm: null };
  multiply(emitter, expansion.groups, { ...product, epilogue: plainEpilogue });

  const headDim = nopeDim + ropeDim;
  const ownKeys = new Transient('keys', 16 * positions * heads * vectorsOf(headDim));
  const ownValues = new Transient('values', 16 * positions * heads * vectorsOf(valueDim));
  const place = kernels.get(`place ${name}`, () => placeHeadsKernel(shape));
  const operands = [numbers, keys, 'tables', ownKeys, ownValues] as const;
  program.dispatch(place, { heads, rows: at }, operands, [heads, positions]);

  const turned = new Transient('queries', 16 * rows * heads * vectorsOf(headDim));
  const turn = kernels.get(`turn ${nopeDim}+${ropeDim}`, () => turnQueriesKernel(shape));
  const uniforms = { ...rotation, heads, scale, tokens: rowTable(job, part) };
  program.dispatch(turn, uniforms, [queries, 'tables', turned], [heads, part.rows.length]);

  attend(emitter, {
    shape: { headDim, valueDim, cache: 'F32' },
    ...{ segments: part.segments, firstRows: part.firstRows, heads, kvHeads: heads },
    ...{ pageSize: expandedPage, fresh: false, queries: turned, keys: ownKeys, values: ownValues },
    ...{ out, workgroupMemory },
  });
}

function tooWide(latentDim: number): MoeqError {
  return new MoeqError({
    operation: 'attend',
    subject: 'latents',
    expected: `at most ${4 * attendSize} numbers`,
    found: `${latentDim}`,
  });
}
