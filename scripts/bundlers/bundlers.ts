// Builds of a consumer's page by bundlers with their defaults. Vite ships the files that `new URL(…, import.meta.url)` names,
// small ones as data URLs; esbuild leaves such a URL as it is, so that the site has the folder beside that of the script.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import { build as vite } from 'vite';

interface Bundler {
  readonly bundler: string;
  /**
   * @param project folder with index.html, main.js, and the packages
   * @param out folder for the page, which is served as /page/
   */
  build(project: string, out: string): Promise<void>;
}

/** Has main.js; no icon is asked for. */
export const html =
  '<!doctype html><link rel="icon" href="data:,"><script type="module" src="./main.js"></script>';

export const bundlers: readonly Bundler[] = [
  {
    bundler: 'Vite',
    async build(project, out) {
      const output = { outDir: out, emptyOutDir: true, chunkSizeWarningLimit: 1000 };
      await vite({ root: project, base: '/page/', configFile: false, logLevel: 'error', build: output });
    },
  },
  {
    bundler: 'esbuild',
    async build(project, out) {
      const entryPoints = [join(project, 'main.js')];
      await esbuild({ entryPoints, bundle: true, minify: true, format: 'esm', outdir: out });
      await mkdir(out, { recursive: true });
      await writeFile(join(out, 'index.html'), html);
    },
  },
];
