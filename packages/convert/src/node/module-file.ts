// The default export of a module of the user's own: a plugin or a recipe.
import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeThrown } from '@moeq/quantizers';
import { MoeqError } from '@moeq/tensors';

/**
 * Imports `path`, relative to the working directory, and runs it: it is code.
 * @param operation what it is loaded for, for the message
 * @throws MoeqError when there is no such file, it fails while loading, or it has no default export
 */
export async function importDefault(path: string, operation: string): Promise<unknown> {
  const fail = (expected: string, found: string, cause?: unknown): never => {
    throw new MoeqError({ operation, subject: path, expected, found, cause });
  };
  const file = resolve(path);
  await access(file).catch((cause: unknown) => fail('a JavaScript module', 'no such file', cause));
  const module: unknown = await import(pathToFileURL(file).href).catch((cause: unknown) =>
    fail('a module that loads', describeThrown(cause), cause),
  );
  if (typeof module === 'object' && module !== null && 'default' in module) return module.default;
  return fail('a default export', 'none');
}
