// The built page as a static host serves it.
import { existsSync } from 'node:fs';
import { type ServeOptions, type Site, serve } from '../../../scripts/in-chromium/serve.ts';

const dist = new URL('../dist/', import.meta.url);

export type Host = Omit<ServeOptions, 'files'>;

/** @throws Error where the page was not built */
export async function servePage(host: Host = {}): Promise<Site> {
  const page = new URL('index.html', dist);
  if (!existsSync(page)) throw new Error('examples/browser is not built: npm run build');
  const files = { '/': page, '/assets/': new URL('assets/', dist) };
  return serve({ files, isolated: true, ranges: true, ...host });
}
