// Bytes that are on the disk, and not just on their way to it.
import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';

/** Bytes read at a time when hashing: they stay in the processor's cache. */
const hashBytes = 2 ** 20;

/** Files of so many bytes take longer to hash, 50 ms, than a thread takes to start. */
const threadBytes = 64 * 2 ** 20;

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

/** Lower-case hexadecimal SHA-256 of a file, read from the disk's side of things; large ones on a thread of their own. */
export async function sha256OfFile(path: string): Promise<string> {
  const { size } = await stat(path);
  return size < threadBytes ? hashHere(path) : hashOnThread(path);
}

async function hashHere(path: string): Promise<string> {
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

/** What the thread runs: CommonJS, since nothing but its text comes along in a bundle. */
const threadScript = `
  const { parentPort, workerData: { path, hashBytes } } = require('node:worker_threads');
  const { closeSync, openSync, readSync } = require('node:fs');
  const hash = require('node:crypto').createHash('sha256');
  const file = openSync(path, 'r');
  try {
    const buffer = new Uint8Array(hashBytes);
    for (let bytesRead = -1; bytesRead !== 0; ) {
      bytesRead = readSync(file, buffer, 0, hashBytes, null);
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    closeSync(file);
  }
  parentPort.postMessage(hash.digest('hex'));
`;

function hashOnThread(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(threadScript, { eval: true, workerData: { path, hashBytes }, name: 'sha256' });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
