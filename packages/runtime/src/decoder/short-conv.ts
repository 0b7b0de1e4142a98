// Gated short convolution: [B | C | x] = Win h, y = Wout (C * conv(B * x)), with a causal convolution of each channel over k
// tokens. LFM2, arXiv 2511.23404. A sequence keeps its last k - 1 inputs, whatever its length.
//
// Shapes: T tokens, D hidden, k taps.
import { placeOfKind } from '../caches/layer-cache.js';
import type { Mixer, MixerTensor } from './block.js';

export interface ShortConvConfig {
  readonly kind: 'shortConv';
  /** D */
  readonly channels: number;
  /** k, at least 2: inputs that an output is made of. */
  readonly taps: number;
}

type Tensor = MixerTensor<ShortConvConfig>;

const matrix = (shape: Tensor['shape']): Tensor => ({ role: 'attention', shape });

const tensors = {
  convInput: matrix(({ channels }, hidden) => [3 * channels, hidden]),
  /** As PyTorch's Conv1d has it. */
  convTaps: { role: 'attention', shape: ({ channels, taps }) => [channels, 1, taps] },
  convOutput: matrix(({ channels }, hidden) => [hidden, channels]),
} satisfies Readonly<Record<string, Tensor>>;

type ShortConvSlot = keyof typeof tensors;

const parts = {
  input: ['convInput'], // [3 D, D]
  taps: ['convTaps'], // [D, 1, k]
  output: ['convOutput'], // [D, D]
} as const satisfies Readonly<Record<string, readonly ShortConvSlot[]>>;

export const shortConv: Mixer<ShortConvConfig, ShortConvSlot> = {
  tensors,
  parts,
  async load(loader, { taps }) {
    const input = await loader.matrix(parts.input);
    const weight = await loader.vector(parts.taps);
    const output = await loader.matrix(parts.output);
    const spec = { taps, gated: true };
    return (step, x, place) => {
      const { caches, layer, segments } = placeOfKind(place, 'state');
      const [inputs] = caches as readonly [(typeof caches)[number]];
      const gates = step.linear(x, input); // [T, 3 D]
      const mixed = step.convolution(gates, weight, inputs, layer, segments, spec); // [T, D]
      return { output: step.linear(mixed, output), routing: null }; // [T, D]
    };
  },
  cache: ({ channels, taps }) => ({ kind: 'state', states: [{ parts: channels, size: taps - 1 }] }),
  activationsPerToken: ({ channels }) => 6 * channels,
};
