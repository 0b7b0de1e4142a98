// A folder of the file system as a set of files.
import { lstat, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { MoeqError, quote } from '@moeq/tensors';
import { fileSource } from '@moeq/tensors/node';
import { assertInside } from '../files/file-name.js';
import type { FileSet } from '../files/file-set.js';

/** Where links inside the folder may lead besides the folder itself. */
export interface FolderOptions {
  /**
   * Folders in which links may end, e.g. the `blobs` of a download cache whose snapshots are links. None unless given.
   */
  readonly linksInto?: readonly string[];
  /** Links may end anywhere. */
  readonly allowLinks?: boolean;
}

/**
 * The files of a folder, by paths relative to it with `/` between parts.
 * @throws MoeqError from `open` for a name that leaves the folder (absolute, `..`, or, with the code `linkOutside`, a link out
 *   of it that is not allowed), for a link that leads to nothing or in a circle, and for what is no file
 */
export function folder(path: string, options: FolderOptions = {}): FileSet {
  const { linksInto = [], allowLinks = false } = options;
  const roots = [path, ...linksInto].map((root) => resolve(root));
  return {
    name: path,
    async list(within) {
      const listed = within === undefined ? path : join(path, within);
      if (within !== undefined) assertInside(within, path);
      const missing = within === undefined ? failed(listed, 'list the folder') : absent(listed);
      const entries = (await readdir(listed, { withFileTypes: true }).catch(missing)) ?? [];
      return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
    },
    async open(name) {
      assertInside(name, path);
      const file = join(path, name);
      const target = await realpath(file).catch(absent(file));
      if (target === null) return null;
      if (!allowLinks && !(await isInside(target, roots))) {
        throw new MoeqError({
          code: 'linkOutside',
          operation: 'open the file',
          subject: file,
          expected: 'a file inside the folder, or permission to follow links out of it (allowLinks)',
          found: `a link to ${quote(target, 200)}`,
        });
      }
      const stats = await stat(target).catch(failed(file, 'open the file'));
      if (!stats.isFile())
        throw openError(file, 'a regular file', stats.isDirectory() ? 'a folder' : 'a device');
      return fileSource(file);
    },
  };
}

async function isInside(target: string, roots: readonly string[]): Promise<boolean> {
  for (const root of roots) {
    if (target.startsWith((await realpath(root).catch(() => root)) + sep)) return true;
  }
  return false;
}

function absent(file: string) {
  return async (cause: unknown): Promise<null> => {
    const link = await describeLink(file);
    if (link !== null) throw openError(file, 'a file', link, cause);
    if (isErrno(cause) && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')) return null;
    return failed(file, 'open the file')(cause);
  };
}

/** What a link that cannot be followed is, for a message; null for what is no such link. */
export async function describeLink(path: string): Promise<string | null> {
  const stats = await lstat(path).catch(() => null);
  if (stats?.isSymbolicLink() !== true) return null;
  const reason = await realpath(path).then(
    () => null,
    (cause: unknown) => (isErrno(cause) ? cause.code : undefined),
  );
  if (reason === null) return null;
  const target = quote(await readlink(path).catch(() => ''), 200);
  if (reason === 'ELOOP') return `a link to ${target} that leads in a circle`;
  return reason === 'ENOENT' || reason === 'ENOTDIR'
    ? `a link to ${target}, where there is nothing`
    : `a link to ${target} that cannot be followed (${reason ?? 'no reason given'})`;
}

function failed(subject: string, operation: string) {
  return (cause: unknown): never => {
    const found = isErrno(cause) ? (cause.code ?? cause.message) : String(cause);
    throw new MoeqError({ operation, subject, expected: 'a readable file or folder', found, cause });
  };
}

function openError(subject: string, expected: string, found: string, cause?: unknown): MoeqError {
  return new MoeqError({ operation: 'open the file', subject, expected, found, cause });
}

function isErrno(cause: unknown): cause is NodeJS.ErrnoException {
  return cause instanceof Error && 'code' in cause;
}
