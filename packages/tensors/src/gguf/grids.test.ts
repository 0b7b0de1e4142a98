// The grids against those of gguf-py 0.19 (`init_grid` of gguf.quants.IQ2_XXS, …), by the SHA-256 of their numbers as int8.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { type GridName, gridOf } from './grids.js';

const grids: Record<GridName, [bits: 2 | 3, entries: number, numbers: readonly number[], sha256: string]> = {
  iq2xxs: [2, 256, [8, 25, 43], '05826b5d3e472a3a78f196be62ac78acf81df0f909626e12ab9fa2a5d490dd54'],
  iq2xs: [2, 512, [8, 25, 43], '06e47aaca60b4dc1d9b5a3f34540437058a6b142b4d7a59d5ded769b4d1bf1de'],
  iq2s: [2, 1024, [8, 25, 43], 'e1aa1473412b0552c2174c30ef22ab4073f6a181b85a17056e8249bd2932fd88'],
  iq3xxs: [
    3,
    256,
    [4, 12, 20, 28, 36, 44, 52, 62],
    '46e35f5a997efdee6c99ce57854c8a0d4f0ff8ca57e5e8a60c0793ea580acf5d',
  ],
  iq3s: [
    3,
    512,
    [1, 3, 5, 7, 9, 11, 13, 15],
    'bd1af4945a1717c65610b0284e4628b9a1ba3b306fae3a06f6e5f597356e349f',
  ],
  iq1: [2, 2048, [-1, 0, 1], '07540ffc1aeaf6ad4d97e96b0fcc765aae39671d4ae4a27bbd0e796fde167c6a'],
};

test.each(Object.keys(grids) as GridName[])('%s', (name) => {
  const [bits, entries, numbers, sha256] = grids[name];
  const words = gridOf(name);
  expect(words).toHaveLength(entries);
  const elements = bits === 2 ? 8 : 4;
  const values = new Int8Array(entries * elements);
  words.forEach((word, index) => {
    for (let j = 0; j < elements; j++) {
      values[index * elements + j] = numbers[(word >>> (bits * j)) & (2 ** bits - 1)] ?? 127;
    }
  });
  expect(createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex')).toBe(sha256);
});
