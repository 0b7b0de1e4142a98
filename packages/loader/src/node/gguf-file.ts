// A model in GGUF by the path of its file, or of one of its files, or of the folder that holds it.
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MoeqError, quote } from '@moeq/tensors';
import { fileSource } from '@moeq/tensors/node';
import type { FileSet } from '../files/file-set.js';
import { ggufFiles } from '../gguf/files.js';
import { firstParts } from '../gguf/part-names.js';

/** @throws MoeqError when it cannot be opened: see `ggufFiles` */
export function ggufFile(path: string): Promise<FileSet> {
  const file = basename(path);
  return ggufFiles(file, async (name) => {
    if (name === file) return fileSource(path);
    const part = join(dirname(path), name);
    return (await stat(part).catch(() => null)) === null ? null : fileSource(part);
  });
}

/**
 * The model in a folder of .gguf files without config.json; null where there are none.
 * @throws MoeqError when there are several models
 */
export async function ggufInFolder(files: FileSet): Promise<FileSet | null> {
  const names = await files.list();
  const [first, ...others] = firstParts(names.filter((name) => /\.gguf$/i.test(name)));
  if (first === undefined || names.includes('config.json')) return null;
  if (others.length === 0) return ggufFiles(first, files.open);
  throw new MoeqError({
    operation: 'open the model',
    subject: files.name,
    expected: 'one model in the folder, or the path of one of its files',
    found: [first, ...others].map((name) => quote(name, 80)).join(', '),
  });
}
