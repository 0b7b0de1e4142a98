// A model by its reference, ready for `createModel` of @moeq/runtime.
import { parseModelReference } from '../files/model-reference.js';
import { type OpenedModel, type OpenOptions, openModelFiles } from '../model-source.js';
import { type ResolveOptions, resolveModel } from './resolve-model.js';

/**
 * @param reference `tiny-moe`, a folder, a .gguf file, the URL of either, or `hf:org/name`
 * @param options beside those of `openModelFiles`, `allowLinks`: the files of a folder may be links to files anywhere
 * @throws MoeqError naming what was expected and found: see `resolveModel` and `openModelFiles`
 */
export async function openModel(
  reference: string,
  { allowLinks = false, ...options }: OpenOptions & ResolveOptions = {},
): Promise<OpenedModel> {
  const files = await resolveModel(reference, { allowLinks });
  // a URL without its query, which may hold a key
  const name = parseModelReference(reference).kind === 'url' ? files.name : reference;
  return openModelFiles(files, { name, ...options });
}
