// A small model in the reference backend, and what tests ask of it again and again.
import { expect } from 'vitest';
import { createModel, type ModelOptions } from '../load/create-model.js';
import type { Model } from '../model.js';
import type { ModelSource } from '../model-source.js';
import type { GeneratedPiece } from '../text/generation.js';
import { randomSource, tinyMixtral } from './random-source.js';
import { watchedBackend } from './watched-backend.js';

export const source: ModelSource = randomSource(tinyMixtral, 7);
export const prompt = [3, 1, 4, 1, 5, 9, 2, 6];

export function load(options: Partial<ModelOptions> = {}, from: ModelSource = source): Promise<Model> {
  return createModel(from, { backend: watchedBackend(), ...options });
}

export async function pieces(generation: AsyncIterable<GeneratedPiece>): Promise<GeneratedPiece[]> {
  const all: GeneratedPiece[] = [];
  for await (const piece of generation) all.push(piece);
  return all;
}

/** Fails unless a prompt as long as the context still has room: in a cache of that size, unless all pages are free. */
export async function expectAllFree(model: Model): Promise<void> {
  const { tokens } = await model.logits(Array.from({ length: model.contextLength }, () => 1));
  expect(tokens).toBe(model.contextLength);
}
