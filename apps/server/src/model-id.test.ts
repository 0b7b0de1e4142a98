import { expect, test } from 'vitest';
import { modelId } from './model-id.js';

test.each([
  ['tiny-moe', 'tiny-moe'],
  ['./mixtral-nf4', 'mixtral-nf4'],
  ['/home/me/models/mixtral-nf4/', 'mixtral-nf4'],
  ['C:\\models\\Mixtral 8x7B\\', 'Mixtral 8x7B'],
  ['/models/mixtral.Q4_K_M.gguf', 'mixtral.Q4_K_M'],
  ['hf:mistralai/Mixtral-8x7B-v0.1', 'mistralai/Mixtral-8x7B-v0.1'],
  ['https://example.org/models/mixtral/?key=secret', 'mixtral'],
  ['https://example.org/mixtral.gguf', 'mixtral'],
  ['/root/.cache/huggingface/hub/models--allenai--OLMoE-1B-7B/snapshots/0a1b', 'allenai/OLMoE-1B-7B'],
  ['.', 'model'],
  ['../..', 'model'],
  ['/', 'model'],
])('%s is called %s', (reference, id) => {
  expect(modelId(reference)).toBe(id);
});
