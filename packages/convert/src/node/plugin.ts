// Quantizers of the user's own, from modules given by path. A plugin's default export is a quantizer, a list of them, or a
// function without parameters that returns either, or a promise of it.
import { assertQuantizer, describeThrown, type Quantizer } from '@moeq/quantizers';
import { MoeqError } from '@moeq/tensors';
import { importDefault } from './module-file.js';

const operation = 'load the plugin';

/**
 * The quantizers of all `paths`, in that order. Whether their names are free is for the recipe to say.
 * @throws MoeqError when a module cannot be loaded or exports something else
 */
export async function loadPlugins(paths: readonly string[]): Promise<Quantizer[]> {
  const plugins = await Promise.all(paths.map(loadPlugin));
  return plugins.flat();
}

async function loadPlugin(path: string): Promise<Quantizer[]> {
  const exported = await importDefault(path, operation);
  const fail = (expected: string, found: string, cause?: unknown): never => {
    throw new MoeqError({ operation, subject: path, expected, found, cause });
  };
  let made: unknown = exported;
  if (typeof exported === 'function') {
    try {
      made = await exported();
    } catch (thrown) {
      fail('a function that makes quantizers', describeThrown(thrown), thrown);
    }
  }
  const list: readonly unknown[] = Array.isArray(made) ? made : [made];
  if (list.length === 0) fail('at least one quantizer', 'an empty list');
  return list.map((value) => {
    try {
      assertQuantizer(value, path);
      return value;
    } catch (thrown) {
      if (MoeqError.isInstance(thrown)) throw thrown;
      return fail('a quantizer', describeThrown(thrown), thrown);
    }
  });
}
