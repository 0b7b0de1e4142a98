// What is written must not take the place of what is read, not even where another output may be replaced.
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { ggufPartsOf } from '@moeq/loader';
import { MoeqError } from '@moeq/tensors';
import { templatesFolder } from './other-files.js';

/**
 * @param model a folder, a GGUF file or its first part; what is no path is apart from everything
 * @param out a folder or a file
 * @throws MoeqError when `out` is the model, holds it, or is or holds one of its files, those that links lead to included
 */
export async function assertApart(operation: string, model: string, out: string): Promise<void> {
  const output = await real(out);
  if (output === null) return;
  const own = [model, ...ggufPartsOf(model), join(model, templatesFolder)];
  for (const path of [...own, ...(await filesOf(model)), ...(await filesOf(join(model, templatesFolder)))]) {
    const input = await real(path);
    if (input === null || !`${input}${sep}`.startsWith(`${output}${sep}`)) continue;
    throw new MoeqError({
      operation,
      subject: out,
      expected: 'a place that is not, and does not hold, the model that is read',
      found: path,
    });
  }
}

const real = (path: string): Promise<string | null> => realpath(path).catch(() => null);

/** Files of a folder, and links to files; none where it is no folder. */
async function filesOf(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const paths = names.map((name) => join(folder, name));
  const kinds = await Promise.all(paths.map((path) => stat(path).catch(() => null)));
  return paths.filter((_, index) => kinds[index]?.isFile());
}
