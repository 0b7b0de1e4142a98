// Builds the page into dist/page: one script with all it needs, and the files beside it.
import { copyFile, mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const out = here('../../dist/page/');

await mkdir(out, { recursive: true });
await build({
  entryPoints: [here('main.ts')],
  outfile: `${out}main.js`,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2023',
  legalComments: 'eof',
});
for (const name of ['index.html', 'style.css']) await copyFile(here(name), out + name);
