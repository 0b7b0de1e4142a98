// The app on a port of this machine: on loopback unless told otherwise, and then only with a key. Connections that send or
// take nothing are closed; stopping lets answers end.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { MoeqError } from '@moeq/tensors';
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
  /** E.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Takes no more connections, lets answers end, and closes. @returns whether none of them had to be cut */
  close(): Promise<boolean>;
}

/** Connections at once: those of a few hundred clients, with memory of some 50 kB each. */
const maxConnections = 1024;
/** Milliseconds for a request's head, and for all of it. */
const headersTimeout = 10_000;
const requestTimeout = 30_000;

/** @throws MoeqError for a host other than loopback without an API key, or a port that cannot be bound */
export async function listen(options: ListenOptions = {}): Promise<Listening> {
  const { host = '127.0.0.1', port = 0, ...rest } = options;
  const loopback = isLoopback(host);
  if (!loopback && (rest.apiKey ?? '') === '') {
    throw new MoeqError({
      operation: 'listen',
      subject: `host ${host}`,
      expected: 'an API key, as others than this machine can reach it',
      found: 'none',
    });
  }
  // A page cannot send the key, so where one is needed names are free unless some are given.
  const app = createApp({ hosts: loopback ? loopbackHosts : null, page: await readPage(), ...rest });
  const server = createAdaptorServer({
    fetch: (request, bindings) => app.fetch(request, bindings),
    serverOptions: { headersTimeout, requestTimeout, connectionsCheckingInterval: 1000 },
  }) as Server;
  server.maxConnections = maxConnections;
  // Silence in both directions: an answer may take as long as the app allows, and a reader gets no longer.
  server.timeout = app.limits.seconds * 1000 + 10_000;
  await bind(server, host, port);
  const { port: bound } = server.address() as AddressInfo;
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    app,
    url: `http://${name}:${bound}`,
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

function once<Result>(action: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<Result> | undefined;
  return () => {
    running ??= action();
    return running;
  };
}

/** Milliseconds for the last bytes of an answer to leave. */
const lastBytes = 2000;

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        new MoeqError({
          operation: 'listen',
          subject: `${host}, port ${port}`,
          expected: 'an address and port that are free',
          found: cause.code ?? cause.message,
          cause,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
}
