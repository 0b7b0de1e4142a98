// Who may ask. A server on loopback is reachable from every web page that its user opens: by a request to it (Origin), or
// by a name of the page's own that suddenly resolves to 127.0.0.1 (DNS rebinding; seen in Host). Elsewhere a key is needed.
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
 * @param allowed origins of pages elsewhere that may ask, e.g. `https://chat.example.org` or `app://obsidian.md`; all of a
 *   scheme other than the web's, e.g. `vscode-webview://*`; `*`: any
 * @throws ApiError 403 for others
 * @throws MoeqError at once for what is no origin
 */
export function checkOrigin(allowed: readonly string[]): MiddlewareHandler {
  const rules = allowed.map(originRule);
  const any = rules.includes('*');
  const isAllowed = (origin: string) =>
    any || rules.some((rule) => (rule.endsWith('://') ? origin.startsWith(rule) : origin === rule));
  return async (c, next) => {
    const origin = c.req.header('origin');
    if (origin === undefined || sameOrigin(origin, c.req.header('host') ?? '')) {
      await next();
      return undefined;
    }
    if (!isAllowed(origin)) {
      throw new ApiError({
        status: 403,
        message: 'Pages of that Origin may not ask here.',
        code: 'foreign_origin',
      });
    }
    const preflight = c.req.method === 'OPTIONS';
    if (!preflight) await next();
    c.header('Access-Control-Allow-Origin', any ? '*' : origin);
    if (!any) c.header('Vary', 'Origin');
    c.header('Access-Control-Expose-Headers', 'retry-after, x-request-id, x-should-retry');
    if (!preflight) return undefined;
    // Any header: OpenAI's client sends a dozen that say what it runs on.
    const headers = c.req.header('access-control-request-headers') ?? 'authorization, content-type';
    c.header('Access-Control-Allow-Headers', headers);
    c.header('Access-Control-Allow-Methods', 'GET, POST');
    c.header('Access-Control-Max-Age', String(preflightSeconds));
    // A page of the internet asks a browser for this machine or network: https://wicg.github.io/private-network-access
    if (c.req.header('access-control-request-private-network') === 'true')
      c.header('Access-Control-Allow-Private-Network', 'true');
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

/**
 * `null` is no rule: it is the Origin of every page in a sandbox and of every file, so it would allow all.
 * @returns the origin as browsers send it; `scheme://` for all of a scheme; `*`
 */
function originRule(text: string): string {
  const rule = text.toLowerCase().replace(/\/$/, (slash, at) => (text[at - 1] === '/' ? slash : ''));
  if (rule === '*') return rule;
  const scheme = /^([a-z][a-z0-9+.-]*:\/\/)\*?$/.exec(rule)?.[1];
  const wholeScheme = scheme !== undefined && !/^https?:/.test(scheme);
  if (wholeScheme) return scheme;
  const web = /^https?:/.test(rule);
  const holds = web
    ? !rule.includes('*') && URL.canParse(rule) && new URL(rule).origin === rule
    : /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9._~-]+(:\d{1,5})?$/.test(rule);
  if (holds) return rule;
  throw new MoeqError({
    operation: 'allow an origin',
    subject: text,
    expected:
      'a scheme and a host, such as https://chat.example.org or app://obsidian.md, a scheme such as vscode-webview://*, or *',
    found: text === 'null' ? 'null, the origin of any page in a sandbox, which * allows' : 'something else',
  });
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
