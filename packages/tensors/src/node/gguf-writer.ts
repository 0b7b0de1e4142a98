// One .gguf file written as it is made: the header first, then tensors in any order and in pieces, each at its place. The
// file appears complete or not at all.
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { type ErrorCode, MoeqError, quote } from '../errors.js';
import { encodeGgufHeader, type GgufTensor, type PlacedGgufTensor } from '../gguf/encode-header.js';
import type { GgufMetadata } from '../gguf/value.js';
import { checkOptions, checks, type OptionChecks } from '../options.js';
import { sha256OfFile, syncFolder } from './durable.js';
import { withFileErrors } from './file-error.js';
import { assertRoom } from './output-folder.js';
import { cleanUpAfterDead, unfinishedName } from './partial-name.js';
import type { WrittenFile } from './shard-file.js';

export interface GgufWriterOptions {
  /** The file to make. */
  readonly out: string;
  readonly metadata: GgufMetadata;
  /** Every tensor that will be written, in the order of the file. */
  readonly tensors: readonly GgufTensor[];
  /** Replace a file that is at `out` already, once the new one is complete. */
  readonly overwrite?: boolean;
}

const known: OptionChecks<GgufWriterOptions> = {
  out: checks.text,
  metadata: checks.objectWith('a map of metadata', 'entries'),
  tensors: checks.list,
  overwrite: checks.flag,
};

export interface GgufWriter extends AsyncDisposable {
  /**
   * The next bytes of a tensor: all of it, or piece after piece. Tensors may come in any order.
   * @throws MoeqError when the tensor is not planned or becomes too long, or the system refuses
   */
  write(name: string, data: Uint8Array): Promise<void>;
  /**
   * Makes the file durable and moves it to `out`.
   * @returns its name, size and hash
   * @throws MoeqError when a tensor is missing or the system refuses
   */
  commit(): Promise<WrittenFile>;
  /** Removes what was written. Does nothing after `commit`. */
  abort(): Promise<void>;
}

/**
 * Begins a GGUF file. `await using` aborts a writer that was not committed.
 * @throws MoeqError when a file is in the way, a tensor or value cannot be written, or the system refuses
 */
export async function createGgufWriter(options: GgufWriterOptions): Promise<GgufWriter> {
  checkOptions('write a GGUF file', options, known);
  const { out, metadata, tensors, overwrite = false } = options;
  const refuse = (expected: string, found: string, code?: ErrorCode): never => {
    throw new MoeqError({ code, operation: 'write', subject: out, expected, found });
  };
  const header = encodeGgufHeader(out, metadata, tensors);
  const target = resolve(out);
  const partial = unfinishedName(target, 'partial');
  const handle = await withFileErrors('write', out, async () => {
    const before = await stat(target).catch(() => null);
    await cleanUpAfterDead(target, before !== null);
    if (before !== null && !before.isFile()) refuse('a file, or a name that is free', 'a folder');
    if (before !== null && !overwrite) refuse('a name that is free', 'a file of that name', 'outputExists');
    await assertRoom(dirname(target), out, header.bytes);
    return open(partial, 'wx');
  });
  const places = new Map(header.tensors.map((place) => [place.name, place]));
  const written = new Map<string, number>();
  let state: 'open' | 'committed' | 'aborted' = 'open';

  const abort = async (): Promise<void> => {
    if (state !== 'open') return;
    state = 'aborted';
    await handle.close().catch(() => {});
    await rm(partial, { force: true });
  };
  /** One operation on the file; a failure ends the writer. */
  const run = async <T>(operation: string, action: () => Promise<T>): Promise<T> => {
    if (state !== 'open') {
      throw new MoeqError({
        operation,
        subject: out,
        expected: 'a writer at work',
        found: `one that has been ${state}`,
      });
    }
    try {
      return await withFileErrors(operation, out, action);
    } catch (error) {
      // the first cause is what people need to hear
      await abort().catch(() => {});
      throw error;
    }
  };
  const writeAt = async (position: number, data: Uint8Array): Promise<void> => {
    for (let done = 0; done < data.byteLength; ) {
      const { bytesWritten } = await handle.write(data, done, data.byteLength - done, position + done);
      done += bytesWritten;
    }
  };

  await run('write', async () => {
    // the padding between tensors is never written: it is zeros of the file's length
    await handle.truncate(header.bytes);
    await writeAt(0, header.data);
  });
  return {
    write: (name, data) =>
      run('write', async () => {
        const place = places.get(name) ?? refuse('a planned tensor', quote(name));
        const before = written.get(name) ?? 0;
        if (before + data.byteLength > place.bytes) {
          refuse(`${place.bytes} bytes of tensor ${quote(name)}`, `${data.byteLength} more after ${before}`);
        }
        written.set(name, before + data.byteLength);
        await writeAt(place.offset + before, data);
      }),
    commit: async () => {
      const file = await run('finish', async () => {
        assertComplete(out, header.tensors, written);
        await handle.sync();
        const sha256 = await sha256OfFile(partial);
        await handle.close();
        await rename(partial, target);
        await syncFolder(dirname(target));
        return { path: basename(target), bytes: header.bytes, sha256 };
      });
      state = 'committed';
      return file;
    },
    abort,
    [Symbol.asyncDispose]: abort,
  };
}

function assertComplete(
  out: string,
  tensors: readonly PlacedGgufTensor[],
  written: ReadonlyMap<string, number>,
): void {
  const missing = tensors.filter(({ name, bytes }) => (written.get(name) ?? 0) < bytes);
  if (missing.length === 0) return;
  const some = missing.slice(0, 3).map(({ name }) => quote(name));
  throw new MoeqError({
    operation: 'finish',
    subject: out,
    expected: `all ${tensors.length} tensors`,
    found: `${missing.length} not complete: ${some.join(', ')}${missing.length > 3 ? ', …' : ''}`,
  });
}
