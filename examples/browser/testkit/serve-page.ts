// The built page on a port of loopback, as a static host serves it: with or without the headers that isolate a page, with or
// without ranges, fast or slow.
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
};

export interface Host {
  readonly isolated?: boolean;
  readonly ranges?: boolean;
  /** Bytes a second of one answer; all at once unless given. */
  readonly rate?: number;
}

export interface ServedPage extends AsyncDisposable {
  readonly url: string;
}

/** @throws Error where the page was not built */
export async function servePage({ isolated = true, ranges = true, rate }: Host = {}): Promise<ServedPage> {
  if (!existsSync(join(dist, 'index.html'))) throw new Error('examples/browser is not built: npm run build');
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const file = join(dist, normalize(pathname === '/' ? '/index.html' : pathname));
    const size = existsSync(file) ? statSync(file).size : null;
    if (size === null) {
      response.writeHead(404).end();
      return;
    }
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec((ranges && request.headers.range) || '') ?? [];
    const isPart = first !== undefined && last !== undefined && Number(first) < size;
    const [start, end] = isPart ? [Number(first), Math.min(size - 1, Number(last))] : [0, size - 1];
    response.writeHead(isPart ? 206 : 200, {
      'content-type': types[extname(file)] ?? 'application/octet-stream',
      'content-length': end - start + 1,
      ...(isPart && { 'content-range': `bytes ${start}-${end}/${size}` }),
      ...(isolated && {
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-embedder-policy': 'require-corp',
      }),
    });
    const stream = createReadStream(file, { start, end });
    // A browser that has enough closes the connection.
    pipeline(rate === undefined ? stream : slowed(stream, rate), response).catch(() => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
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
