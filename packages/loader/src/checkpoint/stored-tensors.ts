// The tensors of a checkpoint as the files hold them: one model.safetensors, or shards under an index.
// https://huggingface.co/docs/safetensors; the order in which the two are looked for is that of transformers.
import {
  type ByteSource,
  MoeqError,
  openSafetensors,
  parseSafetensorsIndex,
  quote,
  type SafetensorsFile,
} from '@moeq/tensors';
import type { FileSet, StoredTensor, StoredTensors } from '../files/file-set.js';
import { inSet, maxIndexBytes, readText } from '../files/json.js';

const singleName = 'model.safetensors';
const indexName = 'model.safetensors.index.json';

/** Ten times the shards of the largest published checkpoints; each costs an open file. */
const maxShards = 4096;

/** @throws MoeqError when there are no weights, a shard is missing, a name is in two shards, or a header is malformed */
export async function openStoredTensors(files: FileSet): Promise<StoredTensors> {
  const sources: ByteSource[] = [];
  const close = async () => {
    await Promise.all(sources.map((source) => source.close?.()));
  };
  try {
    const single = await files.open(singleName);
    if (single !== null) {
      sources.push(single);
      return { tensors: collect([[single, await openSafetensors(single)]]), close };
    }
    const index = await readText(files, indexName, maxIndexBytes);
    if (index === null) throw await noWeights(files);
    const weightMap = parseSafetensorsIndex(index, inSet(files, indexName));
    const shards: [ByteSource, SafetensorsFile][] = [];
    const shardFiles = new Map<string, string>();
    for (const name of shardNames(weightMap, files)) {
      const source = await files.open(name);
      if (source === null) {
        throw openError(
          inSet(files, indexName),
          `a shard named ${quote(name)} in the folder`,
          'no such file',
        );
      }
      sources.push(source);
      shards.push([source, await openSafetensors(source)]);
      shardFiles.set(name, source.name);
    }
    const tensors = collect(shards);
    for (const [tensor, shard] of weightMap) {
      const file = tensors.get(tensor)?.file;
      if (file !== shardFiles.get(shard)) {
        throw openError(
          inSet(files, shard),
          `tensor ${quote(tensor)}, as the index says`,
          file ?? 'no such tensor',
        );
      }
    }
    return { tensors, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function collect(shards: readonly [ByteSource, SafetensorsFile][]): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  for (const [source, file] of shards) {
    for (const entry of file.tensors.values()) {
      const other = tensors.get(entry.name);
      if (other !== undefined) {
        throw openError(
          source.name,
          `tensor ${quote(entry.name)} in one shard only`,
          `it in ${other.file} too`,
        );
      }
      const { name, dtype, shape, offset, bytes } = entry;
      tensors.set(name, {
        name,
        dtype,
        shape,
        bytes,
        file: source.name,
        read: (signal) => file.read(name, signal),
        async readBytes(start, length, signal, into) {
          if (!(start >= 0 && length >= 0 && start + length <= bytes)) {
            throw openError(
              source.name,
              `a range within the ${bytes} bytes of ${quote(name)}`,
              `${length} bytes from ${start}`,
            );
          }
          return source.read(offset + start, length, signal, into);
        },
      });
    }
  }
  return tensors;
}

/** Shards in the order in which the index first names them. */
function shardNames(weightMap: ReadonlyMap<string, string>, files: FileSet): string[] {
  const names = [...new Set(weightMap.values())];
  if (names.length === 0 || names.length > maxShards) {
    throw openError(inSet(files, indexName), `1 to ${maxShards} shards`, String(names.length));
  }
  return names;
}

async function noWeights(files: FileSet): Promise<MoeqError> {
  const others = (await files.list()).filter((name) => /\.(?:safetensors|bin|pth?|gguf)$/.test(name));
  return openError(
    files.name,
    `${singleName} or ${indexName}`,
    others.length === 0 ? 'neither' : others.slice(0, 3).join(', '),
  );
}

function openError(subject: string, expected: string, found: string): MoeqError {
  return new MoeqError({ operation: 'open the weights', subject, expected, found });
}
