// A .gguf file as a set of files: the config.json, tokenizer.json, tokenizer_config.json and generation_config.json that a
// checkpoint of the same model has, made of its metadata, and its tensors. Whatever opens checkpoints opens it.
import { type ByteSource, MoeqError, memorySource, openGguf } from '@moeq/tensors';
import { findArchitecture } from '../architectures.js';
import type { FileSet } from '../file-set.js';
import { findGgufArchitecture } from './architectures.js';
import { configOf } from './config.js';
import { tokenizerFiles } from './tokenizer-files.js';
import { storedGguf, torchDtypeOf } from './weights.js';

/**
 * A GGUF file as a checkpoint's files, for `openCheckpoint` and `openModelFiles`.
 * @param openSource opens the file; called once for the metadata, and once more for the weights when they are asked for
 * @throws MoeqError when it is no GGUF file, or of a model that is not known
 */
export async function ggufFiles(openSource: () => Promise<ByteSource>): Promise<FileSet> {
  const source = await openSource();
  try {
    return await filesOf(source, openSource);
  } finally {
    await source.close?.();
  }
}

async function filesOf(source: ByteSource, openSource: () => Promise<ByteSource>): Promise<FileSet> {
  const file = await openGguf(source);
  const { name } = source;
  const gguf = findGgufArchitecture(file.metadata, name);
  const embedding = file.tensors.get('token_embd.weight');
  if (embedding === undefined) {
    throw new MoeqError({
      operation: 'open the model',
      subject: name,
      expected: 'a tensor "token_embd.weight"',
      found: 'none',
    });
  }
  const facts = { vocabularySize: embedding.shape[0] ?? 0, tiedHead: !file.tensors.has('output.weight') };
  const config = { ...configOf(file.metadata, facts, name), torch_dtype: torchDtypeOf(file) };
  const contents: Readonly<Record<string, object>> = {
    'config.json': config,
    ...tokenizerFiles(file.metadata, name),
  };
  const bytes = new Map(
    Object.entries(contents).map(([key, content]) => [
      key,
      new TextEncoder().encode(`${JSON.stringify(content, null, 2)}\n`),
    ]),
  );
  return {
    name,
    list: async (folder) => (folder === undefined ? [...bytes.keys()] : []),
    async open(key) {
      const content = bytes.get(key);
      return content === undefined ? null : memorySource(`${name}/${key}`, content);
    },
    async weights() {
      const architecture = findArchitecture(config, name);
      const decoder = architecture.decoder(config, name);
      const own = await openSource();
      try {
        return storedGguf({ source: own, tensors: file.tensors, gguf, architecture, decoder });
      } catch (error) {
        await own.close?.();
        throw error;
      }
    },
  };
}
