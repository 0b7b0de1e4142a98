// What the golden checkpoint of DBRX does not show.
import { layerMixer, layerMoe } from '@moeq/runtime';
import { expect, test } from 'vitest';
import { goldenConfig } from '../testkit/golden.js';
import { findArchitecture } from './architectures.js';

const config = goldenConfig('dbrx');
const read = (changes: Record<string, unknown>) => {
  const changed = { ...config, ...changes };
  return findArchitecture(changed, 'config.json').decoder(changed, 'config.json');
};
const attention = config['attn_config'] as object;
const experts = config['ffn_config'] as Record<string, unknown>;

test('theta is that of attn_config where there are no parameters of the rotation', () => {
  const [layer] = read({
    rope_parameters: null,
    attn_config: { ...attention, rope_theta: 7000, clip_qkv: null },
  }).layers;
  expect(layer && layerMixer(layer)).toMatchObject({ rope: { theta: 7000 }, clip: null, joined: true });
});

test('weights are divided by their sum unless moe_normalize_expert_weights is null', () => {
  const normalized = (ffn_config: object) => {
    const [layer] = read({ ffn_config }).layers;
    return layer && layerMoe(layer)?.route.normalizeTopK;
  };
  const { moe_normalize_expert_weights: _, ...without } = experts;
  expect(normalized(without)).toBe(true);
  expect(normalized({ ...experts, moe_normalize_expert_weights: null })).toBe(false);
  expect(() => normalized({ ...experts, moe_normalize_expert_weights: 2 })).toThrow(
    /ffn_config.moe_normalize_expert_weights to be 1 or null, found "?2/,
  );
});
