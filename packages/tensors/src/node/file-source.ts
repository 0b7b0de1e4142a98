// A file as a ByteSource: one descriptor, reads by position, so that many may run at once.
import { open } from 'node:fs/promises';
import type { ByteSource } from '../byte-source.js';
import { MoeqError } from '../errors.js';
import { openSafetensors, type SafetensorsFile } from '../safetensors.js';
import { assertRange } from '../sources.js';
import { withFileErrors } from './file-error.js';

/** Bytes asked for at once: below the 2 GiB that one system call can read, and few enough to notice an abort in time. */
const readBytes = 64 * 2 ** 20;

/**
 * Opens a file for reading; the caller closes it.
 * @throws MoeqError when it cannot be opened or is no regular file
 */
export async function fileSource(path: string): Promise<ByteSource & { close(): Promise<void> }> {
  const handle = await withFileErrors('open', path, () => open(path, 'r'));
  const { size } = await withFileErrors('open', path, async () => {
    const stat = await handle.stat();
    if (stat.isFile()) return stat;
    throw new MoeqError({
      operation: 'open',
      subject: path,
      expected: 'a file',
      found: 'a folder or device',
    });
  }).catch(async (error: unknown) => {
    await handle.close();
    throw error;
  });
  return {
    name: path,
    size,
    read: (offset, length, signal, into) =>
      withFileErrors(`read ${length} bytes at ${offset}`, path, async () => {
        assertRange(path, size, offset, length);
        // memory of its own that is not zeroed first: every byte is read into, or the read fails
        const bytes = into ?? new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
        for (let done = 0; done < length; ) {
          signal?.throwIfAborted();
          const part = Math.min(readBytes, length - done);
          const { bytesRead } = await handle.read(bytes, done, part, offset + done);
          if (bytesRead === 0) {
            throw new MoeqError({
              operation: `read ${length} bytes at ${offset}`,
              subject: path,
              expected: `the ${size} bytes that it had when it was opened`,
              found: `its end at ${offset + done}`,
            });
          }
          done += bytesRead;
        }
        return bytes;
      }),
    close: () => withFileErrors('close', path, () => handle.close()),
  };
}

/**
 * Opens a safetensors file; `close()` it when done.
 * @throws MoeqError when it cannot be opened or breaks a rule of the format
 */
export async function openSafetensorsFile(path: string): Promise<SafetensorsFile> {
  const source = await fileSource(path);
  try {
    return await openSafetensors(source);
  } catch (error) {
    await source.close();
    throw error;
  }
}
