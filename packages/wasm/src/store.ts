// What lies in the heaps of all threads: memory, bytes and tables that matrices share.
import { kernelBytes, scratchBytes } from './abi/sizes.js';
import { Heap } from './heap.js';
import { maxVictims } from './team/messages.js';
import type { Team } from './team/team.js';

interface Scratch {
  readonly address: number;
  readonly bytes: number;
  readonly columns: number;
}

interface Table {
  readonly bytes: Uint8Array;
  readonly address: number;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export class Store {
  readonly threads: number;
  readonly #team: Team;
  readonly #heap: Heap;
  #hostBuffer = new Uint8Array(0);
  #columns = 0;
  #scratch: Scratch = { address: 0, bytes: 0, columns: 0 };
  readonly #tables: Table[] = [];
  readonly #known = new WeakMap<Float32Array | Uint8Array, number>();

  constructor(team: Team) {
    this.threads = team.threads;
    this.#team = team;
    this.#heap = new Heap(team, kernelBytes);
  }

  /** Bytes in use in every heap. */
  get used(): number {
    return this.#heap.used;
  }

  /** So many bytes in every heap, at the same address. @throws MoeqError when memory is short */
  allocate(bytes: number, subject: string): number {
    return this.#heap.allocate(bytes, subject);
  }

  free(address: number): void {
    this.#heap.free(address);
  }

  /** Copies bytes into the heap of one thread. */
  write(thread: number, address: number, bytes: Uint8Array): void {
    this.#team.write(thread, address, bytes);
  }

  /** A buffer of the host that lasts until the next call: for what is rewritten on its way into a heap. */
  hostBuffer(bytes: number): Uint8Array {
    if (this.#hostBuffer.byteLength < bytes) this.#hostBuffer = new Uint8Array(bytes);
    return this.#hostBuffer.subarray(0, bytes);
  }

  /** Copies bytes into every heap. */
  writeAll(address: number, bytes: Uint8Array): void {
    for (let thread = 0; thread < this.threads; thread++) this.write(thread, address, bytes);
  }

  /** Matrices of so many columns are going to be multiplied: their kernels need scratch memory to decode a row. */
  useColumns(columns: number): void {
    this.#columns = Math.max(this.#columns, columns);
  }

  /**
   * Scratch memory of the kernels, long enough for every matrix so far: `bytes` for the thread whose heap it is, and as many
   * for each thread that steals from it.
   */
  scratch(): Scratch {
    if (this.#scratch.columns < this.#columns) {
      this.free(this.#scratch.address);
      const bytes = Math.ceil(scratchBytes(this.#columns) / 64) * 64;
      const threads = 1 + Math.min(this.threads - 1, maxVictims);
      const address = this.allocate(threads * bytes, 'kernels');
      this.#scratch = { address, bytes, columns: this.#columns };
    }
    return this.#scratch;
  }

  /** Address of a copy of `values` in every heap, one for all that are equal; it stays. */
  table(values: Float32Array | Uint8Array): number {
    const known = this.#known.get(values);
    if (known !== undefined) return known;
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const { address } = this.#tables.find((table) => isSame(table.bytes, bytes)) ?? this.#addTable(bytes);
    this.#known.set(values, address);
    return address;
  }

  #addTable(bytes: Uint8Array): Table {
    const table = { bytes: bytes.slice(), address: this.allocate(bytes.byteLength, 'tables') };
    this.writeAll(table.address, bytes);
    this.#tables.push(table);
    return table;
  }
}
