// A row of the table of tensors: what a tensor of the decoder is for, and the shape that a configuration gives it.
import type { Projection, Role } from '@moeq/tensors';
import type { DecoderConfig, LayerConfig } from './config.js';

interface Purpose {
  readonly role: Role;
  readonly projection?: Projection;
}

/** There is one in the model. */
export interface ModelRow extends Purpose {
  readonly of: 'model';
  /** [N, K] of a matrix, [N] of a vector; null where the model has no such tensor. */
  shape(config: DecoderConfig): readonly number[] | null;
}

/** There is one in a layer, or one for each expert of a layer. */
export interface LayerRow extends Purpose {
  readonly of: 'layer' | 'expert';
  /** [N, K] of a matrix, [N] of a vector, of one expert; null where the layer has no such tensor. */
  shape(config: DecoderConfig, layer: LayerConfig): readonly number[] | null;
}

export type TensorRow = ModelRow | LayerRow;

export const modelRow = (role: Role, shape: ModelRow['shape']): ModelRow => ({ of: 'model', role, shape });

export const layerRow = (role: Role, shape: LayerRow['shape'], projection?: Projection): LayerRow => ({
  of: 'layer',
  role,
  shape,
  ...(projection !== undefined && { projection }),
});
