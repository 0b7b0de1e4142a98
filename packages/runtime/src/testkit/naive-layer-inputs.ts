// Inputs of layers in float64, from transformers' Gemma 4: the embedding of a layer and token, and the projection of the token's
// embedding, normed.
//
// Shapes: L layers, T tokens, D hidden, P numbers of an input.
import type { ModelSource } from '../model-source.js';
import { add, chunks, type Matrix, multiply, type Row, rmsNorm, scaled, toMatrix } from './rows.js';

/**
 * @param x embeddings [T][D], times their factor
 * @param normWeight [P]
 * @returns [L][T][P]; null where the decoder has none
 */
export async function layerInputs(
  { config, weights }: ModelSource,
  ids: readonly number[],
  x: Matrix,
  normWeight: () => Promise<Row>,
): Promise<Matrix[] | null> {
  const found = config.carried?.find(({ kind }) => kind === 'layerInputs');
  if (found === undefined) return null;
  const table = toMatrix(await weights.read('layerInputEmbedding'));
  const projection = toMatrix(await weights.read('layerInputModelProjection'));
  const norm = await normWeight();
  const tokens = x.map((row, t) => {
    const projected = scaled(multiply(projection, row), config.hiddenSize ** -0.5);
    const own = chunks(scaled(table[ids[t] ?? 0] ?? [], found.dim ** 0.5), found.dim);
    return chunks(projected, found.dim).map((part, layer) =>
      scaled(add(rmsNorm(part, norm, config.norm.epsilon), own[layer] ?? []), 2 ** -0.5),
    );
  }); // [T][L][P]
  return config.layers.map((_, layer) => tokens.map((layers) => layers[layer] ?? []));
}
