// A server of files on a port of loopback that keeps to HTTP, or breaks it in the ways that servers and networks do.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ServedFile {
  readonly bytes: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether ranges are answered with 206. Default true. */
  readonly ranges?: boolean;
  /** Whether 206 says which range it is. Default true. */
  readonly contentRange?: boolean;
  /** Answers in place of the file, by the number of the request from 0; undefined: the file. */
  readonly answer?: (request: number, response: ServerResponse) => boolean;
  /** Bytes of the body after which the connection breaks, by the number of the request. */
  readonly cut?: (request: number) => number | undefined;
}

export interface FileServer extends AsyncDisposable {
  readonly url: string;
  /** By path; may change while it runs. */
  readonly files: Map<string, ServedFile>;
  /** `GET /a bytes=0-99`, in their order. */
  readonly requests: string[];
  /** Headers of the requests. */
  readonly headers: IncomingMessage['headers'][];
}

export async function fileServer(files: Readonly<Record<string, ServedFile>>): Promise<FileServer> {
  const served = new Map(Object.entries(files));
  const requests: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const counts = new Map<string, number>();
  const server = createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const count = counts.get(path) ?? 0;
    counts.set(path, count + 1);
    requests.push(`${request.method} ${request.url} ${request.headers.range ?? ''}`.trim());
    headers.push(request.headers);
    const file = served.get(path);
    if (file === undefined) response.writeHead(404).end();
    else if (file.answer?.(count, response) !== true) send(file, count, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    files: served,
    requests,
    headers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function send(file: ServedFile, count: number, request: IncomingMessage, response: ServerResponse): void {
  const { bytes, ranges = true, contentRange = true } = file;
  const size = bytes.length;
  const [, first = '0', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const asked = request.headers.range !== undefined;
  const { etag } = file.headers ?? {};
  const condition = request.headers['if-range'];
  const holds = condition === undefined || condition === etag;
  const part = asked && ranges && holds;
  if (part && Number(first) >= size) {
    response.writeHead(416, { ...file.headers, 'content-range': `bytes */${size}` }).end();
    return;
  }
  const body = part ? bytes.subarray(Number(first), Math.min(size, Number(last) + 1)) : bytes;
  response.writeHead(part ? 206 : 200, {
    ...file.headers,
    'content-length': body.length,
    ...(part &&
      contentRange && { 'content-range': `bytes ${first}-${Number(first) + body.length - 1}/${size}` }),
  });
  const cut = file.cut?.(count);
  if (request.method === 'HEAD') response.end();
  else if (cut === undefined) response.end(body);
  else response.write(body.subarray(0, cut), () => response.destroy());
}
