// Where the checkpoint lies. Each file has a URL of its own, spelled out so that bundlers find it and ship it; the folder has
// none, since bundlers ship files.

/** The files of the checkpoint by their name in the folder; in a bundle the only way to reach them. */
export const modelFiles: Readonly<Record<string, URL>> = Object.freeze({
  'config.json': new URL('../model/config.json', import.meta.url),
  'generation_config.json': new URL('../model/generation_config.json', import.meta.url),
  'model.safetensors': new URL('../model/model.safetensors', import.meta.url),
  'special_tokens_map.json': new URL('../model/special_tokens_map.json', import.meta.url),
  'tokenizer.json': new URL('../model/tokenizer.json', import.meta.url),
  'tokenizer_config.json': new URL('../model/tokenizer_config.json', import.meta.url),
});

/** The folder of the checkpoint, as transformers reads one. In Node, unbundled: `fileURLToPath(modelUrl)`. */
export const modelUrl: URL = folderOf(modelFiles['config.json'] as URL);

/** Bundlers may give a file a path without an origin, or put it into a data URL; there is no folder then. */
function folderOf(file: URL): URL {
  return URL.canParse('.', file) ? new URL('.', file) : file;
}
