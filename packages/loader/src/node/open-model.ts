// A model by its reference, ready for `createModel` of @moeq/runtime.
import { parseModelReference } from '../model-reference.js';
import { type OpenedModel, type OpenOptions, openModelFiles } from '../model-source.js';
import { resolveModel } from './resolve-model.js';

/**
 * @param reference `tiny-moe`, a folder, a .gguf file, the URL of either, or `hf:org/name`
 * @throws MoeqError naming what was expected and found: see `resolveModel` and `openModelFiles`
 */
export async function openModel(reference: string, options: OpenOptions = {}): Promise<OpenedModel> {
  const files = await resolveModel(reference);
  // a URL without its query, which may hold a key
  const name = parseModelReference(reference).kind === 'url' ? files.name : reference;
  return openModelFiles(files, { name, ...options });
}
