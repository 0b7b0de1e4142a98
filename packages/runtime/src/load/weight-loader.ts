// Brings weights from a source into a backend, part by part: reads, checks the shape against the table of tensors, hands it
// over, drops it, reports. Remembers what it loaded, so that a failure or an abort leaves nothing behind.
//
// Shapes: N rows, K columns, D hidden, F intermediate, E experts.
import type {
  Backend,
  ExpertWeights,
  HeadWeights,
  MatrixData,
  MlpData,
  MlpWeights,
  RowNormSpec,
  Vector,
  Weight,
} from '@moeq/kernels';
import { MoeqError } from '@moeq/tensors';
import type { ModelLoader } from '../decoder/carried.js';
import type { LayerNormConfig, NormConfig, NormSlot } from '../decoder/config.js';
import { describePlace, type Slot, type TensorPosition, tensorShape } from '../decoder/decoder-tensors.js';
import type { MlpLoader } from '../decoder/mlp.js';
import type { MlpName } from '../decoder/mlp-tensors.js';
import type { ModelSource } from '../model-source.js';
import { joined, readMlp } from './read-mlp.js';

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

type LoadedObject = Weight | ExpertWeights | MlpWeights | Vector | HeadWeights;

export class WeightLoader implements ModelLoader<Slot> {
  readonly #source: ModelSource;
  readonly #backend: Backend;
  readonly #total: number;
  readonly #options: LoadOptions;
  readonly #objects: LoadedObject[] = [];
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

  /** The same for one layer. */
  layer(layer: number): LayerWeightLoader {
    return new LayerWeightLoader(this, layer, this.#source);
  }

  /** One weight [N, K] from the matrices of slots, one below the other. */
  async matrix(slots: readonly Slot[], at: TensorPosition = {}): Promise<Weight> {
    const parts = await this.#checkedAll(slots, at);
    const weight = this.#keep(await this.#backend.loadWeight(parts));
    this.#report(parts.length);
    return weight;
  }

  /** A matrix whose rows are divided over so many heads. */
  async heads(slot: Slot, heads: number, at: TensorPosition = {}): Promise<HeadWeights> {
    const weights = this.#keep(await this.#backend.loadHeads(await this.#checked(slot, at), heads));
    this.#report(1);
    return weights;
  }

  /** The weights of a norm within a mixer. */
  norm(slot: Slot, at: TensorPosition): Promise<Vector> {
    return this.vector([slot], at, 1, offsetOf(this.#source.config.norm));
  }

  async normOfParts(slot: Slot, count: number, epsilon: number, factor: number): Promise<RowNormSpec> {
    const slots = Array.from({ length: count }, () => slot);
    const weight = await this.vector(slots, {}, factor, offsetOf(this.#source.config.norm));
    return { weight, epsilon, groups: count };
  }

  /** A norm of the hidden size, what it gives times `factor`. */
  async rowNorm(
    config: NormConfig,
    slot: NormSlot | 'finalNorm',
    at: TensorPosition = {},
    factor = 1,
  ): Promise<RowNormSpec> {
    const { kind, epsilon, weight, bias } = config;
    return {
      weight:
        weight === 'none'
          ? await this.#vectorOf(new Float32Array(this.#source.config.hiddenSize).fill(factor))
          : await this.vector([slot], at, factor, offsetOf(config)),
      epsilon,
      centred: kind === 'layer',
      ...(bias && { bias: await this.vector([`${slot}Bias`], at, factor) }),
    };
  }

  /** The vectors of slots one after the other, plus `offset`, times `factor`. */
  async vector(slots: readonly Slot[], at: TensorPosition = {}, factor = 1, offset = 0): Promise<Vector> {
    const parts = await this.#checkedAll(slots, at);
    const values = joined(parts);
    if (factor !== 1 || offset !== 0)
      for (const [i, value] of values.entries()) values[i] = (value + offset) * factor;
    const vector = await this.#vectorOf(values);
    this.#report(slots.length);
    return vector;
  }

  /** A tensor of one number, which stays here. */
  async number(slot: Slot, at: TensorPosition = {}): Promise<number> {
    return joined([await this.#checked(slot, at)])[0] as number;
  }

  async #vectorOf(values: Float32Array): Promise<Vector> {
    return this.#keep(await this.#backend.loadVector(values));
  }

  async experts(layer: number, count: number): Promise<ExpertWeights> {
    const weights = await this.#backend.loadExperts(count, async (expert) => {
      if (expert > 0) this.#report(1);
      return this.#mlpData('expert', { layer, expert });
    });
    this.#keep(weights);
    this.#report(1);
    return weights;
  }

  async mlp(name: MlpName, at: TensorPosition): Promise<MlpWeights> {
    const weights = this.#keep(await this.#backend.loadMlp(await this.#mlpData(name, at)));
    this.#report(1);
    return weights;
  }

  /** Frees all that was loaded. */
  release(): void {
    for (const object of this.#objects.splice(0)) this.#backend.release(object);
    this.#bytes = 0;
  }

  #mlpData(name: MlpName, at: TensorPosition): Promise<MlpData> {
    return readMlp(this.#source, name, at, (slot) => this.#checked(slot, at));
  }

  /** All at the same time. */
  #checkedAll(slots: readonly Slot[], at: TensorPosition): Promise<MatrixData[]> {
    return Promise.all(slots.map((slot) => this.#checked(slot, at)));
  }

  /** @throws MoeqError for another shape than the configuration gives the tensor */
  async #checked(slot: Slot, at: TensorPosition): Promise<MatrixData> {
    this.#options.signal?.throwIfAborted();
    const data = await this.#source.weights.read(slot, at);
    const expected = tensorShape({ slot, ...at }, this.#source.config) ?? [];
    const { shape: found } = data;
    if (found.length === expected.length && found.every((size, axis) => size === expected[axis])) return data;
    throw new MoeqError({
      operation: `load ${describePlace({ slot, ...at })}`,
      subject: this.#source.name,
      expected: `shape [${expected.join(', ')}] by the configuration`,
      found: `[${found.join(', ')}]`,
    });
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
}

/** What is added to the weights of a norm in files. */
function offsetOf({ weight }: NormConfig): number {
  return weight === 'lessOne' ? 1 : 0;
}

/** Loads the tensors of one layer. */
export class LayerWeightLoader implements MlpLoader {
  readonly #loader: WeightLoader;
  readonly #at: { readonly layer: number };
  readonly #source: ModelSource;

  constructor(loader: WeightLoader, layer: number, source: ModelSource) {
    this.#loader = loader;
    this.#at = { layer };
    this.#source = source;
  }

  /** Of the layer. */
  get index(): number {
    return this.#at.layer;
  }

  has(slot: Slot): boolean {
    return tensorShape({ slot, ...this.#at }, this.#source.config) !== null;
  }

  matrix(slots: readonly Slot[]): Promise<Weight> {
    return this.#loader.matrix(slots, this.#at);
  }

  vector(slots: readonly Slot[]): Promise<Vector> {
    return this.#loader.vector(slots, this.#at);
  }

  norm(slot: Slot): Promise<Vector> {
    return this.#loader.norm(slot, this.#at);
  }

  rowNorm(config: LayerNormConfig, factor = 1): Promise<RowNormSpec> {
    return this.#loader.rowNorm(config, config.slot, this.#at, factor);
  }

  number(slot: Slot): Promise<number> {
    return this.#loader.number(slot, this.#at);
  }

  heads(slot: Slot, heads: number): Promise<HeadWeights> {
    return this.#loader.heads(slot, heads, this.#at);
  }

  mlp(name: Exclude<MlpName, 'expert'>): Promise<MlpWeights> {
    return this.#loader.mlp(name, this.#at);
  }

  experts(count: number): Promise<ExpertWeights> {
    return this.#loader.experts(this.#at.layer, count);
  }
}
