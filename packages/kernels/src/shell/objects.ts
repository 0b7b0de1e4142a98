// The tables behind the objects that a backend hands out, one for each kind, and what frees them.
import { MoeqError } from '@moeq/tensors';
import type {
  Backend,
  ExpertWeights,
  HeadWeights,
  KvCache,
  MlpWeights,
  StateCache,
  Vector,
  Weight,
} from '../backend.js';
import { Handles } from './handles.js';
import type { BackendTypes, Loaded } from './raw-backend.js';

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
