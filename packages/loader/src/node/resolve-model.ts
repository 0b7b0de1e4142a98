// From a model's reference to its files, on a machine with a file system.
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MoeqError } from '@moeq/tensors';
import { fileSource } from '@moeq/tensors/node';
import { modelUrl } from '@moeq/tiny-moe';
import type { FileSet } from '../checkpoint.js';
import { ggufFiles } from '../gguf/files.js';
import { type ModelReference, parseModelReference, unsupportedReference } from '../model-reference.js';
import { filesAt } from '../open-model.js';
import { folder } from './folder.js';

/** How each kind of reference is opened; null where that cannot be done. */
const openers: {
  readonly [Kind in ModelReference['kind']]:
    | ((reference: Extract<ModelReference, { kind: Kind }>) => Promise<FileSet>)
    | null;
} = {
  embedded: async () => folder(fileURLToPath(modelUrl)),
  folder: ({ path }) => openFolder(path),
  hub: null,
  url: ({ url }) => filesAt(url),
  gguf: ({ path }) => ggufFiles(() => fileSource(path)),
};

/**
 * The files of a model: `tiny-moe`, a folder, a .gguf file, or the URL of either.
 * @throws MoeqError for a folder that is not there, or a reference of another kind, naming what can be opened
 */
export async function resolveModel(reference: string): Promise<FileSet> {
  const parsed = parseModelReference(reference);
  const open = openers[parsed.kind] as ((reference: ModelReference) => Promise<FileSet>) | null;
  if (open === null) throw unsupportedReference(reference);
  return open(parsed);
}

async function openFolder(path: string): Promise<FileSet> {
  const stats = await stat(path).catch(() => null);
  if (stats?.isDirectory()) return folder(path, { linksInto: blobsOf(path) });
  throw new MoeqError({
    operation: 'open the model',
    subject: path,
    expected: 'a folder with a checkpoint',
    found: stats === null ? 'no such folder' : 'a file',
  });
}

/** The Hugging Face cache keeps files in `blobs` and links to them from `snapshots/<revision>`. */
function blobsOf(path: string): string[] {
  const snapshots = dirname(resolve(path));
  return basename(snapshots) === 'snapshots' ? [join(dirname(snapshots), 'blobs')] : [];
}
