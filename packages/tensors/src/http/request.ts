// One request for a range of a file (RFC 9110, section 14), and what the answer says about the file.
import { HttpError, type HttpErrorCode } from './http-error.js';
import type { HttpSettings } from './options.js';

/** A whole answer of a server that knows no ranges, or the part that was asked for. */
export interface RangeResponse {
  readonly kind: 'whole' | 'part';
  /** Bytes of the file; null where the answer does not say. */
  readonly size: number | null;
  /** What changes when the file does: its ETag, else its date; null where the server sends, or shows, neither. */
  readonly version: string | null;
  readonly body: ReadableStream<Uint8Array> | null;
}

export interface RangeRequest {
  readonly url: URL;
  readonly settings: HttpSettings;
  readonly signal: AbortSignal;
  /** Of the file when it was opened. */
  readonly version: string | null;
  readonly size: number | null;
  readonly offset: number;
  readonly length: number;
}

/** Answers that may be another a moment later. */
const transientStatuses = [408, 425, 429, 500, 502, 503, 504];

/** Whether asking again may help. */
export function isTransient(error: unknown): boolean {
  if (!HttpError.isInstance(error)) return false;
  return (
    error.code === 'unreachable' || error.code === 'cut' || transientStatuses.includes(error.status ?? 0)
  );
}

/**
 * Asks for `length` bytes from `offset`; the file may end before.
 * @throws HttpError; the signal's reason when it aborts
 */
export async function ask(request: RangeRequest): Promise<RangeResponse> {
  const { offset, length, version, size } = request;
  const response = await send(request);
  const refuse = (code: HttpErrorCode, expected: string, found: string): never => {
    void response.body?.cancel().catch(() => {});
    throw failure(code, request, { expected, found, status: response.status });
  };
  const { status, headers } = response;
  if (status === 404 || status === 410) refuse('notFound', 'a file', `none (status ${status})`);
  const range = parseRange(headers.get('content-range'));
  if (status === 416 && offset === 0 && range?.size === 0) {
    return { kind: 'part', size: 0, version: versionOf(headers), body: null };
  }
  if (status !== 200 && status !== 206 && status !== 416) {
    refuse('status', 'the file', `status ${status}${response.statusText && ` ${response.statusText}`}`);
  }
  if (headers.get('content-type')?.startsWith('text/html')) refuse('notFound', 'a file', 'a web page');
  const now = versionOf(headers);
  const changed = version !== null && now !== null && now !== version;
  if (changed) refuse('changed', `the file as it was opened (${version})`, `another one (${now})`);
  if (status === 416) refuse('changed', `${length} bytes at ${offset}`, 'a file that ends before');
  if (status === 200) {
    return { kind: 'whole', size: contentLength(headers), version: now, body: response.body };
  }
  const fits = range === null || (range.first === offset && range.last < offset + length);
  const resized = size !== null && range !== null && range.size !== null && range.size !== size;
  if (resized) refuse('changed', `the ${size} bytes that it had when it was opened`, `${range.size}`);
  if (!fits)
    refuse(
      'protocol',
      `bytes ${offset} to ${offset + length - 1}`,
      `bytes ${range?.first} to ${range?.last}`,
    );
  return { kind: 'part', size: range?.size ?? null, version: now, body: response.body };
}

/** Bytes of a file whose parts do not say it, as on servers that show other sites no Content-Range. */
export async function askSize(request: RangeRequest): Promise<number> {
  const { url, settings, signal } = request;
  const response = await fetch(url, { method: 'HEAD', headers: settings.headers, signal }).catch(
    unreachable(request),
  );
  const size = response.ok ? contentLength(response.headers) : null;
  if (size !== null) return size;
  const expected =
    'a Content-Range or Content-Length that this page may read (Access-Control-Expose-Headers)';
  throw failure('protocol', request, { expected, found: 'neither', status: response.status });
}

export function failure(
  code: HttpErrorCode,
  { settings, offset, length }: RangeRequest,
  { expected, found, status = null, cause }: Found,
): HttpError {
  const operation = `read ${length} bytes at ${offset}`;
  return new HttpError(code, { operation, subject: settings.name, expected, found, cause }, status);
}

interface Found {
  readonly expected: string;
  readonly found: string;
  readonly status?: number | null;
  readonly cause?: unknown;
}

function send(request: RangeRequest): Promise<Response> {
  const { url, settings, signal, version, offset, length } = request;
  const headers = new Headers(settings.headers);
  headers.set('range', `bytes=${offset}-${offset + length - 1}`);
  // Spares the part of a changed file; another site would have to allow it (CORS), and a weak ETag never holds.
  if (version !== null && !version.startsWith('W/') && isOwnSite(url)) headers.set('if-range', version);
  return fetch(url, { headers, signal }).catch(unreachable(request));
}

function isOwnSite({ origin }: URL): boolean {
  const { location } = globalThis as { location?: Location };
  return location === undefined || location.origin === origin;
}

/** What fetch throws, apart from the reason of an abort, says little on purpose. */
function unreachable(request: RangeRequest) {
  return (cause: unknown): never => {
    request.signal.throwIfAborted();
    const { cause: reason } = cause as { cause?: unknown };
    const found = `none (${[cause, reason].flatMap((each) => (each instanceof Error ? [each.message] : [])).join(': ')})`;
    throw failure('unreachable', request, { expected: 'an answer', found, cause });
  };
}

function versionOf(headers: Headers): string | null {
  return headers.get('etag') ?? headers.get('last-modified');
}

function contentLength(headers: Headers): number | null {
  const text = headers.get('content-length');
  return text === null || !/^\d{1,15}$/.test(text) ? null : Number(text);
}

interface ContentRange {
  readonly first: number;
  readonly last: number;
  readonly size: number | null;
}

/** `bytes 0-99/1234`, or `bytes * /0` of a range that cannot be. */
function parseRange(text: string | null): ContentRange | null {
  const [, first, last, size] = /^bytes (?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15}|\*)$/i.exec(text ?? '') ?? [];
  if (size === undefined) return null;
  return {
    first: Number(first ?? 0),
    last: Number(last ?? -1),
    size: size === '*' ? null : Number(size),
  };
}
