// Who may ask. A server on loopback is reachable from every web page that its user opens: by a request to it (Origin), or
// by a name of the page's own that suddenly resolves to 127.0.0.1 (DNS rebinding; Host tells). Elsewhere a key is needed.
import { MoeqError } from '@moeq/tensors';
import type { MiddlewareHandler } from 'hono';
import { ApiError } from './api-error.js';

export const loopbackHosts = ['localhost', '127.0.0.1', '[::1]'] as const;

/**
 * @param hosts names that a request may call the server by, without port; null: any, for servers that need a key
 * @throws ApiError 421 for a foreign Host, or one that the address of the request contradicts
 */
export function checkHost(hosts: readonly string[] | null): MiddlewareHandler {
  return async (c, next) => {
    const names = [nameOf(c.req.header('host') ?? ''), nameOf(new URL(c.req.url).host)];
    if (hosts !== null && !names.every((name) => hosts.includes(name))) {
      throw new ApiError({
        status: 421,
        message: 'This server does not answer to that Host.',
        code: 'foreign_host',
      });
    }
    await next();
  };
}

/** How long a browser remembers that it may ask. */
const preflightSeconds = 600;

/**
 * @param origins of pages elsewhere that may ask, e.g. `https://chat.example.org`
 * @throws ApiError 403 for others
 * @throws MoeqError at once for what is no origin
 */
export function checkOrigin(origins: readonly string[]): MiddlewareHandler {
  const allowed = new Set(origins.map(originOf));
  return async (c, next) => {
    const origin = c.req.header('origin');
    if (origin === undefined || sameOrigin(origin, c.req.header('host') ?? '')) {
      await next();
      return undefined;
    }
    if (!allowed.has(origin)) {
      throw new ApiError({
        status: 403,
        message: 'Pages of that Origin may not ask here.',
        code: 'foreign_origin',
      });
    }
    const preflight = c.req.method === 'OPTIONS';
    if (!preflight) await next();
    c.header('Access-Control-Allow-Origin', origin);
    c.header('Vary', 'Origin');
    c.header('Access-Control-Expose-Headers', 'retry-after, x-request-id, x-should-retry');
    if (!preflight) return undefined;
    // Any header: OpenAI's client sends a dozen that say what it runs on.
    const headers = c.req.header('access-control-request-headers') ?? 'authorization, content-type';
    c.header('Access-Control-Allow-Headers', headers);
    c.header('Access-Control-Allow-Methods', 'GET, POST');
    c.header('Access-Control-Max-Age', String(preflightSeconds));
    return c.body(null, 204);
  };
}

/**
 * @param keys of which a request has to send one as `Authorization: Bearer …`; none: no key is needed
 * @throws ApiError 401 for a missing or wrong one
 */
export function checkKey(keys: readonly string[]): MiddlewareHandler {
  const digests = Promise.all(keys.map(digestOf));
  return async (c, next) => {
    const { path } = c.req;
    const needed = path.startsWith('/v1/') || path === '/metrics' || path === '/status';
    if (keys.length > 0 && needed) {
      const given = /^Bearer +(.+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
      if (!isAmong(await digestOf(given), await digests)) {
        throw new ApiError({
          status: 401,
          message:
            given === '' ? 'An API key is needed: Authorization: Bearer KEY.' : 'The API key is wrong.',
          code: 'invalid_api_key',
          headers: { 'WWW-Authenticate': 'Bearer' },
        });
      }
    }
    await next();
  };
}

/** Without port, in lower case; '' for what is no Host. */
function nameOf(host: string): string {
  return /^(\[[0-9a-f:.]+\]|[^:/@\s]+)(:\d{1,5})?$/i.exec(host)?.[1]?.toLowerCase() ?? '';
}

function sameOrigin(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

function originOf(text: string): string {
  const { origin = 'null' } = URL.canParse(text) ? new URL(text) : {};
  if (origin === 'null' || text.replace(/\/$/, '').toLowerCase() !== origin) {
    throw new MoeqError({
      operation: 'allow an origin',
      subject: text,
      expected: 'a scheme and a host, such as https://chat.example.org',
      found: 'something else',
    });
  }
  return origin;
}

async function digestOf(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}

/** In a time that does not tell how much of which key is right: all bytes of all digests are compared. */
function isAmong(given: Uint8Array, digests: readonly Uint8Array[]): boolean {
  const differences = digests.map((digest) =>
    digest.reduce((difference, byte, index) => difference | (byte ^ (given[index] ?? 0)), 0),
  );
  return differences.reduce((found, difference) => found || difference === 0, false);
}
