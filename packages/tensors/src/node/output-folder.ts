// A folder that appears all at once. It is filled under a temporary name beside its target and renamed when everything in
// it is durable, so a killed process leaves no output or a complete one; what the killed process had written so
// far is removed by the next one that writes to the same target.
import { mkdir, readdir, realpath, rename, rm, rmdir, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { counted } from '../counted.js';
import { MoeqError } from '../errors.js';
import { syncFolder } from './durable.js';
import { withFileErrors } from './file-error.js';
import { cleanUpAfterDead, unfinishedName } from './partial-name.js';

export interface OutputFolder {
  /** Where to write: the temporary folder. */
  readonly path: string;
  /** Moves the folder to its target. @throws MoeqError when that has been filled meanwhile */
  commit(): Promise<void>;
  /** Removes the folder and the parents that were made for it. */
  abort(): Promise<void>;
}

/**
 * @param out the target; missing parents are made
 * @param bytes that will be written, to see at once that a disk is too small
 * @param overwrite allows to replace a folder that holds a checkpoint
 * @throws MoeqError when the target is in the way, or the system refuses
 */
export async function createOutputFolder(
  out: string,
  bytes: number,
  overwrite: boolean,
): Promise<OutputFolder> {
  return withFileErrors('write', out, async () => {
    const target = await realpath(resolve(out)).catch(() => resolve(out));
    const parent = dirname(target);
    const madeParent = await mkdir(parent, { recursive: true });
    const removeParents = async (): Promise<void> => {
      if (madeParent === undefined) return;
      // upwards until the first that was made, or one that holds something else
      for (let path = parent; path.length >= madeParent.length; path = dirname(path))
        await rmdir(path).catch(() => {});
    };
    const path = unfinishedName(target, 'partial');
    try {
      await cleanUpAfterDead(target, await exists(target));
      await assertFree(target, out, overwrite);
      await assertRoom(parent, out, bytes);
      await mkdir(path);
    } catch (error) {
      await removeParents();
      throw error;
    }
    return {
      path,
      commit: () =>
        withFileErrors('move into place', out, async () => {
          await syncFolder(path);
          await assertFree(target, out, overwrite);
          await swap(path, target);
        }),
      async abort() {
        await rm(path, { recursive: true, force: true });
        await removeParents();
      },
    };
  });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** A target that is absent, empty, or (with `overwrite`) a checkpoint: any other folder is more likely a mistake. */
async function assertFree(target: string, out: string, overwrite: boolean): Promise<void> {
  if (!(await exists(target))) return;
  const names = await readdir(target);
  const replaceable = names.some((name) => name.endsWith('.safetensors'));
  if (names.length === 0 || (overwrite && replaceable)) return;
  throw new MoeqError({
    code: replaceable ? 'outputExists' : undefined,
    operation: 'write',
    subject: out,
    expected: overwrite
      ? 'an empty folder or one with .safetensors files'
      : 'a folder that is empty or absent',
    found: `one with ${counted(names.length, 'file')}`,
  });
}

export async function assertRoom(parent: string, out: string, bytes: number): Promise<void> {
  const { bavail, bsize, blocks } = await statfs(parent);
  // file systems that do not count report no blocks at all
  if (blocks === 0 || bavail * bsize >= bytes) return;
  throw new MoeqError({
    operation: 'write',
    subject: out,
    expected: `${bytes} bytes of room on the disk`,
    found: `${bavail * bsize}`,
  });
}

/** Puts `path` in the place of `target`. What is there goes aside first and is removed last. */
async function swap(path: string, target: string): Promise<void> {
  const replaces = (await exists(target)) && (await readdir(target)).length > 0;
  const aside = unfinishedName(target, 'replaced');
  if (replaces) await rename(target, aside);
  // an empty folder in the way can be renamed over on some systems only
  else await rmdir(target).catch(() => {});
  try {
    await rename(path, target);
  } catch (error) {
    if (replaces) await rename(aside, target);
    throw error;
  }
  await syncFolder(dirname(target));
  if (replaces) await rm(aside, { recursive: true, force: true });
}
