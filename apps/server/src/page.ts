// The page at / and its files, with the headers that keep foreign text in it from doing anything.
import type { Hono } from 'hono';

export interface PageFile {
  readonly type: string;
  readonly text: string;
}

/** By path: `/` and what it loads. */
export type Page = ReadonlyMap<string, PageFile>;

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  // The canvas and the meters are styled by script.
  "style-src 'self' 'unsafe-inline'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function servePage(app: Hono, page: Page): void {
  for (const [path, { type, text }] of page) {
    app.get(path, (c) =>
      c.body(text, 200, {
        'Content-Type': type,
        'Content-Security-Policy': policy,
        'Referrer-Policy': 'no-referrer',
        'Cache-Control': 'no-cache',
      }),
    );
  }
}
