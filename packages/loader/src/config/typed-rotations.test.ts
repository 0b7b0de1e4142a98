// Layers with a window turn by one rotation, the others by another: by type, by list as Step has it, or by default.
import { describe, expect, test } from 'vitest';
import { goldenConfig } from '../testkit/golden.js';
import { findArchitecture } from './architectures.js';
import { attentionOf } from './attention-of.js';

const turnsOf = (name: string, changes: object) => {
  const config = { ...goldenConfig(name), ...changes };
  return findArchitecture(config, 'config.json')
    .decoder(config, 'config.json')
    .layers.map((layer) => {
      const rope = attentionOf(layer)?.rope;
      return [rope?.theta, rope?.rotatedDim];
    });
};
const sliding = { rope_type: 'default', rope_theta: 7 };

describe('rotations by type of layer', () => {
  test('by type, and by default', () => {
    const full = { rope_type: 'default', rope_theta: 9, partial_rotary_factor: 0.5 };
    const typed = { full_attention: full, sliding_attention: sliding };
    expect(turnsOf('mellum', { rope_parameters: typed })).toEqual([
      [7, 16],
      [9, 8],
    ]);
    expect(turnsOf('mellum', { rope_parameters: undefined })).toEqual([
      [1e4, 16],
      [5e5, 16],
    ]);
  });

  test('a share that is absent: of parameters that are given all of a head, else by default', () => {
    const typed = { full_attention: { rope_theta: 9 }, sliding_attention: sliding };
    const full = (changes: object) => turnsOf('laguna', changes)[0];
    expect(full({ rope_parameters: typed })).toEqual([9, 16]);
    expect(full({ rope_parameters: undefined })).toEqual([5e5, 8]);
  });

  test.each([
    ['x', /rope_parameters to be an object, found "x"/],
    [{ sliding_attention: sliding }, /expected an object rope_parameters.full_attention, found none/],
    [
      { full_attention: { partial_rotary_factor: 0.2 }, sliding_attention: sliding },
      /partial_rotary_factor to turn an even number of dimensions, found 3/,
    ],
    [
      { full_attention: { rope_type: 'spiral' }, sliding_attention: sliding },
      /rope_parameters.rope_type to be one of .*found "spiral"/,
    ],
  ])('%j is refused', (parameters, sentence) => {
    expect(() => turnsOf('mellum', { rope_parameters: parameters })).toThrow(sentence);
  });
});
