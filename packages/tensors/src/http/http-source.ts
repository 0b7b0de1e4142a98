// A file on a server as a ByteSource: only the ranges that are read are fetched, in blocks that are kept for a while. A server
// that knows no ranges sends the whole file once. A file that changes while it is open is an error, never a mixture.
import type { ByteSource } from '../byte-source.js';
import { MoeqError } from '../errors.js';
import { assertRange, blobSource } from '../sources.js';
import { Blocks, blockBytes } from './blocks.js';
import { downloadPart, downloadWhole, ProgressCounter, withRetries } from './download.js';
import { type HttpOptions, httpSettings } from './options.js';
import { ask, askSize, type RangeRequest, type RangeResponse } from './request.js';

export interface HttpSource extends ByteSource {
  /** Aborts pending reads; later ones fail. */
  close(): Promise<void>;
}

/** Blocks that are fetched at once where a file is read from front to back; Chromium allows 6 requests to a server. */
const ahead = 4;

/**
 * Opens a file with one request, which brings its first block.
 * @param url absolute, or in a page relative to it; data and blob URLs too
 * @param blocks shared by files that are read together, to bound their memory; its own unless given
 * @throws HttpError; the signal's reason when it aborts; MoeqError for a wrong option or URL
 */
export async function httpSource(
  url: string | URL,
  options: HttpOptions = {},
  blocks: Blocks = new Blocks(),
): Promise<HttpSource> {
  const address = absolute(url);
  const settings = httpSettings(address, options);
  const { name } = settings;
  const closing = new AbortController();
  const signal =
    settings.signal === null ? closing.signal : AbortSignal.any([closing.signal, settings.signal]);
  const progress = new ProgressCounter(name, settings.onProgress);
  const close = async () => {
    const facts = { operation: 'read', subject: name, expected: 'an open file', found: 'a closed one' };
    closing.abort(new MoeqError(facts));
  };
  const unknown = { version: null, size: null };
  const first: RangeRequest = { url: address, settings, signal, ...unknown, offset: 0, length: blockBytes };

  const opened = await withRetries(first, async (): Promise<RangeResponse | Blob> => {
    const answer = await ask(first);
    progress.size = answer.size;
    return answer.kind === 'whole' ? downloadWhole(answer, first, progress) : answer;
  });
  if (opened instanceof Blob) {
    const whole = blobSource(name, opened);
    const read: HttpSource['read'] = async (...range) => {
      signal.throwIfAborted();
      return whole.read(...range);
    };
    return { name, size: whole.size, read, close };
  }

  const size = opened.size ?? (await withRetries(first, () => askSize(first)));
  progress.size = size;
  const { version } = opened;
  const file = blocks.newFile();
  const count = Math.ceil(size / blockBytes);
  const block = (index: number, begun?: RangeResponse): Promise<Uint8Array> =>
    blocks.get(file, index, () => {
      const offset = index * blockBytes;
      const length = Math.min(blockBytes, size - offset);
      return downloadPart({ ...first, version, size, offset, length }, progress, begun);
    });
  let last = 0;
  if (size > 0) await block(0, opened);

  return {
    name,
    size,
    async read(offset, length, readSignal, into) {
      readSignal?.throwIfAborted();
      signal.throwIfAborted();
      assertRange(name, size, offset, length);
      const bytes = into ?? new Uint8Array(length);
      const end = offset + length;
      const begin = Math.floor(offset / blockBytes);
      const follows = begin === last || begin === last + 1;
      for (let at = offset; at < end; ) {
        const index = Math.floor(at / blockBytes);
        const current = block(index);
        // the rest of this read, and what probably comes next when it goes on where the one before ended
        const until = follows && index === last + 1 ? count : Math.ceil(end / blockBytes);
        for (let next = index + 1; next < Math.min(until, index + ahead); next++) {
          block(next).catch(() => {});
        }
        const start = at - index * blockBytes;
        const part = (await unlessAborted(current, readSignal)).subarray(start, start + end - at);
        last = index;
        bytes.set(part, at - offset);
        at += part.length;
      }
      return bytes;
    },
    async close() {
      blocks.forget(file);
      await close();
    },
  };
}

function absolute(url: string | URL): URL {
  const { location } = globalThis as { location?: Location };
  try {
    return new URL(url, location?.href);
  } catch (cause) {
    const expected = 'a URL such as https://example.org/model.safetensors';
    throw new MoeqError({ operation: 'open', subject: String(url), expected, found: 'none', cause });
  }
}

/** A block is fetched for all who read it, so that one who leaves does not end it. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
