// Errors of the file system as MoeqErrors.
import { MoeqError } from '../errors.js';

const reasons: Readonly<Record<string, readonly [expected: string, found: string]>> = {
  ENOENT: ['a file or folder that exists', 'none'],
  EACCES: ['permission', 'none (EACCES)'],
  EPERM: ['permission', 'none (EPERM)'],
  EROFS: ['a file system that can be written', 'a read-only one'],
  ENOSPC: ['room on the disk', 'a full disk (ENOSPC)'],
  EDQUOT: ['room on the disk', 'a used-up quota (EDQUOT)'],
  EFBIG: ['a file size that the system allows', 'a larger one (EFBIG)'],
  EMFILE: ['room for one more open file', 'none (EMFILE)'],
  ENOTDIR: ['a folder', 'a file in its path'],
  EISDIR: ['a file', 'a folder'],
  ENOTEMPTY: ['an empty folder', 'files in it'],
  EEXIST: ['a name that is free', 'a file of that name'],
  EBADF: ['an open file', 'a closed one'],
};

/** What is wrong where a folder is read or made and a file has its name, or that of a folder above it. */
function aboutFolders(code: string, syscall: unknown): readonly [string, string] | undefined {
  if (code === 'ENOTDIR' && syscall === 'scandir') return ['a folder', 'a file'];
  if (code === 'EEXIST' && syscall === 'mkdir') return ['a folder', 'a file in its path'];
  return undefined;
}

/** A system's error as a MoeqError; any other is returned as it is. */
function fileError(operation: string, path: string, cause: unknown): unknown {
  if (cause instanceof RangeError) {
    return new MoeqError({
      operation,
      subject: path,
      expected: 'memory for it',
      found: cause.message,
      cause,
    });
  }
  if (!(cause instanceof Error && 'code' in cause && typeof cause.code === 'string')) return cause;
  if (MoeqError.isInstance(cause) || cause.name === 'AbortError') return cause;
  const [expected, found] = aboutFolders(cause.code, 'syscall' in cause && cause.syscall) ??
    reasons[cause.code] ?? ['the system to do it', cause.message];
  return new MoeqError({ operation, subject: path, expected, found, cause });
}

/**
 * Runs `action`.
 * @throws MoeqError in place of what the file system says, with that as its cause
 */
export async function withFileErrors<T>(
  operation: string,
  path: string,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw fileError(operation, path, cause);
  }
}
