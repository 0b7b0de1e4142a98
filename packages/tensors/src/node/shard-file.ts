// One safetensors file that is written in pieces, in any order, each at its place. The header comes last, into the room
// kept for it at the beginning; what it does not need of that is blanks, which the format allows.
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { MoeqError, quote } from '../errors.js';
import { encodeSafetensorsHeader, type PlacedTensor } from '../safetensors-encode.js';
import { sha256OfFile } from './durable.js';
import type { PlannedShard } from './shard-plan.js';

/** A file of the finished output. */
export interface WrittenFile {
  /** Relative to the output folder. */
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

export class ShardFile {
  readonly #plan: PlannedShard;
  readonly #folder: string;
  readonly #written = new Map<string, number>();
  /** Tensors of open size, kept until the file is finished: their places depend on each other. */
  readonly #open = new Map<string, Uint8Array>();
  readonly #tensors: Map<string, PlannedShard['tensors'][number]>;
  /** Bytes that have not been written, plus tensors of open size that have not come. */
  #missing: number;
  #handle: Promise<FileHandle> | null = null;
  #finishing: Promise<WrittenFile> | null = null;

  constructor(folder: string, plan: PlannedShard) {
    this.#plan = plan;
    this.#folder = folder;
    this.#tensors = new Map(plan.tensors.map((tensor) => [tensor.name, tensor]));
    this.#missing = plan.tensors.reduce(
      (sum, { openSize, begin, end }) => sum + (openSize ? 1 : end - begin),
      0,
    );
  }

  get file(): string {
    return this.#plan.file;
  }

  get names(): string[] {
    return [...this.#tensors.keys()];
  }

  /** The tensors that are not complete yet. */
  missing(): string[] {
    if (this.#missing === 0) return [];
    return this.#plan.tensors
      .filter(({ name, openSize, begin, end }) =>
        openSize ? !this.#written.has(name) : (this.#written.get(name) ?? 0) < end - begin,
      )
      .map(({ name }) => name);
  }

  /**
   * The next bytes of a tensor. With the last byte of the last one the file begins to be finished, beside what is written to
   * others; `finish` rejects where that fails.
   */
  async write(name: string, data: Uint8Array): Promise<void> {
    const tensor = this.#tensors.get(name);
    const size = tensor === undefined ? 0 : tensor.end - tensor.begin;
    const before = this.#written.get(name) ?? 0;
    const again = tensor?.openSize === true && this.#written.has(name);
    if (tensor === undefined || before + data.byteLength > size || again) {
      throw new MoeqError({
        operation: 'write',
        subject: `${this.#plan.file}: tensor ${quote(name)}`,
        expected: tensor?.openSize === true ? `one piece of at most ${size} bytes` : `${size} bytes in all`,
        found: `${data.byteLength} more after ${before}`,
      });
    }
    this.#written.set(name, before + data.byteLength);
    if (tensor.openSize) this.#open.set(name, new Uint8Array(data));
    else await this.#writeAt(this.#plan.headerBytes + tensor.begin + before, data);
    const done = tensor.openSize ? 1 : data.byteLength;
    this.#missing -= done;
    if (done > 0 && this.#missing === 0) this.finish().catch(() => {});
  }

  /** Writes what could not be written before, makes the file durable and closes it; once. */
  finish(): Promise<WrittenFile> {
    this.#finishing ??= this.#finish();
    return this.#finishing;
  }

  /** Waits for pending writes. */
  async close(): Promise<void> {
    await this.#finishing?.catch(() => {});
    await this.#closeHandle();
  }

  async #finish(): Promise<WrittenFile> {
    const { file, metadata, headerBytes } = this.#plan;
    const placed: PlacedTensor[] = [];
    let end = 0;
    for (const { openSize, ...tensor } of this.#plan.tensors) {
      const data = openSize ? this.#open.get(tensor.name) : undefined;
      const bytes = data?.byteLength ?? tensor.end - tensor.begin;
      if (data !== undefined) await this.#writeAt(headerBytes + end, data);
      placed.push({ ...tensor, shape: openSize ? [bytes] : tensor.shape, begin: end, end: end + bytes });
      end += bytes;
    }
    await this.#writeAt(0, encodeSafetensorsHeader(file, placed, metadata, headerBytes));
    this.#open.clear();
    const handle = await this.#handle;
    // read back, because the bytes did not come in the order of the file; the disk takes them in the meantime
    const [sha256] = await Promise.all([sha256OfFile(join(this.#folder, file)), handle?.sync()]);
    await this.#closeHandle();
    return { path: file, bytes: headerBytes + end, sha256 };
  }

  async #closeHandle(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    // a file that could not be opened has nothing to close
    await (await handle?.catch(() => null))?.close();
  }

  async #writeAt(position: number, data: Uint8Array): Promise<void> {
    if (data.byteLength === 0) return;
    this.#handle ??= open(join(this.#folder, this.#plan.file), 'wx');
    const handle = await this.#handle;
    for (let done = 0; done < data.byteLength; ) {
      const { bytesWritten } = await handle.write(data, done, data.byteLength - done, position + done);
      done += bytesWritten;
    }
  }
}
