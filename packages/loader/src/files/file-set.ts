// The files of a model, wherever they lie, and the tensors that they store.
import type { DecoderConfig, TensorPlace } from '@moeq/runtime';
import type { ByteSource, DType, Layout, QuantizedTensor, Tensor } from '@moeq/tensors';
import type { Architecture } from '../config/architecture.js';

/** Files by name, e.g. a folder; `open` answers null when there is no such file. */
export interface FileSet {
  /** For messages: the folder, URL or repository. */
  readonly name: string;
  /**
   * Names of the files, or of those in a folder within, e.g. `additional_chat_templates`; of sets that cannot list, as over
   * HTTP, those of the names in use that are there.
   */
  list(folder?: string): Promise<readonly string[]>;
  /** @throws MoeqError for names that leave the set (absolute, `..`, links out of it) */
  open(name: string): Promise<ByteSource | null>;
  /** Where the model is in a container of its own, not in JSON and safetensors files. */
  readonly container?: ModelContainer;
}

/** A container that holds a whole model, e.g. GGUF. */
interface ModelContainer {
  /**
   * What it says of the subjects that other models have JSON files for, by the names and fields of those; null for what it
   * says nothing of. Such files of the set are made of it when they are opened, for conversions.
   * @throws MoeqError for metadata that cannot be read
   */
  data(file: string): Readonly<Record<string, unknown>> | null;
  /** @throws MoeqError naming a tensor that the model does not have */
  weights(model: ContainedModel): Promise<StoredTensors>;
}

export interface ContainedModel {
  readonly architecture: Architecture;
  readonly decoder: DecoderConfig;
}

export interface StoredTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Bytes of its data. */
  readonly bytes: number;
  /** The file it lies in, for messages. */
  readonly file: string;
  read(signal?: AbortSignal): Promise<Tensor>;
  /** @throws MoeqError for a range that is not inside the tensor */
  readBytes(offset: number, length: number, signal?: AbortSignal, into?: Uint8Array): Promise<Uint8Array>;
}

export interface StoredTensors {
  /** By name, in the order of the files. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Those of them that are quantized, where that stands in the container and not in config.json. */
  readonly quantized?: readonly QuantizedWeight[];
  /** Where they belong, where that stands in the container and not in their names. */
  readonly places?: ReadonlyMap<string, TensorPlace>;
  close(): Promise<void>;
}

/** One quantized weight among the stored tensors. */
export interface QuantizedWeight {
  readonly name: string;
  /** The tensors that hold it. */
  readonly parts: readonly StoredTensor[];
  readonly format: string;
  /** The shape that config.json gives it; null where only the data says. */
  readonly shape: readonly number[] | null;
  /**
   * Of an architecture whose plain tensors lie otherwise than the decoder has them (`Arrangement`). `decoder`: this weight
   * lies as the decoder has it; `stored`: only its rows are in the order of the plain tensor. Absent: it lies like the plain
   * tensor in all.
   */
  readonly rows?: 'decoder' | 'stored';
  /** Whether its parts hold the matrices of experts one behind the other, so that `decode` takes those of one too. */
  readonly isStacked?: boolean;
  /**
   * How a matrix [N, K] of it will be laid out, as far as headers say: null where no layout describes it, undefined where only
   * the data says. Tables of the layout may be others.
   */
  layout?(shape: readonly [rows: number, columns: number]): Layout | null | undefined;
  /** @throws MoeqError when the sizes of the parts contradict that shape of the weight */
  assertShape(shape: readonly number[]): void;
  /** @param parts by their full names. @throws MoeqError when they are no such weight */
  decode(parts: Readonly<Record<string, Tensor>>): QuantizedTensor;
}
