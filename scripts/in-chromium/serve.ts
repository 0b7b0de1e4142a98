// A web server for pages under test: what a table says and nothing else, with or without the headers that isolate a page.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { pipeline } from 'node:stream/promises';

/**
 * What is served, by path. A text is served as it is, a URL is a file on the disk; a path that ends with `/` is a folder
 * with all that is in it.
 */
export type Files = Readonly<Record<string, string | URL>>;

export interface ServeOptions {
  readonly files: Files;
  /** Cross-origin isolation, without which a page has no shared memory. */
  readonly isolated?: boolean;
}

export interface Site extends AsyncDisposable {
  /** Of the root, e.g. `http://127.0.0.1:8080/`. */
  readonly url: string;
  /** Paths asked for, in order; those of files that are not there too. */
  readonly requests: readonly string[];
}

const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

const types: Readonly<Record<string, string>> = {
  '': 'text/html',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** Serves on a port of its own until it is disposed of. Pages of other origins may read, as from a CDN. */
export async function serve({ files, isolated = false }: ServeOptions): Promise<Site> {
  const requests: string[] = [];
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    requests.push(pathname);
    response.setHeader('content-type', types[extname(pathname)] ?? 'application/octet-stream');
    response.setHeader('access-control-allow-origin', '*');
    for (const [name, value] of Object.entries(isolated ? isolation : {})) response.setHeader(name, value);
    const found = lookUp(files, pathname);
    if (typeof found === 'string') return void response.end(found);
    const size = found === null ? null : await stat(found).then((is) => (is.isFile() ? is.size : null), none);
    if (found === null || size === null) return void response.writeHead(404).end();
    response.setHeader('content-length', size);
    await pipeline(createReadStream(found), response).catch(none); // the page has left
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const none = () => null;

function lookUp(files: Files, path: string): string | URL | null {
  const exact = files[path];
  if (exact !== undefined) return exact;
  const folder = Object.keys(files).find((key) => key.endsWith('/') && key !== '/' && path.startsWith(key));
  const root = folder === undefined ? undefined : files[folder];
  if (folder === undefined || !(root instanceof URL)) return null;
  const file = new URL(`./${path.slice(folder.length)}`, root);
  return file.href.startsWith(root.href) ? file : null;
}
