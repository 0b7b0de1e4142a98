// What a case works with: the backend, random numbers of its own, and loading that is undone when the case ends.
import { type ErrorCode, isQuantized, type Layout, MoeqError } from '@moeq/tensors';
import type { Backend } from '../backend.js';
import type {
  ExpertWeights,
  HeadWeights,
  KvCache,
  KvCacheSpec,
  MatrixData,
  MlpData,
  MlpWeights,
  StateCache,
  StateCacheSpec,
  Vector,
  Weight,
} from '../resources.js';
import type { Activations, Step } from '../step.js';
import { countCheck } from './compare.js';
import type { Numbers } from './naive.js';
import type { Random } from './random.js';

/** Rms error over the typical output. */
export interface Tolerance {
  /** Plain weights or none. */
  readonly float: number;
  /** Weights with a layout; one for all, or by layout. */
  readonly quantized: number | ((layout: Layout) => number);
}

export interface Case {
  readonly name: string;
  run(bench: Bench): Promise<void>;
}

export class Bench {
  readonly backend: Backend;
  readonly random: Random;
  readonly tolerance: Tolerance;
  /** A second backend of the same make. The case destroys it. */
  readonly another: () => Promise<Backend>;
  readonly #owned: Parameters<Backend['release']>[0][] = [];

  constructor(backend: Backend, random: Random, tolerance: Tolerance, another: () => Promise<Backend>) {
    this.backend = backend;
    this.random = random;
    this.tolerance = tolerance;
    this.another = another;
  }

  /** What results of these weights may be off. */
  tolerated(matrices: readonly MatrixData[]): number {
    const { float, quantized } = this.tolerance;
    const each = matrices.map((matrix) => {
      if (!isQuantized(matrix) || matrix.layout === null) return float;
      return typeof quantized === 'number' ? quantized : quantized(matrix.layout);
    });
    return Math.max(...each);
  }

  #own<Held extends Parameters<Backend['release']>[0]>(object: Held): Held {
    this.#owned.push(object);
    return object;
  }

  async weight(...parts: readonly { readonly data: MatrixData }[]): Promise<Weight> {
    return this.#own(await this.backend.loadWeight(parts.map((part) => part.data)));
  }

  async vector(values: Float32Array): Promise<Vector> {
    return this.#own(await this.backend.loadVector(values));
  }

  async mlp(data: MlpData): Promise<MlpWeights> {
    return this.#own(await this.backend.loadMlp(data));
  }

  async experts(data: readonly MlpData[]): Promise<ExpertWeights> {
    return this.#own(await this.backend.loadExperts(data.length, async (e) => data[e] as MlpData));
  }

  async heads(matrix: { readonly data: MatrixData }, heads: number): Promise<HeadWeights> {
    return this.#own(await this.backend.loadHeads(matrix.data, heads));
  }

  cache(spec: KvCacheSpec): KvCache {
    return this.#own(this.backend.createKvCache(spec));
  }

  states(spec: StateCacheSpec): StateCache {
    return this.#own(this.backend.createStateCache(spec));
  }

  /** Numbers, rounded to float32, as activations of any step. */
  input(x: Numbers): (step: Step) => Activations {
    const values = Float32Array.from(x.values);
    return (step) => step.input(values, x.rows);
  }

  /** Normal numbers, float32. */
  normals(rows: number, columns: number, scale = 1): Numbers {
    return { rows, columns, values: this.random.normals(rows * columns, scale) };
  }

  /** One step whose body's result is read. */
  async run(body: (step: Step) => Activations): Promise<Float32Array> {
    return this.backend.step(async (step) => step.read(body(step)));
  }

  /** Releases what the case loaded. */
  clear(): void {
    for (const object of this.#owned.splice(0)) this.backend.release(object);
  }

  /** For cases that release an object themselves. */
  release(object: Parameters<Backend['release']>[0]): void {
    this.#owned.splice(this.#owned.indexOf(object), 1);
    this.backend.release(object);
  }
}

/** 0 to count - 1. */
export function range(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i);
}

/** Throws unless `work` fails, at once or later, with a MoeqError that says it has found this. */
export async function assertRefused(what: string, found: string, work: () => unknown): Promise<void> {
  countCheck();
  let outcome = 'nothing thrown';
  try {
    await work();
  } catch (error) {
    if (MoeqError.isInstance(error) && error.found.includes(found)) return;
    outcome = `thrown: ${error}`;
  }
  throw new Error(`${what}: expected a MoeqError that has found ${found}; ${outcome}`);
}

/** Throws unless `work` fails, at once or later, with a MoeqError of this code that says exactly this. */
export async function assertSaid(
  what: string,
  code: ErrorCode,
  sentence: string,
  work: () => unknown,
): Promise<void> {
  countCheck();
  let outcome = 'nothing thrown';
  try {
    await work();
  } catch (error) {
    if (MoeqError.isInstance(error) && error.code === code && error.message === sentence) return;
    outcome = `thrown: ${error}${MoeqError.isInstance(error) ? ` (${error.code})` : ''}`;
  }
  throw new Error(`${what}: expected a MoeqError of code ${code} that says "${sentence}"; ${outcome}`);
}
