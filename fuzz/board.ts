// The memory that a reading thread shares with its supervisor: six numbers and the input being read.
import { maxInputBytes } from './mutate-bytes.ts';

const numbers = { tried: 0, pool: 1, covered: 2, startedAt: 3, length: 4 } as const;
const headerBytes = 8 * Object.keys(numbers).length;

export class Board {
  static create(): SharedArrayBuffer {
    // seeds may be larger than what is made of them
    return new SharedArrayBuffer(headerBytes + 4 * maxInputBytes);
  }

  readonly #numbers: Float64Array;
  readonly #input: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    this.#numbers = new Float64Array(memory, 0, headerBytes / 8);
    this.#input = new Uint8Array(memory, headerBytes);
  }

  begin(input: Uint8Array): void {
    this.#input.set(input.subarray(0, this.#input.length));
    this.#numbers[numbers.length] = Math.min(input.length, this.#input.length);
    this.#numbers[numbers.startedAt] = Date.now();
  }

  end(): void {
    this.#numbers[numbers.startedAt] = 0;
  }

  count(): void {
    this.#numbers[numbers.tried] = this.tried + 1;
  }

  report(pool: number, covered: number): void {
    this.#numbers[numbers.pool] = pool;
    this.#numbers[numbers.covered] = covered;
  }

  get tried(): number {
    return this.#numbers[numbers.tried] ?? 0;
  }

  /** Inputs kept. */
  get pool(): number {
    return this.#numbers[numbers.pool] ?? 0;
  }

  /** Characters of code that have run. */
  get covered(): number {
    return this.#numbers[numbers.covered] ?? 0;
  }

  /** How long the input has been read; 0 between inputs. */
  get milliseconds(): number {
    const startedAt = this.#numbers[numbers.startedAt] ?? 0;
    return startedAt === 0 ? 0 : Date.now() - startedAt;
  }

  /** The input being read, or read last. */
  get input(): Uint8Array {
    return this.#input.slice(0, this.#numbers[numbers.length]);
  }
}
