// A model source of random weights for tests, with every option of the decoder: shapes are given, numbers come from a
// seed. Its tokenizer's tokens are byte strings, cut across characters as byte-level BPE cuts them.
import type { MatrixData } from '@moeq/kernels';
import type { AttentionConfig } from '../decoder/attention.js';
import type { DecoderConfig, LayerConfig, MoeConfig, NormConfig } from '../decoder/config.js';
import { decoderTensors, tensorShape } from '../decoder/decoder-tensors.js';
import type { DeltaNetConfig } from '../decoder/delta-net.js';
import type { KimiDeltaConfig } from '../decoder/kimi-delta.js';
import type { LatentConfig } from '../decoder/latent.js';
import { sequentialLayer } from '../decoder/layer.js';
import type { MambaConfig } from '../decoder/mamba-config.js';
import type { MixerConfig } from '../decoder/mixers.js';
import type { ShortConvConfig } from '../decoder/short-conv.js';
import type { ModelSource, WeightReader } from '../model-source.js';
import { type Random, seededRandom } from '../sampling/random.js';
import { byteTokenizer } from './byte-tokenizer.js';

/** Grouped heads without norms, biases or a window. */
export const tinyAttention: AttentionConfig = {
  kind: 'attention',
  heads: 4,
  kvHeads: 2,
  headDim: 6,
  scale: 6 ** -0.5,
  rope: { theta: 10_000, rotatedDim: 6, style: 'halves' },
  queryKeyNorm: null,
  bias: { qkv: false, output: false },
  clip: null,
  window: null,
  sinks: false,
  gate: null,
};

/** DeepSeek-V3's mixer at the size of `tinyMixtral`. */
export const tinyLatent: LatentConfig = {
  kind: 'latent',
  heads: 4,
  queryLatentDim: 8,
  nopeDim: 6,
  ropeDim: 4,
  latentDim: 10,
  valueDim: 5,
  scale: 10 ** -0.5,
  rope: { theta: 10_000, rotatedDim: 4, style: 'interleaved' },
  normEpsilon: 1e-6,
  bias: false,
};

/** LFM2's mixer at the size of `tinyMixtral`. */
export const tinyShortConv: ShortConvConfig = { kind: 'shortConv', channels: 16, taps: 3 };

/** Qwen3-Next's mixer at the size of `tinyMixtral`. */
export const tinyDeltaNet: DeltaNetConfig = {
  kind: 'deltaNet',
  heads: 4,
  keyHeads: 2,
  keyDim: 5,
  valueDim: 6,
  taps: 4,
  rows: 'grouped',
};

/** Kimi Linear's mixer at the size of `tinyMixtral`. */
export const tinyKimiDelta: KimiDeltaConfig = { kind: 'kimiDelta', heads: 3, headDim: 5, taps: 4 };

/** Mamba 2 at the size of `tinyMixtral`, with groups. */
export const tinyMamba2: MambaConfig = {
  kind: 'mamba',
  version: 2,
  heads: 6,
  headDim: 3,
  stateDim: 5,
  groups: 2,
  normGroups: 2,
  taps: 4,
  tapsBias: true,
  bias: false,
  leastTimeStep: 0,
  largestTimeStep: Number.POSITIVE_INFINITY,
};

/** Jamba's mixer at the size of `tinyMixtral`. */
export const tinyMamba: MambaConfig = {
  kind: 'mamba',
  version: 1,
  heads: 14,
  headDim: 1,
  stateDim: 5,
  groups: 1,
  timeStepRank: 3,
  taps: 3,
  tapsBias: true,
  bias: false,
};

/** As most have it. */
export const tinyNorm: NormConfig = { kind: 'rms', epsilon: 1e-5, weight: 'plain', bias: false };

/** Mixtral's choices at a size that a naive implementation can compute. */
export const tinyMixtral: DecoderConfig = {
  architecture: 'mixtral',
  vocabularySize: 40,
  hiddenSize: 16,
  layers: [mixtralLayer(5, 2, 12), mixtralLayer(5, 2, 12)],
  contextLength: 64,
  norm: tinyNorm,
  embeddingScale: 1,
  logitsScale: 1,
  tiedHead: false,
  headBias: false,
};

/** The same with inputs of each layer, as Gemma 4 has them. */
export const tinyInputs: DecoderConfig = {
  ...tinyMixtral,
  embeddingScale: 4,
  layers: [mixtralLayer(5, 2, 12), mixtralLayer(6, 2, 8)].map(({ blocks }) => ({
    blocks: [
      ...blocks,
      {
        layerInput: { dim: 3, activation: { kind: 'geluTanh', gated: true } },
        norm: null,
        postNorm: { slot: 'layerInputPostNorm', ...tinyNorm },
        residualScale: 1,
      },
    ],
  })),
  carried: [{ kind: 'layerInputs', vocabularySize: 43, dim: 3 }],
};

export function mixtralLayer(
  experts: number,
  expertsPerToken: number,
  intermediateSize: number,
  mixer: MixerConfig = tinyAttention,
): LayerConfig {
  return sequentialLayer({ mixer, mlp: tinyMoe(experts, expertsPerToken, intermediateSize), norm: tinyNorm });
}

export function tinyMoe(experts: number, expertsPerToken: number, intermediateSize: number): MoeConfig {
  return {
    kind: 'moe',
    route: { experts, expertsPerToken, score: 'softmax', normalizeTopK: true },
    intermediateSize,
    activation: { kind: 'silu', gated: true },
    bias: false,
    routerBias: false,
    correctionBias: false,
    shared: null,
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
  return {
    has: (slot, at = {}) => slot !== 'expertGateUp' && tensorShape({ slot, ...at }, config) !== null,
    async read(slot, { layer, expert } = {}) {
      const place = { slot, layer, expert };
      const shape = tensorShape(
        { slot, ...(layer !== undefined && { layer }), ...(expert !== undefined && { expert }) },
        config,
      );
      if (shape === null) throw new Error(`there is no ${JSON.stringify(place)}`);
      const random = seededRandom(seed, hash(JSON.stringify(place)));
      const [rows = 0, columns, ...rest] = shape;
      if (rest.length > 0) return { ...matrix(random, rows, rest[0] ?? 1), shape };
      if (columns !== undefined) return matrix(random, rows, columns);
      return vector(random, rows, decoderTensors[slot].role === 'norm' ? 1 : 0);
    },
  };
}

function matrix(random: Random, rows: number, columns: number): MatrixData {
  const values = Float32Array.from({ length: rows * columns }, () => (random() - 0.5) * 4 * columns ** -0.5);
  return plain([rows, columns], values);
}

function vector(random: Random, length: number, centre: number): MatrixData {
  return plain(
    [length],
    Float32Array.from({ length }, () => centre + (random() - 0.5) / 2),
  );
}

/** Float32 values as a tensor. */
export function plain(shape: readonly number[], values: Float32Array): MatrixData {
  return { dtype: 'F32', shape, data: new Uint8Array(values.buffer) };
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    state = Math.imul(state ^ text.charCodeAt(index), 0x01000193);
  return state >>> 0;
}
