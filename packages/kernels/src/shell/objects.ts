// The tables behind the objects that a backend hands out, one for each kind, and what frees them.
import { MoeqError } from '@moeq/tensors';
import type { Backend } from '../backend.js';
import type {
  ExpertWeights,
  HeadWeights,
  KvCache,
  MlpWeights,
  StateCache,
  Vector,
  Weight,
} from '../resources.js';
import { Handles } from './handles.js';

/** The types that a backend works with in place of the objects of the contract. */
export interface BackendTypes {
  /** A result of a step, float32 [rows, columns], or a routing: Int32 [T, A], then Float32 [T, A]. */
  readonly node: unknown;
  readonly weight: unknown;
  readonly experts: unknown;
  readonly mlp: unknown;
  readonly vector: unknown;
  readonly heads: unknown;
  readonly cache: unknown;
  /** A state cache. */
  readonly state: unknown;
}

/** Something in the backend's memory. */
export interface Loaded<Data> {
  readonly data: Data;
  /** Bytes held, padding included. */
  readonly bytes: number;
  /** Gives the memory back. Called once at most, while no step runs; not called when the backend stops. */
  free(): void;
}

export class BackendObjects<T extends BackendTypes> {
  readonly weights = new Handles<Weight, T['weight']>('weight');
  readonly experts = new Handles<ExpertWeights, T['experts']>('experts');
  readonly mlps = new Handles<MlpWeights, T['mlp']>('MLP weights');
  readonly vectors = new Handles<Vector, T['vector']>('vector');
  readonly heads = new Handles<HeadWeights, T['heads']>('head weights');
  readonly caches = new Handles<KvCache, T['cache']>('KV cache');
  readonly states = new Handles<StateCache, T['state']>('state cache');
  readonly #frees = new Map<object, () => void>();

  /** Adds an object to one of the tables. */
  hold<Handle extends object, Data>(
    handles: Handles<Handle, Data>,
    handle: Handle,
    { data, free }: Loaded<Data>,
  ): Handle {
    this.#frees.set(handle, free);
    return handles.add(handle, data);
  }

  /**
   * Forgets an object.
   * @returns what gives its memory back
   * @throws MoeqError `deadObject` when it is in no table
   */
  release(object: Parameters<Backend['release']>[0]): () => void {
    const free = this.#frees.get(object);
    if (free === undefined) {
      throw new MoeqError({
        code: 'deadObject',
        operation: 'release',
        subject: 'object',
        expected: 'one that this backend made and still holds',
        found: 'one that is released or of another backend',
      });
    }
    this.#frees.delete(object);
    for (const handles of this.#tables()) handles.delete(object);
    return free;
  }

  /** Forgets all objects; their memory goes with the backend. */
  clear(): void {
    this.#frees.clear();
    for (const handles of this.#tables()) handles.clear();
  }

  #tables() {
    return [this.weights, this.experts, this.mlps, this.vectors, this.heads, this.caches, this.states];
  }
}
