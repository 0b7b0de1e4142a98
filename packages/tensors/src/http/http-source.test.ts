import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { ByteSource } from '../byte-source.js';
import { fileServer, type ServedFile } from '../testkit/file-server.js';
import { Blocks, blockBytes } from './blocks.js';
import { HttpError } from './http-error.js';
import { httpSource } from './http-source.js';
import type { HttpOptions, HttpProgress } from './options.js';

const random = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 2654435761) >>> 13);
const small = random(1000);
const large = random(5 * blockBytes + 17);

/** Serves one file and opens it. */
async function open(file: ServedFile, options: HttpOptions = {}) {
  const server = await fileServer({ '/file': file });
  try {
    const source = await httpSource(`${server.url}/file`, { retries: 0, ...options });
    return { server, source, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

const whole = (source: ByteSource) => source.read(0, source.size);
const failing = async (action: Promise<unknown>) => {
  const error = await action.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof HttpError)) throw error ?? new Error('it did not fail');
  return { code: error.code, status: error.status, message: error.message };
};

describe('a server that knows ranges', () => {
  test('a small file comes with the request that opens it', async () => {
    await using opened = await open({ bytes: small, headers: { etag: '"1"' } });
    const { source, server } = opened;
    expect(source.size).toBe(1000);
    expect(await source.read(13, 7)).toEqual(small.subarray(13, 20));
    expect(await whole(source)).toEqual(small);
    expect(server.requests).toEqual([`GET /file bytes=0-${blockBytes - 1}`]);
  });

  test('only blocks that are read are fetched, each once', async () => {
    await using opened = await open({ bytes: large, headers: { etag: '"1"' } });
    const { source, server } = opened;
    const into = new Uint8Array(100);
    const at = 3 * blockBytes - 50;
    expect(await source.read(at, 100, undefined, into)).toBe(into);
    expect(into).toEqual(large.subarray(at, at + 100));
    expect(await source.read(at + 10, 50)).toEqual(large.subarray(at + 10, at + 60));
    const first = `bytes=${2 * blockBytes}-${3 * blockBytes - 1}`;
    const second = `bytes=${3 * blockBytes}-${4 * blockBytes - 1}`;
    expect(new Set(server.requests.slice(1))).toEqual(new Set([`GET /file ${first}`, `GET /file ${second}`]));
    expect(server.headers.slice(1, 3).map((headers) => headers['if-range'])).toEqual(['"1"', '"1"']);
    expect(Buffer.compare(await whole(source), large)).toBe(0);
    expect(new Set(server.requests).size).toBe(server.requests.length);
  });

  test('reads side by side, and of nothing', async () => {
    await using opened = await open({ bytes: large });
    const { source } = opened;
    const parts = await Promise.all([0, 1, 2, 3, 4].map((i) => source.read(i * blockBytes + i, 9)));
    for (const [i, part] of parts.entries()) {
      expect(part).toEqual(large.subarray(i * blockBytes + i, i * blockBytes + i + 9));
    }
    expect(await source.read(large.length, 0)).toHaveLength(0);
    await expect(source.read(large.length, 1)).rejects.toThrow(/expected a range within the file/);
  });

  test('progress counts every byte', async () => {
    const heard: HttpProgress[] = [];
    const onProgress = (progress: HttpProgress) => heard.push(progress);
    await using opened = await open({ bytes: large }, { onProgress, name: 'f' });
    expect(heard.at(-1)).toEqual({ name: 'f', received: blockBytes, size: large.length });
    await whole(opened.source);
    expect(heard.at(-1)).toEqual({ name: 'f', received: large.length, size: large.length });
    expect(heard.length).toBeGreaterThan(6);
  });

  test('an empty file', async () => {
    await using opened = await open({ bytes: new Uint8Array() });
    expect(opened.source.size).toBe(0);
    expect(await whole(opened.source)).toHaveLength(0);
  });

  test('without Content-Range, as other sites may see it, the size comes from a HEAD', async () => {
    await using opened = await open({ bytes: large, contentRange: false });
    expect(Buffer.compare(await whole(opened.source), large)).toBe(0);
    expect(opened.server.requests[1]).toMatch(/^HEAD/);
  });

  test('files that share blocks keep them apart', async () => {
    await using server = await fileServer({ '/a': { bytes: small }, '/b': { bytes: small.toReversed() } });
    const blocks = new Blocks();
    const [a, b] = await Promise.all(['/a', '/b'].map((path) => httpSource(server.url + path, {}, blocks)));
    expect(await a?.read(0, 9)).toEqual(small.subarray(0, 9));
    expect(await b?.read(991, 9)).toEqual(small.subarray(0, 9).toReversed());
  });
});

describe('a server that knows none', () => {
  test('sends the file once, and reads are served from it', async () => {
    const heard: HttpProgress[] = [];
    await using opened = await open(
      { bytes: large, ranges: false },
      { onProgress: (progress) => heard.push(progress) },
    );
    const { source, server } = opened;
    expect(source.size).toBe(large.length);
    expect(await source.read(blockBytes - 3, 7)).toEqual(large.subarray(blockBytes - 3, blockBytes + 4));
    expect(Buffer.compare(await whole(source), large)).toBe(0);
    expect(server.requests).toHaveLength(1);
    expect(heard.at(-1)).toMatchObject({ received: large.length, size: large.length });
    expect(heard.length).toBeGreaterThan(2);
  });

  test('and breaks off once: it is asked again', async () => {
    const cut = (request: number) => (request === 0 ? 500 : undefined);
    await using opened = await open({ bytes: small, ranges: false, cut }, { retries: 1 });
    expect(await whole(opened.source)).toEqual(small);
  });

  test('a data URL', async () => {
    const source = await httpSource('data:application/json,{"a":1}');
    expect(new TextDecoder().decode(await whole(source))).toBe('{"a":1}');
  });
});

describe('a body that is cut', () => {
  test('goes on where it ended', async () => {
    const cut = (request: number) => (request < 2 ? 300 : undefined);
    await using opened = await open({ bytes: small, cut }, { retries: 2 });
    expect(await whole(opened.source)).toEqual(small);
    expect(opened.server.requests.map((request) => request.split(' ')[2]?.split('-')[0])).toEqual([
      'bytes=0',
      'bytes=300',
      'bytes=600',
    ]);
  });

  test('again and again is an error that says how much came', async () => {
    const { code, message } = await failing(
      open({ bytes: small, cut: () => 100 }, { retries: 1, name: 'f' }),
    );
    expect(code).toBe('cut');
    expect(message).toMatch(
      /^f: cannot read \d+ bytes at \d+: expected \d+ bytes, found a connection that broke/,
    );
  });

  test('a refusal that passes is asked again; a read that failed may succeed later', async () => {
    let down = 1;
    const file: ServedFile = {
      bytes: large,
      answer: (request, response) => {
        if (request === 0 || down === 0) return false;
        down -= 1;
        response.writeHead(503).end();
        return true;
      },
    };
    await using opened = await open(file, { retries: 1 });
    const { source } = opened;
    expect(await source.read(2 * blockBytes, 4)).toEqual(large.subarray(2 * blockBytes, 2 * blockBytes + 4));
    down = 2;
    expect(await failing(source.read(4 * blockBytes, 4))).toMatchObject({ code: 'status', status: 503 });
    expect(await source.read(4 * blockBytes, 4)).toEqual(large.subarray(4 * blockBytes, 4 * blockBytes + 4));
  });
});

describe('a file that changes while it is open', () => {
  const other = { bytes: large.toReversed() };

  test.each([
    ['its ETag', { etag: '"1"' }, { etag: '"2"' }],
    ['its weak ETag', { etag: 'W/"1"' }, { etag: 'W/"2"' }],
    [
      'its date',
      { 'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT' },
      { 'last-modified': 'Tue, 02 Jan 2024 00:00:00 GMT' },
    ],
  ])('is recognised by %s', async (_, before, after) => {
    await using opened = await open({ bytes: large, headers: before });
    opened.server.files.set('/file', { ...other, headers: after });
    const { code, message } = await failing(opened.source.read(2 * blockBytes, 4));
    expect(code).toBe('changed');
    expect(message).toMatch(/expected the file as it was opened \(.*\), found another one/);
  });

  test('is recognised by its size', async () => {
    await using opened = await open({ bytes: large });
    opened.server.files.set('/file', { bytes: large.subarray(1) });
    expect(await failing(opened.source.read(blockBytes, 4))).toMatchObject({ code: 'changed' });
    opened.server.files.set('/file', { bytes: small });
    expect(await failing(opened.source.read(blockBytes, 4))).toMatchObject({ code: 'changed', status: 416 });
  });
});

describe('refusals', () => {
  test.each([
    ['none', 404, {}, 'notFound'],
    ['gone', 410, {}, 'notFound'],
    [
      'a page of an application in its place',
      200,
      { 'content-type': 'text/html; charset=utf-8' },
      'notFound',
    ],
    ['not allowed', 403, {}, 'status'],
    ['another range', 206, { 'content-range': 'bytes 5-9/1000' }, 'protocol'],
  ] as const)('%s', async (_, status, headers, code) => {
    const file: ServedFile = {
      bytes: small,
      answer: (_, response) => {
        response.writeHead(status, headers).end('12345');
        return true;
      },
    };
    expect(await failing(open(file))).toMatchObject({ code, status });
  });

  test('no server there', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const { code, message } = await failing(
      httpSource(`http://127.0.0.1:${port}/x?key=secret`, { retries: 0 }),
    );
    expect(code).toBe('unreachable');
    expect(message).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/x: cannot read .*: expected an answer, found none \(.*ECONNREFUSED/,
    );
  });

  test('options and addresses that cannot be', async () => {
    await expect(httpSource('http://localhost/', { retry: 1 } as HttpOptions)).rejects.toThrow(
      /option "retry": .* an unknown option, which is nearest to retries$/,
    );
    await expect(httpSource('http://localhost/', { retries: -1 })).rejects.toThrow(/from 0 to 10, found -1/);
    await expect(httpSource('model.safetensors')).rejects.toThrow(/model\.safetensors/);
  });
});

describe('ends', () => {
  /** Answers the first request, and leaves the others waiting. */
  const slow: ServedFile = { bytes: large, answer: (request) => request > 0 };

  test('with the signal of a read, which leaves the others alone', async () => {
    await using opened = await open(slow);
    const controller = new AbortController();
    const read = opened.source.read(2 * blockBytes, 4, controller.signal);
    controller.abort();
    await expect(read).rejects.toThrow(/abort/);
    expect(await opened.source.read(0, 4)).toEqual(large.subarray(0, 4));
  });

  test('with the signal of the source, and with close', async () => {
    const controller = new AbortController();
    await using opened = await open(slow, { signal: controller.signal });
    const read = opened.source.read(2 * blockBytes, 4);
    controller.abort();
    await expect(read).rejects.toThrow(/abort/);

    await using other = await open(slow);
    const waiting = other.source.read(2 * blockBytes, 4);
    const closed = expect(waiting).rejects.toThrow(/expected an open file, found a closed one/);
    await other.source.close();
    await closed;
    await expect(other.source.read(0, 4)).rejects.toThrow(/a closed one/);
  });

  test('headers are sent', async () => {
    await using opened = await open({ bytes: small }, { headers: { authorization: 'Bearer x' } });
    expect(opened.server.headers[0]?.authorization).toBe('Bearer x');
  });
});
