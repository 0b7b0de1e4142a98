// Inputs of each layer, made of a token's id and its embedding before the first layer, and the block by which a layer adds its
// own. Gemma 3n and 4; https://github.com/huggingface/transformers, models/gemma4.
//   P = (RMS(D^-0.5 Wm x) + sqrt(P) E[id]) / sqrt(2)    of all layers one after the other, each normed by itself
//   block(h) = Wo (f(Wg h) * P_n)                        of layer n
// A row of E is as wide as the inputs of all layers; it is read by token, as a row of embeddings is.
//
// Shapes: T tokens, D hidden, L layers, P numbers of an input, V' rows of E.
import type { Activation } from '@moeq/kernels';
import type { BlockRun, LayerLoader } from './block.js';
import { type CarriedState, type CarriedTensor, carriedOfKind, type DecoderSizes } from './carried.js';

export interface LayerInputsConfig {
  readonly kind: 'layerInputs';
  /** V' */
  readonly vocabularySize: number;
  /** P */
  readonly dim: number;
}

/** The block of a layer that adds its input. */
export interface LayerInputConfig {
  /** P */
  readonly dim: number;
  /** f, gated. */
  readonly activation: Activation;
}

type Tensor = CarriedTensor<LayerInputsConfig>;

/** L P */
const width = ({ dim }: LayerInputsConfig, { layers }: DecoderSizes) => layers * dim;

const tensors = {
  /** E */
  layerInputEmbedding: {
    role: 'embedding',
    shape: (config, sizes) => [config.vocabularySize, width(config, sizes)],
  },
  /** Wm, as large as dense matrices, and as sensitive. */
  layerInputModelProjection: {
    role: 'denseMlp',
    shape: (config, sizes) => [width(config, sizes), sizes.hidden],
  },
  layerInputNorm: { role: 'norm', shape: ({ dim }) => [dim] },
} as const satisfies Readonly<Record<string, Tensor>>;

type LayerInputsSlot = keyof typeof tensors;

export const layerInputs: CarriedState<LayerInputsConfig, LayerInputsSlot> = {
  tensors,
  parts: (_, { layers }) => [
    ['layerInputEmbedding'], // [V', L P]
    ['layerInputModelProjection'], // [L P, D]
    Array.from({ length: layers }, () => 'layerInputNorm' as const), // [L P]
  ],
  async load(loader, { dim }, { hidden, layers, epsilon }) {
    const table = await loader.matrix(['layerInputEmbedding']);
    const projection = await loader.matrix(['layerInputModelProjection']);
    // RMS(s y) with an epsilon e is RMS(y) with e / s²
    const norm = await loader.normOfParts('layerInputNorm', layers, epsilon * hidden, Math.SQRT1_2);
    const scale = Math.sqrt(dim) * Math.SQRT1_2;
    return (step, ids, x) => {
      const projected = step.norm(step.linear(x, projection), norm); // [T, L P]
      return step.add(projected, step.embed(table, ids, scale)); // [T, L P]
    };
  },
  columns: width,
  activationsPerToken: (config, sizes) => 4 * width(config, sizes) + 2 * config.dim,
};

/** Slots of the tensors of a layer that adds its input. */
export const layerInputParts = {
  layerInputGate: ['layerInputGate'], // [P, D]
  layerInputOutput: ['layerInputOutput'], // [D, P]
} as const;

/** @param index of the layer */
export async function loadLayerInput(
  loader: LayerLoader<keyof typeof layerInputParts>,
  { dim, activation }: LayerInputConfig,
  index: number,
): Promise<BlockRun> {
  const gate = await loader.matrix(layerInputParts.layerInputGate);
  const output = await loader.matrix(layerInputParts.layerInputOutput);
  return (step, x, _place, carried) => {
    const own = { rows: carriedOfKind(carried, 'layerInputs'), first: index * dim };
    const product = step.multiplyGated(step.linear(x, gate), own, activation); // [T, P]
    return { output: step.linear(product, output), routing: null }; // [T, D]
  };
}
