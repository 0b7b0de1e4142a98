import { describe, expect, test } from 'vitest';
import { expectAllFree, load, prompt } from './testkit/loaded-model.js';

describe('logits', () => {
  test('free their pages', async () => {
    const model = await load({ contextLength: 32, kvCacheTokens: 32 });
    const expected = await model.logits(prompt);
    for (let round = 0; round < 4; round += 1)
      expect((await model.logits(prompt)).logits).toEqual(expected.logits);
    await expectAllFree(model);
  });

  test('refuse an unknown option', async () => {
    const model = await load();
    await expect(model.logits(prompt, { routing: true } as object)).rejects.toThrow('option "routing"');
  });
});
