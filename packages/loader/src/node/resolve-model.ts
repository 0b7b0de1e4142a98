// From a model's reference to its files, on a machine with a file system.
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MoeqError } from '@moeq/tensors';
import { modelUrl } from '@moeq/tiny-moe';
import type { FileSet } from '../files/file-set.js';
import { hubFiles } from '../files/hub.js';
import { parseModelReference } from '../files/model-reference.js';
import { filesAt } from '../open-model.js';
import { describeLink, type FolderOptions, folder } from './folder.js';
import { ggufFile, ggufInFolder } from './gguf-file.js';

/** What is allowed of a folder. */
export type ResolveOptions = Pick<FolderOptions, 'allowLinks'>;

/**
 * The files of a model: `tiny-moe`, a folder, a .gguf file, the URL of either, or `hf:org/name` on the Hugging Face hub, where
 * HF_TOKEN of the environment opens what is gated and HF_ENDPOINT names a mirror. A folder may be a link, and a snapshot of the
 * hub's cache may have its files in the `blobs` of that cache.
 * @param options `allowLinks`: the files of a folder may be links to files anywhere
 * @throws MoeqError for a folder that is not there, or a reference that names nothing
 */
export async function resolveModel(reference: string, options: ResolveOptions = {}): Promise<FileSet> {
  const parsed = parseModelReference(reference);
  switch (parsed.kind) {
    case 'embedded':
      return folder(fileURLToPath(modelUrl));
    case 'folder':
      return openFolder(parsed.path, options);
    case 'hub': {
      const { HF_ENDPOINT: endpoint, HF_TOKEN: token } = process.env;
      return hubFiles(parsed.repository, { ...(endpoint && { endpoint }), ...(token && { token }) });
    }
    case 'url':
      return filesAt(parsed.url);
    case 'gguf':
      return ggufFile(parsed.path);
  }
}

async function openFolder(path: string, { allowLinks = false }: ResolveOptions): Promise<FileSet> {
  const stats = await stat(path).catch(() => null);
  if (stats?.isDirectory()) {
    const files = folder(path, { linksInto: blobsOf(await realpath(path)), allowLinks });
    return (await ggufInFolder(files)) ?? files;
  }
  throw new MoeqError({
    operation: 'open the model',
    subject: path,
    expected: 'a folder with a checkpoint',
    found: stats === null ? ((await describeLink(path)) ?? `no such folder${hubHint(path)}`) : 'a file',
  });
}

/** People give names of the hub as transformers takes them. */
function hubHint(path: string): string {
  return /^[\w.-]+\/[\w.-]+$/.test(path) ? ` (on the hub it would be hf:${path})` : '';
}

/**
 * The Hugging Face cache keeps files in `blobs` and links to them from `snapshots/<revision>`.
 * @param path of the folder itself, not of a link to it
 */
function blobsOf(path: string): string[] {
  const snapshots = dirname(path);
  return basename(snapshots) === 'snapshots' ? [join(dirname(snapshots), 'blobs')] : [];
}
