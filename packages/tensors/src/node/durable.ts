// Bytes that are on the disk, and not just on their way to it.
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** Bytes read at a time when hashing. */
const hashBytes = 4 * 2 ** 20;

/** Makes the names in a folder durable. Windows does that by itself and cannot open folders. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Creates a file that does not exist yet, durable when this returns. */
export async function writeDurably(path: string, data: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

export function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Lower-case hexadecimal SHA-256 of a file, read from the disk's side of things. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path, 'r');
  try {
    const buffer = new Uint8Array(hashBytes);
    for (let bytesRead = -1; bytesRead !== 0; ) {
      ({ bytesRead } = await file.read(buffer, 0, hashBytes));
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}
