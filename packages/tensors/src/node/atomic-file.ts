// One file, whole or not at all.
import { rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { syncFolder, writeDurably } from './durable.js';
import { withFileErrors } from './file-error.js';
import { cleanUpAfterDead, unfinishedName } from './partial-name.js';

/**
 * Writes a file under a temporary name beside it, makes it durable and renames it: a reader that opens `path`, at whatever
 * moment, finds the old file or the new one.
 * @param data text is written as UTF-8
 * @throws MoeqError when the system refuses; nothing is left behind
 */
export async function writeFileAtomic(path: string, data: Uint8Array | string): Promise<void> {
  const target = resolve(path);
  await withFileErrors('write', path, async () => {
    await cleanUpAfterDead(target, true);
    const partial = unfinishedName(target, 'partial');
    try {
      await writeDurably(partial, typeof data === 'string' ? new TextEncoder().encode(data) : data);
      await rename(partial, target);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    await syncFolder(dirname(target));
  });
}
