// Gated delta net: short convolutions of queries, keys and values, the gated delta rule over a matrix of each head, and a
// gated norm of what it gives. Yang et al., arXiv 2412.06464; Qwen3-Next (transformers models/qwen3_next). A sequence keeps
// the last inputs of the convolutions and the matrices, whatever its length.
//
// Shapes: T tokens, D hidden, H heads, HK key heads, C key dimension, CV value dimension, k taps.
import type { ConvolutionSpec, DeltaRuleSpec } from '@moeq/kernels';
import type { Mixer, MixerTensor } from './block.js';
import { convolvedStatesNeed, convolvedStatesPlace } from './convolved-states.js';

export interface DeltaNetConfig {
  readonly kind: 'deltaNet';
  /** H, a multiple of HK. */
  readonly heads: number;
  /** HK */
  readonly keyHeads: number;
  /** C */
  readonly keyDim: number;
  /** CV */
  readonly valueDim: number;
  /** k, at least 2: inputs that an output of a convolution is made of. */
  readonly taps: number;
  /**
   * How rows of the input projections lie in files: in groups, of each key head its query, key, values and gates, and in a
   * second matrix its betas and decays (Qwen3-Next), or each kind in a matrix of its own (Qwen3.5).
   */
  readonly rows: 'grouped' | 'apart';
}

type Tensor = MixerTensor<DeltaNetConfig>;
type Shape = Tensor['shape'];

const valueWidth = ({ heads, valueDim }: DeltaNetConfig) => heads * valueDim;
/** Queries, keys and values. */
const channels = (config: DeltaNetConfig) => 2 * config.keyHeads * config.keyDim + valueWidth(config);

const matrix = (shape: Shape): Tensor => ({ role: 'attention', shape });
const input = (of: DeltaNetConfig['rows'], rows: (config: DeltaNetConfig) => number): Tensor =>
  matrix((config, hidden) => (config.rows === of ? [rows(config), hidden] : null));

const tensors = {
  deltaQkvz: input('grouped', (config) => channels(config) + valueWidth(config)),
  deltaBetaDecay: input('grouped', ({ heads }) => 2 * heads),
  deltaQkv: input('apart', channels),
  deltaGate: input('apart', valueWidth),
  deltaBeta: input('apart', ({ heads }) => heads),
  deltaDecay: input('apart', ({ heads }) => heads),
  /** As PyTorch's Conv1d has it. */
  deltaTaps: { role: 'attention', shape: (config) => [channels(config), 1, config.taps] },
  /** ln of the rate of decay of a head. */
  deltaDecayLog: { role: 'norm', shape: ({ heads }) => [heads] },
  deltaDecayBias: { role: 'norm', shape: ({ heads }) => [heads] },
  deltaNorm: { role: 'norm', shape: ({ valueDim }) => [valueDim] },
  deltaOutput: matrix((config, hidden) => [hidden, valueWidth(config)]),
} satisfies Readonly<Record<string, Tensor>>;

type DeltaNetSlot = keyof typeof tensors;

const parts = {
  // [2 HK C + 2 H CV + 2 H, D]
  input: ['deltaQkvz', 'deltaBetaDecay', 'deltaQkv', 'deltaGate', 'deltaBeta', 'deltaDecay'],
  taps: ['deltaTaps'], // [2 HK C + H CV, 1, k]
  rule: ['deltaDecayLog', 'deltaDecayBias', 'deltaNorm'], // [H], [H], [CV]
  output: ['deltaOutput'], // [D, H CV]
} as const satisfies Readonly<Record<string, readonly DeltaNetSlot[]>>;

export const deltaNet: Mixer<DeltaNetConfig, DeltaNetSlot> = {
  tensors,
  parts,
  async load(loader, config, epsilon) {
    const input = await loader.matrix(parts.input.filter((slot) => loader.has(slot)));
    const taps = await loader.vector(parts.taps);
    const weights = await loader.vector(parts.rule);
    const output = await loader.matrix(parts.output);
    const { convolution, rule } = specsOf(config, epsilon);
    return (step, x, place) => {
      const { inputs, states, layer, segments } = convolvedStatesPlace(place);
      const rows = step.linear(x, input);
      const qkv = step.convolution(rows, taps, inputs, layer, segments, convolution); // [T, 2 HK C + H CV]
      const all = { beta: rows, decay: rows, gate: rows };
      const heads = step.deltaRule(qkv, all, weights, states, layer, segments, rule); // [T, H CV]
      return { output: step.linear(heads, output), routing: null }; // [T, D]
    };
  },
  cache: (config) =>
    convolvedStatesNeed(
      { channels: channels(config), taps: config.taps },
      { parts: config.heads, size: config.keyDim * config.valueDim },
    ),
  activationsPerToken: (config) => 2 * channels(config) + 2 * valueWidth(config) + 2 * config.heads,
};

/** Where queries, keys, values, gates, betas and decays stand in a row of the input projections. */
function specsOf(
  config: DeltaNetConfig,
  epsilon: number,
): { convolution: ConvolutionSpec; rule: DeltaRuleSpec } {
  const { heads, keyHeads, keyDim, valueDim, taps } = config;
  const group = heads / keyHeads;
  const convolution = { taps, gated: false, silu: true };
  const rule = {
    ...{ heads, keyHeads, keyDim, valueDim, epsilon },
    decayPer: 'head',
    gate: 'silu',
  } as const;
  if (config.rows === 'grouped') {
    const values = group * valueDim;
    const stride = 2 * keyDim + 2 * values;
    const place = (at: number) => ({ at, stride });
    const second = (at: number) => ({ at: keyHeads * stride + at, stride: 2 * group });
    const columns = {
      groups: keyHeads,
      parts: [
        { ...place(0), width: keyDim },
        { ...place(keyDim), width: keyDim },
        { ...place(2 * keyDim), width: values },
      ],
    };
    const places = { gate: place(2 * keyDim + values), beta: second(0), decay: second(group) };
    return { convolution: { ...convolution, columns }, rule: { ...rule, places } };
  }
  const all = channels(config);
  const run = (at: number, width: number) => ({ at, stride: width, width });
  const keys = keyHeads * keyDim;
  const columns = {
    groups: keyHeads,
    parts: [run(0, keyDim), run(keys, keyDim), run(2 * keys, group * valueDim)],
  };
  const places = {
    gate: { at: all, stride: group * valueDim },
    beta: { at: all + heads * valueDim, stride: group },
    decay: { at: all + heads * valueDim + heads, stride: group },
  };
  return { convolution: { ...convolution, columns }, rule: { ...rule, places } };
}
