// Kimi Delta Attention: a gated delta net whose states fade by channel of the keys, and whose decays and output gates come
// through narrow matrices. Kimi Linear, arXiv 2510.26692; transformers models/kimi_linear. A sequence keeps the last inputs
// of the convolutions and the matrices, whatever its length.
//
// Shapes: T tokens, D hidden, H heads, C dimension of a head, k taps.
import type { ConvolutionSpec, DeltaRuleSpec } from '@moeq/kernels';
import type { Mixer, MixerTensor } from './block.js';
import { convolvedStatesNeed, convolvedStatesPlace } from './convolved-states.js';

export interface KimiDeltaConfig {
  readonly kind: 'kimiDelta';
  /** H */
  readonly heads: number;
  /** C: of keys and of values, and the rank of decays and gates. */
  readonly headDim: number;
  /** k, at least 2: inputs that an output of a convolution is made of. */
  readonly taps: number;
}

type Tensor = MixerTensor<KimiDeltaConfig>;
type Shape = Tensor['shape'];

const width = ({ heads, headDim }: KimiDeltaConfig) => heads * headDim;

const matrix = (shape: Shape): Tensor => ({ role: 'attention', shape });
const wide = matrix((config, hidden) => [width(config), hidden]);
const down = matrix(({ headDim }, hidden) => [headDim, hidden]);
const up = matrix((config) => [width(config), config.headDim]);
/** As PyTorch's Conv1d has it. */
const taps = matrix((config) => [width(config), 1, config.taps]);

const tensors = {
  kimiQuery: wide,
  kimiKey: wide,
  kimiValue: wide,
  kimiBeta: matrix(({ heads }, hidden) => [heads, hidden]),
  kimiQueryTaps: taps,
  kimiKeyTaps: taps,
  kimiValueTaps: taps,
  kimiDecayDown: down,
  kimiDecayUp: up,
  /** ln of the rate of decay of a head. */
  kimiDecayLog: { role: 'norm', shape: ({ heads }) => [1, 1, heads, 1] },
  kimiDecayBias: { role: 'norm', shape: (config) => [width(config)] },
  kimiGateDown: down,
  kimiGateUp: up,
  kimiNorm: { role: 'norm', shape: ({ headDim }) => [headDim] },
  kimiOutput: matrix((config, hidden) => [hidden, width(config)]),
} satisfies Readonly<Record<string, Tensor>>;

type KimiDeltaSlot = keyof typeof tensors;

const parts = {
  input: ['kimiQuery', 'kimiKey', 'kimiValue', 'kimiBeta'], // [3 H C + H, D]
  taps: ['kimiQueryTaps', 'kimiKeyTaps', 'kimiValueTaps'], // [3 H C, 1, k]
  decayDown: ['kimiDecayDown'], // [C, D]
  decayUp: ['kimiDecayUp'], // [H C, C]
  gateDown: ['kimiGateDown'],
  gateUp: ['kimiGateUp'],
  rule: ['kimiDecayLog', 'kimiDecayBias', 'kimiNorm'], // [H], [H C], [C]
  output: ['kimiOutput'], // [D, H C]
} as const satisfies Readonly<Record<string, readonly KimiDeltaSlot[]>>;

export const kimiDelta: Mixer<KimiDeltaConfig, KimiDeltaSlot> = {
  tensors,
  parts,
  async load(loader, config, epsilon) {
    const input = await loader.matrix(parts.input);
    const weight = await loader.vector(parts.taps);
    const [decayDown, decayUp] = [await loader.matrix(parts.decayDown), await loader.matrix(parts.decayUp)];
    const [gateDown, gateUp] = [await loader.matrix(parts.gateDown), await loader.matrix(parts.gateUp)];
    const weights = await loader.vector(parts.rule);
    const output = await loader.matrix(parts.output);
    const { convolution, rule } = specsOf(config, epsilon);
    return (step, x, place) => {
      const { inputs, states, layer, segments } = convolvedStatesPlace(place);
      const beta = step.linear(x, input); // [T, 3 H C + H]
      const [low, lowGate] = [step.linear(x, decayDown), step.linear(x, gateDown)]; // [T, C]
      const qkv = step.convolution(beta, weight, inputs, layer, segments, convolution); // [T, 3 H C]
      const decay = step.linear(low, decayUp); // [T, H C]
      const gate = step.linear(lowGate, gateUp); // [T, H C]
      const heads = step.deltaRule(qkv, { beta, decay, gate }, weights, states, layer, segments, rule);
      return { output: step.linear(heads, output), routing: null }; // [T, D]
    };
  },
  cache: (config) =>
    convolvedStatesNeed(
      { channels: 3 * width(config), taps: config.taps },
      { parts: config.heads, size: config.headDim * config.headDim },
    ),
  activationsPerToken: (config) => 9 * width(config) + config.heads + 2 * config.headDim,
};

function specsOf(
  { heads, headDim, taps: length }: KimiDeltaConfig,
  epsilon: number,
): { convolution: ConvolutionSpec; rule: DeltaRuleSpec } {
  const qkv = 3 * heads * headDim;
  const columns = { groups: 1, parts: [{ at: 0, stride: 0, width: qkv }] };
  return {
    convolution: { taps: length, gated: false, silu: true, columns },
    rule: {
      ...{ heads, keyHeads: heads, keyDim: headDim, valueDim: headDim, epsilon },
      decayPer: 'channel',
      gate: 'sigmoid',
      places: {
        beta: { at: qkv, stride: 1 },
        decay: { at: 0, stride: headDim },
        gate: { at: 0, stride: headDim },
      },
    },
  };
}
