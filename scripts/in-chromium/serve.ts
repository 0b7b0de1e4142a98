// A web server for pages under test: what a table says and nothing else, with or without the headers that isolate a page,
// with or without ranges, fast or slow.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { Readable } from 'node:stream';
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
  /** Of every answer, e.g. `content-security-policy`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether a range is answered with it alone. */
  readonly ranges?: boolean;
  /** Bytes a second of one answer; all at once unless given. */
  readonly rate?: number;
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
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** Serves on a port of its own until it is disposed of. Pages of other origins may read, as from a CDN. */
export async function serve(options: ServeOptions): Promise<Site> {
  const { files, isolated = false, headers = {}, ranges = false, rate } = options;
  const requests: string[] = [];
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    requests.push(pathname);
    response.setHeader('content-type', types[extname(pathname)] ?? 'application/octet-stream');
    response.setHeader('access-control-allow-origin', '*');
    const all = { ...headers, ...(isolated ? isolation : {}) };
    for (const [name, value] of Object.entries(all)) response.setHeader(name, value);
    const found = lookUp(files, pathname);
    if (typeof found === 'string') return void response.end(found);
    const size = found === null ? null : await stat(found).then((is) => (is.isFile() ? is.size : null), none);
    if (found === null || size === null) return void response.writeHead(404).end();
    const range = ranges ? rangeOf(request.headers.range, size) : null;
    const length = range === null ? size : range.end - range.start + 1;
    if (range !== null) response.setHeader('content-range', `bytes ${range.start}-${range.end}/${size}`);
    response.writeHead(range === null ? 200 : 206, { 'content-length': length });
    const stream = createReadStream(found, range ?? {});
    await pipeline(rate === undefined ? stream : slowed(stream, rate), response).catch(none); // the page has left
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

/** Both ends included; null where the whole file is the answer. */
function rangeOf(header: string | undefined, size: number): { start: number; end: number } | null {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || Number(first) >= size) return null;
  return { start: Number(first), end: Math.min(size - 1, Number(last)) };
}

function slowed(stream: Readable, rate: number): Readable {
  return Readable.from(
    (async function* () {
      for await (const piece of stream as AsyncIterable<Buffer>) {
        await new Promise((resolve) => setTimeout(resolve, (1000 * piece.length) / rate));
        yield piece;
      }
    })(),
  );
}

function lookUp(files: Files, path: string): string | URL | null {
  const exact = files[path];
  if (exact !== undefined) return exact;
  const folder = Object.keys(files).find((key) => key.endsWith('/') && key !== '/' && path.startsWith(key));
  const root = folder === undefined ? undefined : files[folder];
  if (folder === undefined || !(root instanceof URL)) return null;
  const file = new URL(`./${path.slice(folder.length)}`, root);
  return file.href.startsWith(root.href) ? file : null;
}
