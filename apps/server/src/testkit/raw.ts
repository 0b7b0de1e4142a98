// Requests that no client library would make, byte by byte over a socket.
import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  /** 0: the connection was closed without an answer. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function open(url: string): Socket {
  const { hostname, port } = new URL(url);
  return connect(Number(port), hostname.replace(/[[\]]/g, ''));
}

/**
 * Sends bytes, and reads until the server closes the connection; requests say `Connection: close`.
 * @param parts null: the client leaves; before it, each part goes out by itself
 */
export function send(url: string, ...parts: readonly (string | Uint8Array | null)[]): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = open(url);
    const chunks: Buffer[] = [];
    const done = () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const split = text.indexOf('\r\n\r\n');
      const [line = '', ...fields] = text.slice(0, split).split('\r\n');
      const headers = fields.map((field) => field.split(/:\s*/, 2) as [string, string]);
      resolve({
        status: Number(line.split(' ')[1] ?? 0),
        headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
        body: text.slice(split + 4),
      });
    };
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('close', done);
    // A server that refuses a body closes while it is still being sent.
    socket.on('error', (error) => (chunks.length > 0 ? done() : reject(error)));
    for (const part of parts) {
      if (part === null) setTimeout(() => socket.destroy(), 100);
      else socket.write(part);
    }
  });
}

/** A POST of JSON with its head; `extra` are more header lines. */
export function post(
  path: string,
  body: string | Uint8Array,
  extra: readonly string[] = [],
): (string | Uint8Array)[] {
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  const lines = [
    `POST ${path} HTTP/1.1`,
    ...(extra.some((line) => /^host:/i.test(line)) ? [] : ['Host: localhost']),
    ...(extra.some((line) => /^content-type:/i.test(line)) ? [] : ['Content-Type: application/json']),
    ...(extra.some((line) => /^(content-length|transfer-encoding):/i.test(line))
      ? []
      : [`Content-Length: ${length}`]),
    'Connection: close',
    ...extra,
  ];
  return [`${lines.join('\r\n')}\r\n\r\n`, body];
}

/** A connection that sends what it is given and reads nothing until asked to. */
export function silent(url: string, ...parts: readonly (string | Uint8Array)[]): Socket {
  const socket = open(url);
  socket.on('error', () => undefined);
  socket.pause();
  for (const part of parts) socket.write(part);
  return socket;
}
