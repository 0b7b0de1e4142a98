// One module for a page: an entry with all that it imports. The workspace's packages come from their sources, from what was
// built of them, or stay imports that the page resolves by itself.
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';

/**
 * `sources`: as the other tests have them. `built`: from the entry points that npm users get, minified as they would.
 * `imported`: not in the bundle at all; the page has an import map.
 */
export type PackagesFrom = 'sources' | 'built' | 'imported';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const choices: Readonly<Record<PackagesFrom, BuildOptions>> = {
  sources: { tsconfig: here('../../tsconfig.json') },
  built: { tsconfigRaw: {}, minify: true },
  imported: { tsconfigRaw: {}, external: ['@moeq/*', 'vitest'] },
};

/** Stands for vitest in pages. */
export const pageVitest = here('page-vitest.ts');

/**
 * @param entry path of a module
 * @throws Error that says what does not resolve
 */
export async function bundle(entry: string, packages: PackagesFrom = 'sources'): Promise<string> {
  const alias = packages === 'imported' ? {} : { vitest: pageVitest };
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2023',
    legalComments: 'none',
    logLevel: 'silent',
    alias,
    ...choices[packages],
  });
  return result.outputFiles?.[0]?.text ?? '';
}
