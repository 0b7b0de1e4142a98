// A folder of the file system as a set of files.
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { MoeqError, quote } from '@moeq/tensors';
import { fileSource } from '@moeq/tensors/node';
import { assertInside } from '../file-name.js';
import type { FileSet } from '../file-set.js';

/** Where links inside the folder may lead besides the folder itself. */
export interface FolderOptions {
  /**
   * Folders in which links may end, e.g. the `blobs` of a download cache whose snapshots are links. None unless given.
   */
  readonly linksInto?: readonly string[];
}

/**
 * The files of a folder, by paths relative to it with `/` between parts.
 * @throws MoeqError from `open` for a name that leaves the folder (absolute, `..`, a link out of it) or is no file
 */
export function folder(path: string, options: FolderOptions = {}): FileSet {
  const roots = [path, ...(options.linksInto ?? [])].map((root) => resolve(root));
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
      const inside = await Promise.all(
        roots.map(async (root) => target.startsWith((await realpath(root).catch(() => root)) + sep)),
      );
      if (!inside.includes(true)) {
        throw openError(file, 'a file inside the folder', `a link to ${quote(target, 200)}`);
      }
      const stats = await stat(target).catch(failed(file, 'open the file'));
      if (!stats.isFile())
        throw openError(file, 'a regular file', stats.isDirectory() ? 'a folder' : 'a device');
      return fileSource(file);
    },
  };
}

function absent(file: string) {
  return (cause: unknown): null => {
    if (isErrno(cause) && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')) return null;
    return failed(file, 'open the file')(cause);
  };
}

function failed(subject: string, operation: string) {
  return (cause: unknown): never => {
    const found = isErrno(cause) ? (cause.code ?? cause.message) : String(cause);
    throw new MoeqError({ operation, subject, expected: 'a readable file or folder', found, cause });
  };
}

function openError(subject: string, expected: string, found: string): MoeqError {
  return new MoeqError({ operation: 'open the file', subject, expected, found });
}

function isErrno(cause: unknown): cause is NodeJS.ErrnoException {
  return cause instanceof Error && 'code' in cause;
}
