// A model source of random weights for tests, with every option of the decoder: shapes are given, numbers come from a
// seed. Its tokenizer's tokens are byte strings, cut across characters as byte-level BPE cuts them.
import type { MatrixData, MlpData } from '@moeq/kernels';
import type { DecoderConfig, ModelSource, WeightReader } from '../model-source.js';
import { type Random, seededRandom } from '../random.js';
import { byteTokenizer } from './byte-tokenizer.js';

/** Mixtral's choices at a size that a naive implementation can compute. */
export const tinyMixtral: DecoderConfig = {
  architecture: 'mixtral',
  vocabularySize: 40,
  hiddenSize: 16,
  layers: [mixtralLayer(5, 2, 12), mixtralLayer(5, 2, 12)],
  contextLength: 64,
  normEpsilon: 1e-5,
  embeddingScale: 1,
  residualScale: 1,
  logitsScale: 1,
  tiedHead: false,
  attention: {
    heads: 4,
    kvHeads: 2,
    headDim: 6,
    scale: 6 ** -0.5,
    rope: { theta: 10_000, rotatedDim: 6, style: 'halves' },
    queryKeyNorm: null,
    bias: { qkv: false, output: false },
    clip: null,
  },
};

export function mixtralLayer(
  experts: number,
  expertsPerToken: number,
  intermediateSize: number,
): DecoderConfig['layers'][number] {
  return {
    window: null,
    mlp: {
      kind: 'moe',
      route: { experts, expertsPerToken, score: 'softmax', normalizeTopK: true },
      intermediateSize,
      activation: 'silu',
      correctionBias: false,
      shared: null,
    },
  };
}

/** Token ids of a prompt, the same for the same seed. */
export function someIds({ vocabularySize }: DecoderConfig, length: number, seed: number): number[] {
  return Array.from({ length }, (_, index) => (seed * 31 + index * index * 7 + index * 3) % vocabularySize);
}

/** Weights that the tests can look at again: the same place gives the same numbers however often it is read. */
export function randomSource(config: DecoderConfig, seed: number): ModelSource {
  return {
    name: `random-${seed}`,
    config,
    weights: randomWeights(config, seed),
    tokenizer: byteTokenizer(Array.from({ length: config.vocabularySize }, (_, id) => [0x61 + (id % 26)])),
    formatChat: (messages) => messages.map(({ content }) => content).join(''),
    stopTokenIds: [],
    generation: {},
    close: async () => undefined,
  };
}

function randomWeights(config: DecoderConfig, seed: number): WeightReader {
  const { vocabularySize, hiddenSize, attention } = config;
  const random = (place: object): Random => seededRandom(seed, hash(JSON.stringify(place)));
  const projectionRows = (projection: string) =>
    projection === 'output'
      ? hiddenSize
      : (projection === 'query' ? attention.heads : attention.kvHeads) * attention.headDim;
  const mlp = (place: object, intermediate: number): MlpData => ({
    gateUp: [
      matrix(random({ ...place, part: 'gate' }), intermediate, hiddenSize),
      matrix(random({ ...place, part: 'up' }), intermediate, hiddenSize),
    ],
    down: matrix(random({ ...place, part: 'down' }), hiddenSize, intermediate),
  });
  const moe = (layer: number) => {
    const config_ = config.layers[layer]?.mlp;
    if (config_?.kind !== 'moe') throw new Error(`layer ${layer} has no experts`);
    return config_;
  };

  return {
    async matrix(place) {
      switch (place.kind) {
        case 'embedding':
        case 'head':
          return matrix(random(place), vocabularySize, hiddenSize);
        case 'router':
          return matrix(random(place), moe(place.layer).route.experts, hiddenSize);
        case 'sharedExpertGate':
          return matrix(random(place), 1, hiddenSize);
        case 'attention': {
          const columns = place.projection === 'output' ? attention.heads * attention.headDim : hiddenSize;
          return matrix(random(place), projectionRows(place.projection), columns);
        }
      }
    },
    async vector(place) {
      switch (place.kind) {
        case 'queryNorm':
        case 'keyNorm': {
          const heads = place.kind === 'queryNorm' ? attention.heads : attention.kvHeads;
          return vector(
            random(place),
            attention.queryKeyNorm === 'all' ? heads * attention.headDim : attention.headDim,
            1,
          );
        }
        case 'bias':
          return vector(random(place), projectionRows(place.projection), 0);
        case 'correctionBias':
          return vector(random(place), moe(place.layer).route.experts, 0);
        default:
          return vector(random(place), hiddenSize, 1);
      }
    },
    expert: async (layer, expert) => mlp({ layer, expert }, moe(layer).intermediateSize),
    async mlp(layer, kind) {
      const layerMlp = config.layers[layer]?.mlp;
      const intermediate =
        layerMlp?.kind === 'moe' ? layerMlp.shared?.intermediateSize : layerMlp?.intermediateSize;
      return mlp({ layer, kind }, intermediate ?? 0);
    },
  };
}

function matrix(random: Random, rows: number, columns: number): MatrixData {
  const values = Float32Array.from({ length: rows * columns }, () => (random() - 0.5) * 4 * columns ** -0.5);
  return { dtype: 'F32', shape: [rows, columns], data: new Uint8Array(values.buffer) };
}

function vector(random: Random, length: number, centre: number): Float32Array {
  return Float32Array.from({ length }, () => centre + (random() - 0.5) / 2);
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    state = Math.imul(state ^ text.charCodeAt(index), 0x01000193);
  return state >>> 0;
}
