// What the tensors of a model in GGUF are read from.
import type { ByteSource, GgufEntry } from '@moeq/tensors';
import type { ContainedModel } from '../files/file-set.js';
import type { GgufArchitecture } from './architecture.js';

/** The tensors of one file. */
interface Directory {
  readonly source: ByteSource;
  readonly tensors: ReadonlyMap<string, GgufEntry>;
}

export interface GgufWeights extends ContainedModel {
  /** The files of the model. */
  readonly parts: readonly Directory[];
  readonly gguf: GgufArchitecture;
  /** Layers by the metadata: those behind the decoder's predict further tokens and are not run. */
  readonly blocks: number;
}
