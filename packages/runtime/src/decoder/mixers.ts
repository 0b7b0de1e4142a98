// The list of mixers. Each has a file of its own; its configuration and its name stand here.
import { type AttentionConfig, attention } from './attention.js';
import type { Mixer } from './block.js';
import { type DeltaNetConfig, deltaNet } from './delta-net.js';
import { type KimiDeltaConfig, kimiDelta } from './kimi-delta.js';
import { type LatentConfig, latent } from './latent.js';
import { mamba } from './mamba.js';
import type { MambaConfig } from './mamba-config.js';
import { type ShortConvConfig, shortConv } from './short-conv.js';

/** What mixes the tokens of a sequence, by kind. */
export type MixerConfig =
  | AttentionConfig
  | DeltaNetConfig
  | KimiDeltaConfig
  | LatentConfig
  | MambaConfig
  | ShortConvConfig;

export const mixers = { attention, deltaNet, kimiDelta, latent, mamba, shortConv } satisfies {
  readonly [Kind in MixerConfig['kind']]: Mixer<Extract<MixerConfig, { kind: Kind }>, string>;
};

type Mixers = typeof mixers;

/** Tensors of any mixer. */
export type MixerSlot = { [Kind in keyof Mixers]: keyof Mixers[Kind]['tensors'] }[keyof Mixers];

export function mixerOf({ kind }: MixerConfig): Omit<Mixer<MixerConfig, MixerSlot>, 'tensors'> {
  return mixers[kind];
}
