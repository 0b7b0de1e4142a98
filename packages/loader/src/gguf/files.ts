// A model in GGUF as a set of files: the config.json, tokenizer.json, tokenizer_config.json and generation_config.json that a
// checkpoint of the same model has, made of its metadata, and its tensors. What opens checkpoints opens it.
import { type ByteSource, type GgufMetadata, MoeqError, memorySource } from '@moeq/tensors';
import { findArchitecture } from '../architectures.js';
import type { FileSet } from '../file-set.js';
import { findGgufArchitecture } from './architectures.js';
import { configOf } from './config.js';
import { closeAll, type GgufPart, type OpenFile, openSources, readParts } from './open-parts.js';
import { readRopeFactors } from './rope-scaling.js';
import { tokenizerFiles } from './tokenizer-files.js';
import { storedGguf, torchDtypeOf } from './weights.js';

/**
 * A model in GGUF as a checkpoint's files, for `openCheckpoint` and `openModelFiles`.
 * @param name of the file; of a model in several files, which have names such as `x-00001-of-00003.gguf`, any of them
 * @param open opens the file, or another part of the model, by its name; null when there is no such file. Each is opened
 *   once for the metadata, and once more for the weights when they are asked for
 * @throws MoeqError when it is no GGUF file, of a model that is not known, or a part is missing or another model's
 */
export async function ggufFiles(name: string, open: OpenFile): Promise<FileSet> {
  const sources = await openSources(name, open);
  try {
    const parts = await readParts(name, sources);
    return filesOf(parts, await readRopeFactors(parts), () => openSources(name, open));
  } finally {
    await closeAll(sources);
  }
}

function filesOf(
  parts: readonly GgufPart[],
  ropeFactors: readonly number[] | null,
  openAgain: () => Promise<ByteSource[]>,
): FileSet {
  const [first] = parts;
  if (first === undefined) throw new Error('a model has a first part');
  const { name } = first.source;
  const { metadata } = first.file;
  const gguf = findGgufArchitecture(metadata, name);
  const entryOf = (tensor: string) =>
    parts.map(({ file }) => file.tensors.get(tensor)).find((entry) => entry !== undefined);
  const embedding = entryOf('token_embd.weight');
  if (embedding === undefined) {
    throw new MoeqError({
      operation: 'open the model',
      subject: name,
      expected: 'a tensor "token_embd.weight"',
      found: 'none',
    });
  }
  const facts = {
    vocabularySize: embedding.shape[0] ?? 0,
    tiedHead: entryOf('output.weight') === undefined,
    // of the others llama.cpp does not read them
    ropeFactors: gguf.permuted ? ropeFactors : null,
  };
  const config = { ...configOf(metadata, facts, name), torch_dtype: torchDtypeOf(embedding) };
  const tokenizer = tokenizerOf(metadata, name);
  const contents: Readonly<Record<string, object>> = { 'config.json': config, ...tokenizer.files };
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
      if (key === 'tokenizer.json' && tokenizer.reason !== null) throw tokenizer.reason;
      const content = bytes.get(key);
      return content === undefined ? null : memorySource(`${name}/${key}`, content);
    },
    async weights() {
      const architecture = findArchitecture(config, name);
      const { decoder } = architecture.read(config, name);
      const sources = await openAgain();
      try {
        const own = parts.flatMap(({ file: { tensors } }, index) => {
          const source = sources[index];
          return source === undefined ? [] : [{ source, tensors }];
        });
        return storedGguf({ parts: own, gguf, architecture, decoder });
      } catch (error) {
        await closeAll(sources);
        throw error;
      }
    },
  };
}

/** A tokenizer that cannot be read is an error of its file: the model runs without it. */
function tokenizerOf(metadata: GgufMetadata, name: string) {
  try {
    return { files: tokenizerFiles(metadata, name), reason: null };
  } catch (error) {
    if (!MoeqError.isInstance(error)) throw error;
    return { files: {}, reason: error };
  }
}
