// Scaled rotations through GGUF: keys as llama.cpp's converters write them, and back.
import { fromFloat32, type GgufValue } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import { openCheckpoint } from '../checkpoint/open-checkpoint.js';
import { findArchitecture } from '../config/architectures.js';
import { attentionOf } from '../config/attention-of.js';
import { f32, openSmall, text, u32 } from '../testkit/gguf.js';
import { goldenConfig } from '../testkit/golden.js';
import { metadataOf } from './config.js';

const scalingOf = async (metadata: Record<string, GgufValue>) => {
  const checkpoint = await openCheckpoint(await openSmall({ metadata }));
  expect(checkpoint.refusal).toBeNull();
  return {
    ...attentionOf(checkpoint.decoder.layers[0])?.rope?.scaling,
    contextLength: checkpoint.decoder.contextLength,
  };
};

describe('reading', () => {
  test('linear', async () => {
    const metadata = { 'llama.rope.scaling.type': text('linear'), 'llama.rope.scaling.factor': f32(4) };
    expect(await scalingOf(metadata)).toEqual({ kind: 'linear', factor: 4, contextLength: 64 });
  });

  test('YaRN: the attention factor is what llama.cpp makes of its key', async () => {
    const metadata = {
      'llama.context_length': u32(64),
      'llama.rope.scaling.type': text('yarn'),
      'llama.rope.scaling.factor': f32(4),
      'llama.rope.scaling.original_context_length': u32(16),
    };
    const yarn = { kind: 'yarn', factor: 4, originalLength: 16, betaFast: 32, betaSlow: 1, truncate: true };
    const usual = 0.1 * Math.log(4) + 1;
    expect(await scalingOf(metadata)).toEqual({ ...yarn, attentionFactor: usual, contextLength: 64 });
    const more = {
      'llama.rope.scaling.yarn_attn_factor': f32(0.5),
      'llama.rope.scaling.yarn_beta_fast': f32(8),
    };
    expect(await scalingOf({ ...metadata, ...more })).toMatchObject({
      betaFast: 8,
      attentionFactor: usual / 2,
    });
  });

  test("Llama 3's factors, which stand in a tensor", async () => {
    const factors = [1, 1.5, 4, 8];
    const data = fromFloat32(Float32Array.from(factors), 'F32');
    const { decoder } = await openCheckpoint(
      await openSmall({ tensors: { 'rope_freqs.weight': ['F32', [4], data] } }),
    );
    expect(attentionOf(decoder.layers[0])?.rope?.scaling).toEqual({
      kind: 'longrope',
      originalLength: 16,
      shortFactors: factors,
      longFactors: factors,
      attentionFactor: 1,
    });
    const other = await openSmall({ tensors: { 'rope_freqs.weight': ['F32', [3], data.slice(0, 12)] } });
    expect((await openCheckpoint(other)).refusal?.message).toMatch(/short_factor to be a list of 4 numbers/);
    await expect(openSmall({ tensors: { 'rope_freqs.weight': ['F16', [4]] } })).rejects.toThrow(
      /tensor "rope_freqs\.weight": .*expected F32 .*found F16 of 8 bytes/,
    );
  });
});

describe('writing', () => {
  const decoderOf = (changes: object) => {
    const config = { ...goldenConfig('mixtral'), ...changes };
    return findArchitecture(config, 'config.json').decoder(config, 'config.json');
  };
  const yarn = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 64 };
  const scaling = (entries: ReadonlyMap<string, GgufValue>) =>
    Object.fromEntries(
      [...entries]
        .filter(([key]) => /scaling|context_length/.test(key))
        .map(([key, { value }]) => [key.slice(6), value]),
    );

  test('linear and YaRN, which are read back', () => {
    const linear = metadataOf(decoderOf({ rope_parameters: { rope_type: 'linear', factor: 3 } }), 'm');
    expect(scaling(linear)).toEqual({
      context_length: 384,
      'rope.scaling.type': 'linear',
      'rope.scaling.factor': 3,
      'rope.scaling.original_context_length': 128,
    });
    const own = { rope_parameters: { ...yarn, attention_factor: 0.7, beta_fast: 16 } };
    const found = scaling(metadataOf(decoderOf(own), 'm'));
    expect(found).toMatchObject({
      context_length: 256,
      'rope.scaling.type': 'yarn',
      'rope.scaling.original_context_length': 64,
      'rope.scaling.yarn_beta_fast': 16,
    });
    expect(found['rope.scaling.yarn_attn_factor']).toBeCloseTo(0.7 / (0.1 * Math.log(4) + 1), 6);
    expect(found).not.toHaveProperty('rope.scaling.yarn_beta_slow');
  });

  const factors = Array(8).fill(2);
  test.each([
    { ...yarn, truncate: false },
    { rope_type: 'dynamic', factor: 2 },
    {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 64,
    },
    { rope_type: 'longrope', short_factor: factors, long_factor: factors },
  ])('$rope_type is refused where llama.cpp has no keys for it', (parameters) => {
    expect(() => metadataOf(decoderOf({ rope_parameters: parameters }), 'm')).toThrow(
      /cannot write as GGUF: expected what llama of llama\.cpp can express, config\.layers\.0\.blocks\.0\.mixer\.rope\.scaling/,
    );
  });
});
