// A model in GGUF as a set of files. Its metadata says what config.json, tokenizer.json, tokenizer_config.json and
// generation_config.json say of a checkpoint, and is read as data; the files are made of it when they are opened, for
// conversions.
import type { Slot } from '@moeq/runtime';
import { type ByteSource, type GgufMetadata, MoeqError, memorySource } from '@moeq/tensors';
import type { FileSet } from '../files/file-set.js';
import type { GgufArchitecture } from './architecture.js';
import { architectureIn, configOf } from './config.js';
import { ggufPlace } from './names.js';
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
  const entries = parts.flatMap(({ file }) => [...file.tensors.keys()]);
  const has = (architecture: GgufArchitecture, slot: Slot) =>
    entries.some((entry) => ggufPlace(entry, architecture)?.slot === slot);
  const gguf = architectureIn(metadata, has, name);
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
    has: (slot: Slot) => has(gguf, slot),
  };
  const config = { ...configOf(gguf, metadata, facts, name), torch_dtype: torchDtypeOf(embedding) };
  const blocks = Number(metadata.get(`${gguf.name}.block_count`)?.value ?? 0);
  const tokenizer = tokenizerOf(metadata, name);
  const contents: ReadonlyMap<string, Readonly<Record<string, unknown>>> = new Map(
    Object.entries({ 'config.json': config, ...tokenizer.files }),
  );
  const data = (file: string) => {
    if (file === 'tokenizer.json' && tokenizer.reason !== null) throw tokenizer.reason;
    return contents.get(file) ?? null;
  };
  return {
    name,
    list: async (folder) => (folder === undefined ? [...contents.keys()] : []),
    async open(file) {
      const content = data(file);
      if (content === null) return null;
      return memorySource(
        `${name}/${file}`,
        new TextEncoder().encode(`${JSON.stringify(content, null, 2)}\n`),
      );
    },
    container: {
      data,
      async weights(model) {
        const sources = await openAgain();
        try {
          const own = parts.flatMap(({ file: { tensors } }, index) => {
            const source = sources[index];
            return source === undefined ? [] : [{ source, tensors }];
          });
          return storedGguf({ parts: own, gguf, blocks, ...model });
        } catch (error) {
          await closeAll(sources);
          throw error;
        }
      },
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
