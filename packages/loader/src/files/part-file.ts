// A folder with one part of a conversion: some of the tensors of a checkpoint, and a file that says which part it is.
import { MoeqError } from '@moeq/tensors';
import type { FileSet } from './file-set.js';
import { readJsonObject } from './json.js';

/** The file that @moeq/convert writes into each part. */
export const partFileName = 'moeq-part.json';

/** It lists every tensor of the part: some 400 bytes each. */
const maxPartBytes = 128 * 1024 * 1024;

/**
 * Why a checkpoint that is not complete is not.
 * @returns null where the files are no part of a conversion, or cannot be read
 */
export async function partRefusal(files: FileSet, cause: unknown): Promise<MoeqError | null> {
  const part = await readJsonObject(files, partFileName, maxPartBytes).catch(() => null);
  const { index, of } = part ?? {};
  if (typeof index !== 'number' || typeof of !== 'number' || of === 1) return null;
  return new MoeqError({
    code: 'partOfCheckpoint',
    operation: 'open the model',
    subject: files.name,
    expected: 'a whole checkpoint',
    found: `part ${index} of ${of} of a conversion`,
    cause,
  });
}
