// The app on a port of this machine: on loopback by default, on another address only with a key. Connections that send or
// take nothing are closed; stopping lets answers end.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { type ErrorCode, MoeqError } from '@moeq/tensors';
import { ApiError } from '../api-error.js';
import { type App, type AppOptions, createApp } from '../app.js';
import { loopbackHosts } from '../guard.js';
import { readPage } from './page-files.js';

export interface ListenOptions extends AppOptions {
  /** Default 127.0.0.1. Another than loopback needs an API key. */
  readonly host?: string | undefined;
  /** Default 0: any free one. */
  readonly port?: number | undefined;
}

export interface Listening {
  readonly app: App;
  /** E.g. `http://127.0.0.1:8080`; where it listens on all addresses, by the one of loopback. */
  readonly url: string;
  /** Takes no more connections, lets answers end, and closes. @returns whether none of them had to be cut */
  close(): Promise<boolean>;
}

/** Connections at once: those of a few hundred clients, with memory of some 50 kB each. */
const maxConnections = 1024;
/** Milliseconds for a request's head. */
const headersTimeout = 10_000;
/** Milliseconds for the last bytes of an answer to leave. */
const lastBytes = 2000;

/** @throws MoeqError for a host other than loopback without an API key, or a port that cannot be bound */
export async function listen(options: ListenOptions = {}): Promise<Listening> {
  const { host = '127.0.0.1', port = 0, ...rest } = options;
  const loopback = isLoopback(host);
  assertKeys(rest.apiKeys ?? [], loopback, host);
  // A page cannot send the key, so where one is needed names are free unless some are given.
  const app = createApp({ hosts: loopback ? loopbackHosts : null, page: await readPage(), ...rest });
  const server = serverOf(app);
  await bind(server, host, port);
  const { port: bound } = server.address() as AddressInfo;
  return {
    app,
    url: `http://${reachable(host)}:${bound}`,
    close: once(async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const complete = await app.drain();
      server.closeIdleConnections();
      // Answers have been handed over; readers that do not take them hold nothing up.
      const late = setTimeout(() => server.closeAllConnections(), lastBytes);
      await closed;
      clearTimeout(late);
      return complete;
    }),
  };
}

function serverOf(app: App): Server {
  const { seconds, requestSeconds } = app.limits;
  const listener = getRequestListener((request, bindings) => app.fetch(request, bindings), {
    errorHandler: () => new ApiError({ status: 400, message: 'The request has no valid address.' }).response,
  });
  const server = createServer(
    {
      headersTimeout: Math.min(headersTimeout, requestSeconds * 1000),
      requestTimeout: requestSeconds * 1000,
      connectionsCheckingInterval: 1000,
    },
    (incoming, outgoing) => void listener(incoming, outgoing),
  );
  server.maxConnections = maxConnections;
  // Silence in both directions: an answer may take as long as the app allows, and a reader gets no longer.
  server.timeout = seconds * 1000 + 10_000;
  return server;
}

function assertKeys(keys: readonly string[], loopback: boolean, host: string): void {
  const wrong = (subject: string, expected: string, found: string, code?: ErrorCode) =>
    new MoeqError({ operation: 'listen', subject, expected, found, code });
  if (keys.some((key) => !/^[\x21-\x7e]+$/.test(key))) {
    throw wrong('an API key', 'printable ASCII without blanks, as a header carries it', 'another');
  }
  if (!loopback && keys.length === 0) {
    const expected = 'an API key, as others than this machine can reach it';
    throw wrong(`host ${host}`, expected, 'none', 'apiKeyMissing');
  }
}

function once<Result>(action: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<Result> | undefined;
  return () => {
    running ??= action();
    return running;
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** A name that this machine can ask for. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/** What the system says of an address or port, and what it comes to. */
const refusals: Readonly<Record<string, readonly [code: ErrorCode, found: string]>> = {
  EADDRINUSE: ['addressInUse', 'a port that is in use (EADDRINUSE)'],
  EACCES: ['addressInUse', 'a port that needs more rights (EACCES)'],
  EADDRNOTAVAIL: ['addressUnknown', 'an address of another machine (EADDRNOTAVAIL)'],
  ENOTFOUND: ['addressUnknown', 'a name without an address (ENOTFOUND)'],
};

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const [code, found] = refusals[cause.code ?? ''] ?? [undefined, cause.code ?? cause.message];
      const expected = 'an address and port that are free';
      const subject = `${host}, port ${port}`;
      reject(new MoeqError({ code, operation: 'listen', subject, expected, found, cause }));
    });
    server.listen(port, host, resolve);
  });
}
