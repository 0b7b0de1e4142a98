// The one build of every package: ESM for Node 22.12 and current browsers, one file an entry point, siblings external.
// Declarations are written by `tsc -p tsconfig.build.json`, which is faster than bundling them and keeps docstrings.
import { defineConfig } from 'tsup';

/** @param entry source files of the package's entry points, e.g. `['src/index.ts', 'src/node.ts']` */
export const library = (...entry: string[]) =>
  defineConfig({
    entry,
    format: 'esm',
    target: 'es2023',
    platform: 'neutral',
    clean: true,
    dts: false,
  });
