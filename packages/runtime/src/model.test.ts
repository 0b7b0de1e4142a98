import { referenceBackend } from '@moeq/kernels';
import { describe, expect, test } from 'vitest';
import { createModel, type ModelOptions } from './create-model.js';
import type { GeneratedPiece } from './generation.js';
import type { ModelSource } from './model-source.js';
import { randomSource, tinyMixtral } from './testkit/random-source.js';

const source = randomSource(tinyMixtral, 7);
const prompt = [3, 1, 4, 1, 5, 9, 2, 6];

function load(options: Partial<ModelOptions> = {}, from: ModelSource = source) {
  return createModel(from, { backend: referenceBackend(), ...options });
}

async function pieces(generation: AsyncIterable<GeneratedPiece>): Promise<GeneratedPiece[]> {
  const all: GeneratedPiece[] = [];
  for await (const piece of generation) all.push(piece);
  return all;
}

describe('generate', () => {
  test('greedy is the largest logit of the whole sequence at every step', async () => {
    const model = await load({ prefillChunk: 3 });
    const result = await model.complete(prompt, { temperature: 0, maxNewTokens: 12 });
    expect(result.tokenIds).toHaveLength(12);
    expect(result.promptTokenIds).toEqual(prompt);
    expect(result.finishReason).toBe('length');
    const all = [...prompt, ...result.tokenIds];
    const { logits, vocabularySize } = await model.logits(all);
    for (const [index, id] of result.tokenIds.entries()) {
      const row = logits.subarray((prompt.length + index - 1) * vocabularySize).subarray(0, vocabularySize);
      expect(id).toBe(row.indexOf(Math.max(...row)));
    }
  });

  test('a piece a token, then one with the result; the texts are the text', async () => {
    const model = await load();
    const all = await pieces(model.generate(prompt, { seed: 5, maxNewTokens: 9 }));
    const result = all.at(-1)?.result;
    expect(all).toHaveLength(10);
    expect(all.slice(0, -1).map(({ tokenId }) => tokenId)).toEqual(result?.tokenIds);
    expect(all.slice(0, -1).every((piece) => piece.result === null)).toBe(true);
    expect(all.at(-1)?.tokenId).toBe(null);
    expect(all.map(({ text }) => text).join('')).toBe(result?.text);
    expect(result?.text).toBe(source.tokenizer?.decode(result?.tokenIds ?? []));
  });
});
