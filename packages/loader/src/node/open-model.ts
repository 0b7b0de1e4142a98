// A model by its reference, ready for `createModel` of @moeq/runtime.
import { type OpenedModel, type OpenOptions, openModelFiles } from '../model-source.js';
import { resolveModel } from './resolve-model.js';

/**
 * @param reference `tiny-moe`, a folder, or a .gguf file
 * @throws MoeqError naming what was expected and found: see `resolveModel` and `openModelFiles`
 */
export async function openModel(reference: string, options: OpenOptions = {}): Promise<OpenedModel> {
  return openModelFiles(await resolveModel(reference), { name: reference, ...options });
}
