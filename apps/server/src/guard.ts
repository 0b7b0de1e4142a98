// Who may ask. A server on loopback is reachable from every web page that its user opens: by a request to it (Origin), or
// by a name of the page's own that suddenly resolves to 127.0.0.1 (DNS rebinding; Host tells). Elsewhere a key is needed.
import type { MiddlewareHandler } from 'hono';
import { ApiError } from './api-error.js';

export interface GuardOptions {
  /** Required as `Authorization: Bearer …` where given. */
  readonly apiKey?: string | undefined;
  /** Names that a request may call the server by, without port; null: any, for servers that need a key. */
  readonly hosts: readonly string[] | null;
  /** Origins of other pages that may ask, e.g. `https://chat.example.org`. */
  readonly origins: readonly string[];
}

export const loopbackHosts = ['localhost', '127.0.0.1', '[::1]'] as const;

/** @throws ApiError 421 for a foreign Host, 403 for a foreign Origin, 401 for a wrong key */
export function guard({ apiKey, hosts, origins }: GuardOptions): MiddlewareHandler {
  return async (c, next) => {
    const host = c.req.header('host') ?? '';
    if (hosts !== null && !hosts.includes(nameOf(host))) {
      throw new ApiError({
        status: 421,
        message: 'This server does not answer to that Host.',
        code: 'foreign_host',
      });
    }
    const origin = c.req.header('origin');
    if (origin !== undefined && !sameOrigin(origin, host)) {
      if (!origins.includes(origin)) {
        throw new ApiError({
          status: 403,
          message: 'Pages of that Origin may not ask here.',
          code: 'foreign_origin',
        });
      }
      c.header('Access-Control-Allow-Origin', origin);
      c.header('Vary', 'Origin');
      if (c.req.method === 'OPTIONS') {
        c.header('Access-Control-Allow-Methods', 'GET, POST');
        c.header('Access-Control-Allow-Headers', 'authorization, content-type');
        c.header('Access-Control-Max-Age', '600');
        return c.body(null, 204);
      }
    }
    const needsKey = c.req.path.startsWith('/v1/') || c.req.path === '/metrics' || c.req.path === '/status';
    if (apiKey !== undefined && needsKey) {
      const given = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
      if (!(await equal(given, apiKey))) {
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
    return undefined;
  };
}

/** Without port, in lower case; '' for what is no Host. */
function nameOf(host: string): string {
  return /^(\[[0-9a-f:.]+\]|[^:/@\s]+)(:\d{1,5})?$/i.exec(host)?.[1]?.toLowerCase() ?? '';
}

function sameOrigin(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

/** In a time that does not tell how much of the key is right: digests are compared, all bytes of them. */
async function equal(given: string, key: string): Promise<boolean> {
  const digest = async (text: string) =>
    new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  const [a, b] = await Promise.all([digest(given), digest(key)]);
  return a.reduce((difference, byte, index) => difference | (byte ^ (b[index] ?? 0)), 0) === 0;
}
