// Brings weights from a source into a backend, one place at a time: reads, checks the shape against the configuration,
// hands it over, drops it, reports. Remembers what it loaded, so that a failure or an abort leaves nothing behind.
//
// Shapes: N rows, K columns, D hidden, F intermediate, E experts.
import type { Backend, ExpertWeights, MatrixData, MlpData, MlpWeights, Vector, Weight } from '@moeq/kernels';
import { MoeqError } from '@moeq/tensors';
import type { MatrixPlace, ModelSource, VectorPlace } from './model-source.js';

export interface LoadProgress {
  /** Matrices, vectors, experts and MLPs loaded so far, and all there are. */
  readonly loaded: number;
  readonly total: number;
  /** Bytes in the backend's memory; those of a layer's experts count when the layer's last one is there. */
  readonly bytes: number;
}

export interface LoadOptions {
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class WeightLoader {
  readonly #source: ModelSource;
  readonly #backend: Backend;
  readonly #total: number;
  readonly #options: LoadOptions;
  readonly #objects: (Weight | ExpertWeights | MlpWeights | Vector)[] = [];
  #loaded = 0;
  #bytes = 0;

  /** @param total how many matrices, vectors, experts and MLPs there will be, for the progress */
  constructor(source: ModelSource, backend: Backend, total: number, options: LoadOptions) {
    this.#source = source;
    this.#backend = backend;
    this.#total = total;
    this.#options = options;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** One weight [N, K] from the matrices of `places`, one below the other; `rows` says how many each has. */
  async matrix(
    places: readonly (readonly [place: MatrixPlace, rows: number])[],
    columns: number,
  ): Promise<Weight> {
    const parts: MatrixData[] = [];
    for (const [place, rows] of places) {
      const data = await this.#read(() => this.#source.weights.matrix(place));
      this.#assertShape(data.shape, [rows, columns], place);
      parts.push(data);
    }
    const weight = this.#keep(await this.#backend.loadWeight(parts));
    this.#report(parts.length);
    return weight;
  }

  /** The vectors of `places` one after the other, times `factor`. */
  async vector(
    places: readonly (readonly [place: VectorPlace, length: number])[],
    factor = 1,
  ): Promise<Vector> {
    const values: number[] = [];
    for (const [place, length] of places) {
      const part = await this.#read(() => this.#source.weights.vector(place));
      this.#assertShape([part.length], [length], place);
      for (const value of part) values.push(value * factor);
    }
    const vector = this.#keep(await this.#backend.loadVector(Float32Array.from(values)));
    this.#report(places.length);
    return vector;
  }

  async experts(
    layer: number,
    experts: number,
    hidden: number,
    intermediate: number,
  ): Promise<ExpertWeights> {
    const weights = await this.#backend.loadExperts(experts, async (index) => {
      if (index > 0) this.#report(1);
      const data = await this.#read(() => this.#source.weights.expert(layer, index));
      this.#assertMlp(data, hidden, intermediate, { kind: `expert ${index}`, layer });
      return data;
    });
    this.#keep(weights);
    this.#report(1);
    return weights;
  }

  async mlp(
    layer: number,
    kind: 'dense' | 'shared',
    hidden: number,
    intermediate: number,
  ): Promise<MlpWeights> {
    const data = await this.#read(() => this.#source.weights.mlp(layer, kind));
    this.#assertMlp(data, hidden, intermediate, { kind: `${kind} MLP`, layer });
    const weights = this.#keep(await this.#backend.loadMlp(data));
    this.#report(1);
    return weights;
  }

  /** Frees all that was loaded. */
  release(): void {
    for (const object of this.#objects.splice(0)) this.#backend.release(object);
    this.#bytes = 0;
  }

  #read<Data>(read: () => Promise<Data>): Promise<Data> {
    this.#options.signal?.throwIfAborted();
    return read();
  }

  #keep<Loaded extends Weight | ExpertWeights | MlpWeights | Vector>(object: Loaded): Loaded {
    this.#objects.push(object);
    this.#bytes += object.bytes;
    return object;
  }

  #report(count: number): void {
    this.#loaded += count;
    this.#options.onProgress?.({ loaded: this.#loaded, total: this.#total, bytes: this.#bytes });
  }

  #assertMlp(
    data: MlpData,
    hidden: number,
    intermediate: number,
    place: { kind: string; layer: number },
  ): void {
    const rows = data.gateUp.reduce((total, part) => total + (part.shape[0] ?? 0), 0);
    for (const part of data.gateUp)
      this.#assertShape([rows, ...part.shape.slice(1)], [2 * intermediate, hidden], place);
    if (data.gateUp.length === 0) this.#assertShape([], [2 * intermediate, hidden], place);
    this.#assertShape(data.down.shape, [hidden, intermediate], place);
  }

  #assertShape(found: readonly number[], expected: readonly number[], place: Place): void {
    if (found.length === expected.length && found.every((size, index) => size === expected[index])) return;
    throw new MoeqError({
      operation: `load ${describe(place)}`,
      subject: this.#source.name,
      expected: `shape [${expected.join(', ')}] by the configuration`,
      found: `[${found.join(', ')}]`,
    });
  }
}

interface Place {
  readonly kind: string;
  readonly layer?: number;
  readonly projection?: string;
}

function describe({ kind, layer, projection }: Place): string {
  const what = projection === undefined ? kind : `${kind} ${projection}`;
  return layer === undefined ? what : `${what} of layer ${layer}`;
}
