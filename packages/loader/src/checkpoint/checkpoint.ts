// A checkpoint as its reader sees it: an architecture, a validated configuration, and tensors that know their role.
// Plain and quantized tensors look alike; a quantized one counts once, however many tensors the file stores it in.
import type { TensorFacts } from '@moeq/quantizers';
import type { DecoderConfig, Slot } from '@moeq/runtime';
import type { DType, Layout, MoeqError, QuantizedTensor, Tensor } from '@moeq/tensors';
import type { FileSet, StoredTensor } from '../files/file-set.js';

export interface CheckpointTensor {
  /** Name in the checkpoint; of a quantized tensor the name of the weight, not of its planes. */
  readonly facts: TensorFacts;
  /** Which of the decoder's tensors it is; with layer and expert of `facts` its place. null: none, its role is `other`. */
  readonly slot: Slot | null;
  /** What it is stored as: a dtype, or the name of a quantized format. */
  readonly stored: DType | string;
  /** Of a quantized tensor: see `QuantizedWeight`. */
  layout?(shape: readonly [rows: number, columns: number]): Layout | null | undefined;
  /** Bytes in the files, all planes and their descriptions. */
  readonly bytes: number;
  /** Reads its ranges now; nothing is kept. @throws MoeqError naming file and tensor */
  read(signal?: AbortSignal): Promise<Tensor | QuantizedTensor>;
  /**
   * Of a plain tensor: `length` bytes from byte `offset` of its data, so that one expert of a fused tensor, or a piece of
   * an embedding, can be read without the rest. `into` is memory of that length
   * which may be filled and returned in place of new memory. @throws MoeqError for a quantized tensor or a range outside
   */
  readBytes(offset: number, length: number, signal?: AbortSignal, into?: Uint8Array): Promise<Uint8Array>;
  /** Of a plain tensor that lies otherwise in the files than the decoder has it, as it lies there: what is kept is copied so. */
  readonly inFiles?: Pick<StoredTensor, 'shape' | 'readBytes'>;
  /** Of a quantized tensor: the tensors of the files that hold it, as they lie there. */
  readonly parts?: readonly StoredTensor[];
  /** One expert's matrix [N, K] of a quantized tensor that holds all, where it can be read without the others. */
  readMatrix?(expert: number, signal?: AbortSignal): Promise<QuantizedTensor>;
}

export interface Checkpoint {
  readonly name: string;
  readonly files: FileSet;
  /** config.json as it stands. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Its part on the language model; all of it, except in composites. */
  readonly textConfig: Readonly<Record<string, unknown>>;
  /** As config.json and the tensors say: the head is tied to the embedding where the files hold one of them only. */
  readonly decoder: DecoderConfig;
  /** Why the model cannot be run though its tensors can be read, e.g. a rotation that is not known; null: it can. */
  readonly refusal: MoeqError | null;
  /**
   * In the order of the files. Every tensor has a role: `other` are those beside the decoder, each part of a quantized one
   * by itself; what might be a part of the decoder and has no place in it is an error.
   */
  readonly tensors: readonly CheckpointTensor[];
  close(): Promise<void>;
}
