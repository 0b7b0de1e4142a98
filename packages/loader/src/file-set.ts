// The files of a model, wherever they lie, and the tensors that they store.
import type { ByteSource, DType, Layout, QuantizedTensor, Tensor } from '@moeq/tensors';

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
  /** The weights, where they do not lie in safetensors files of the set. */
  weights?(): Promise<StoredTensors>;
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
  /** Those of them that are quantized, where the container itself says so and not config.json. */
  readonly quantized?: readonly QuantizedWeight[];
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
   * How a matrix [N, K] of it will be laid out, as far as headers say: null where no layout describes it, undefined where only
   * the data says. Tables of the layout may be others.
   */
  layout?(shape: readonly [rows: number, columns: number]): Layout | null | undefined;
  /** @throws MoeqError when the sizes of the parts contradict that shape of the weight */
  assertShape(shape: readonly number[]): void;
  /** @param parts by their full names. @throws MoeqError when they are no such weight */
  decode(parts: Readonly<Record<string, Tensor>>): QuantizedTensor;
}
