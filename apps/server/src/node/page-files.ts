// The built page, beside this file in the package, or in dist when the sources run.
import { readFile } from 'node:fs/promises';
import type { Page } from '../page.js';

const files = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/page/style.css', 'style.css', 'text/css; charset=utf-8'],
  ['/page/main.js', 'main.js', 'text/javascript; charset=utf-8'],
] as const;

/** Empty where the page was not built. */
export async function readPage(): Promise<Page> {
  const page = new Map();
  for (const [path, name, type] of files) {
    for (const folder of ['./page/', '../../dist/page/']) {
      const text = await readFile(new URL(folder + name, import.meta.url), 'utf8').catch(() => null);
      if (text !== null && !page.has(path)) page.set(path, { type, text });
    }
  }
  return page;
}
