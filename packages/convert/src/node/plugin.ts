// Quantizers of the user's own, from modules given by path. A plugin's default export is a quantizer, a list of them, or a
// function without parameters that returns either.
import { assertQuantizer, type Quantizer } from '@moeq/quantizers';
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
  const made: unknown = typeof exported === 'function' ? exported() : exported;
  const list: readonly unknown[] = Array.isArray(made) ? made : [made];
  return list.map((value) => {
    assertQuantizer(value, path);
    return value;
  });
}
