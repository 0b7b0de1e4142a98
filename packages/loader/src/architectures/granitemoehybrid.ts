// GraniteMoE hybrids (IBM Granite 4; transformers models/granitemoehybrid): GraniteMoE with Mamba 2 in place of attention in most
// layers, a shared MLP in all, and attention without positions unless config.json says otherwise.
import type { MambaConfig } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, configError, count, flag, tapCount, width } from '../config/config.js';
import { assertLayerTypes } from '../config/layer-types.js';
import { graniteDecoder, graniteFields, graniteNames } from './granitemoe.js';
import {
  assertSilu,
  checkedMamba,
  groupCount,
  mamba2Names,
  mambaLayerTypes,
  timeStepLimit,
} from './mamba.js';

/** Times the hidden size: far above any. */
const MOST_EXPANSION = 64;

export const graniteMoeHybrid = defineArchitecture({
  modelTypes: ['granitemoehybrid'],
  names: { ...graniteNames, ...mamba2Names('model.layers.{layer}.mamba') },
  fields: {
    ...graniteFields,
    shared_intermediate_size: v.nullish(width, 1024),
    position_embedding_type: v.nullish(v.string('a string')),
    layer_types: v.nullish(mambaLayerTypes),
    mamba_n_heads: v.nullish(commonFields.num_attention_heads, 128),
    mamba_n_groups: v.nullish(groupCount, 1),
    mamba_d_state: v.nullish(width, 256),
    mamba_d_head: v.nullish(v.union([v.literal('auto'), width], "an integer, or 'auto'"), 'auto'),
    mamba_d_conv: v.nullish(tapCount, 4),
    mamba_expand: v.nullish(count(MOST_EXPANSION), 2),
    mamba_conv_bias: flag(true),
    mamba_proj_bias: flag(false),
    time_step_limit: timeStepLimit,
  },
  decoder(config, file) {
    const { num_hidden_layers: layers, mamba_n_heads: heads } = config;
    const types = config.layer_types ?? Array.from({ length: layers }, () => 'mamba' as const);
    assertLayerTypes(types, layers, file);
    assertSilu(config.hidden_act, file);
    const inner = config.mamba_expand * config.hidden_size;
    const headDim = config.mamba_d_head === 'auto' ? inner / heads : config.mamba_d_head;
    if (heads * headDim !== inner || !Number.isInteger(headDim)) {
      const expected = 'mamba_n_heads times mamba_d_head to be mamba_expand times hidden_size';
      throw configError(file, expected, `${heads} times ${headDim} and ${inner}`);
    }
    const [leastTimeStep, largestTimeStep] = config.time_step_limit ?? [0, Number.POSITIVE_INFINITY];
    const mixer: MambaConfig = checkedMamba(
      {
        ...{ kind: 'mamba', version: 2, heads, headDim },
        stateDim: config.mamba_d_state,
        groups: config.mamba_n_groups,
        normGroups: 1,
        taps: config.mamba_d_conv,
        tapsBias: config.mamba_conv_bias,
        bias: config.mamba_proj_bias,
        leastTimeStep,
        largestTimeStep,
      },
      { groups: 'mamba_n_groups', heads: 'mamba_n_heads', taps: 'mamba_d_conv' },
      file,
    );
    const isMamba = (layer: number) => types[layer] === 'mamba' || types[layer] === 'linear_attention';
    return graniteDecoder(config, file, {
      ...(config.position_embedding_type !== 'rope' && { attention: { rope: null } }),
      mixer: (layer) => (isMamba(layer) ? mixer : undefined),
    });
  },
});
