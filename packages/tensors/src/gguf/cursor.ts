// A place in the first bytes of a GGUF file. What lies beyond them but within the file is asked for by an exception, so
// that parsing is plain synchronous code: the reader fetches more and parses again.
import { MoeqError, quote } from '../errors.js';
import { maxHeaderBytes, maxStringBytes } from './limits.js';

/** More of the file is needed than was read. */
export class MoreBytes extends Error {
  override readonly name = 'MoreBytes';
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class Cursor {
  /** Bytes read so far. */
  at = 0;
  /** What is being read, for messages. */
  place: string;
  readonly view: DataView;
  readonly #bytes: Uint8Array;
  readonly #file: string;
  readonly #size: number;

  /**
   * @param bytes the beginning of the file
   * @param size of the whole file
   */
  constructor(bytes: Uint8Array, file: string, size: number) {
    this.#bytes = bytes;
    this.#file = file;
    this.#size = size;
    this.place = file;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  fail(expected: string, found: string, cause?: unknown): never {
    throw new MoeqError({ operation: 'read as GGUF', subject: this.place, expected, found, cause });
  }

  /** Names what is read next as a part of the file. */
  enter(part: string): void {
    this.place = `${this.#file}: ${part}`;
  }

  leave(): void {
    this.place = this.#file;
  }

  /**
   * Takes the next bytes and returns where they begin.
   * @throws MoeqError when the file or the largest header ends before; MoreBytes when only what was read does
   */
  take(bytes: number, what: string): number {
    const start = this.at;
    const end = start + bytes;
    if (end > this.#size)
      this.fail(`${bytes} bytes of ${what} at ${start}`, `the end of the file at ${this.#size}`);
    if (end > maxHeaderBytes) this.fail(`metadata of at most ${maxHeaderBytes} bytes`, `${what} at ${start}`);
    if (end > this.#bytes.byteLength) throw new MoreBytes();
    this.at = end;
    return start;
  }

  u32(what: string): number {
    return this.view.getUint32(this.take(4, what), true);
  }

  i32(what: string): number {
    return this.view.getInt32(this.take(4, what), true);
  }

  u64(what: string): bigint {
    return this.view.getBigUint64(this.take(8, what), true);
  }

  i64(what: string): bigint {
    return this.view.getBigInt64(this.take(8, what), true);
  }

  /** A u64 that counts something. @param most how many there may be */
  count(what: string, most: number): number {
    const count = this.u64(what);
    if (count > BigInt(most)) this.fail(`at most ${most} ${what}`, `${count}`);
    return Number(count);
  }

  /** Length and UTF-8. @param most bytes that it may have */
  string(what: string, most = maxStringBytes): string {
    const length = this.count(`bytes of ${what}`, most);
    const start = this.take(length, what);
    const bytes = this.#bytes.subarray(start, this.at);
    const short = length <= shortText ? ascii(bytes) : null;
    if (short !== null) return short;
    try {
      return utf8.decode(bytes);
    } catch (cause) {
      return this.fail(`${what} in UTF-8`, quote(String.fromCharCode(...bytes.subarray(0, 24))), cause);
    }
  }
}

/** Tokens are short, and mostly ASCII: a call of TextDecoder costs more than they do. */
const shortText = 16;

/** Null when a byte is none. */
function ascii(bytes: Uint8Array): string | null {
  let text = '';
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (byte > 127) return null;
    text += String.fromCharCode(byte);
  }
  return text;
}
