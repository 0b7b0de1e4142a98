// Puts something before every operation on files that this process makes through node:fs/promises, so that a test can fail
// or kill exactly the n-th.
import files, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const folderOperations = [
  'mkdir',
  'open',
  'readdir',
  'realpath',
  'rename',
  'rm',
  'rmdir',
  'stat',
  'statfs',
] as const;
const handleOperations = ['write', 'writeFile', 'read', 'sync', 'close', 'stat'] as const;

/**
 * @param before called with the name and the number of each operation, from 0, before it is made
 * @returns what undoes the interception
 */
export function interceptFiles(before: (operation: string, index: number) => void): () => void {
  let count = 0;
  const wrap = (target: Record<string, unknown>, name: string): void => {
    const original = target[name] as (...args: unknown[]) => Promise<unknown>;
    target[name] = async (...args: unknown[]) => {
      const index = count++;
      // a close that fails has closed all the same
      if (name === 'close') await original.apply(target, args);
      before(name, index);
      if (name === 'close') return undefined;
      const result = await original.apply(target, args);
      if (name === 'open') wrapHandle(result as FileHandle);
      return result;
    };
  };
  const wrapHandle = (handle: FileHandle) => {
    for (const name of handleOperations) wrap(handle as unknown as Record<string, unknown>, name);
  };

  const module = files as unknown as Record<string, unknown>;
  const originals = folderOperations.map((name) => [name, module[name]] as const);
  for (const name of folderOperations) wrap(module, name);
  syncBuiltinESMExports();
  return () => {
    for (const [name, original] of originals) module[name] = original;
    syncBuiltinESMExports();
  };
}
