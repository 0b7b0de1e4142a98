// Sparse attention is run as far as it selects all tokens: the context ends there, a notice says so, and indexers are carried
// along.
import { expect, test } from 'vitest';
import { openModel } from '../node/open-model.js';
import { goldenConfig, goldenPath } from '../testkit/golden.js';
import { findArchitecture } from './architectures.js';

const decoderOf = (name: string, changes: object) => {
  const config = { ...goldenConfig(name), ...changes };
  return findArchitecture(config, 'config.json').decoder(config, 'config.json');
};

test.each(['deepseek_v32', 'glm_moe_dsa', 'minimax_m3_vl_full'])(
  '%s: the context and the notice',
  async (name) => {
    const source = await openModel(goldenPath(name));
    await source.close();
    expect(source.config.contextLength).toBe(64);
    expect(source.report().notices).toContain(
      'the context ends at 64 tokens: beyond them sparse attention selects, which is not run',
    );
  },
);

test('a context that is shorter stays, and one that YaRN makes longer does not', () => {
  expect(decoderOf('glm_moe_dsa', { max_position_embeddings: 32 }).contextLength).toBe(32);
  expect(decoderOf('deepseek_v32', { index_topk: undefined }).contextLength).toBe(2048);
});
