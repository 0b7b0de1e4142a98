// A program under construction: its words, the memory of its activations, and where threads exchange results.
import { InstructionWriter } from './abi/encode.js';
import type { Values } from './abi/fields.js';
import type { Instructions, Opcode } from './abi/instructions.js';
import { scalesStride, tokenBytes } from './abi/sizes.js';
import type { Intake } from './load-matrix.js';
import { shareStart } from './share.js';
import type { Store } from './store.js';
import type { Form, Value } from './value.js';

/** A part of the columns of a result that threads computed in shares: `count` shares of `size` columns. */
export interface SharedColumns {
  readonly first: number;
  readonly count: number;
  readonly size: number;
}

/** Whether every thread has the same columns of both. */
function isSameShare(a: SharedColumns, b: SharedColumns, threads: number): boolean {
  if (a.first !== b.first) return false;
  for (let thread = 0; thread <= threads; thread++) {
    const start = a.size * shareStart(a.count, thread, threads);
    if (start !== b.size * shareStart(b.count, thread, threads)) return false;
  }
  return true;
}

export class Program {
  readonly store: Store;
  readonly #writer = new InstructionWriter();
  /** Barriers so far, and the one after which each address was copied from by other threads. */
  #barriers = 0;
  readonly #copied = new Map<number, number>();
  /** Blocks to be freed at the next barrier: other threads may still be copying from them. */
  #leaving: number[] = [];
  /** Bytes of each block that the step holds, and those of them that are free. The heap gets them back when it ends. */
  readonly #blocks = new Map<number, number>();
  #free: number[] = [];
  /** Results that are not gathered yet, by address: the columns that each thread has computed. */
  readonly #shares = new Map<number, readonly SharedColumns[]>();

  constructor(store: Store) {
    this.store = store;
  }

  /** The words written since the last call. */
  take(): Int32Array<ArrayBuffer> {
    const words = this.#writer.take();
    this.#barriers = 0;
    this.#copied.clear();
    this.#free.push(...this.#leaving.splice(0));
    return words;
  }

  /** The step has ended: all of its memory goes back. */
  close(): void {
    this.take();
    for (const address of this.#blocks.keys()) this.store.free(address);
    this.#blocks.clear();
    this.#free = [];
    this.#shares.clear();
  }

  emit<Name extends Opcode>(opcode: Name, operands: Values<Instructions[Name]>): void {
    this.#writer.write(opcode, operands);
  }

  /** Address of memory for so many float32. */
  allocate(floats: number): number {
    return this.#allocateBytes(4 * floats);
  }

  /** A free block that is not much too long, or a new one. */
  #allocateBytes(bytes: number): number {
    const index = this.#free.findIndex((address) => {
      const found = this.#blocks.get(address) ?? 0;
      return found >= bytes && found <= 2 * bytes;
    });
    if (index >= 0) {
      const known = this.#free[index] as number;
      // the last one takes its place: `splice` makes a list of what it takes out
      this.#free[index] = this.#free.at(-1) as number;
      this.#free.pop();
      return known;
    }
    const address = this.store.allocate(bytes, 'activations');
    this.#blocks.set(address, bytes);
    return address;
  }

  free(address: number): void {
    const copying = this.#barriers > 0 && this.#copied.get(address) === this.#barriers;
    (copying ? this.#leaving : this.#free).push(address);
  }

  /** Address of a value that has been computed: all of it, on every thread. */
  addressOf(value: Value): number {
    const address = value.address as number;
    const shares = this.#shares.get(address);
    this.#shares.delete(address);
    if (shares !== undefined) this.gather(address, value.rows, value.columns, shares);
    return address;
  }

  /** The same where each thread needs no more than its own shares of `needed`. */
  sharesOf(value: Value, needed: readonly SharedColumns[]): number {
    const address = value.address as number;
    const parts = this.#shares.get(address) ?? [];
    const own = parts.every((part) => needed.some((each) => isSameShare(part, each, this.store.threads)));
    return own ? address : this.addressOf(value);
  }

  /** What each thread has of both values where neither is gathered yet and the shares are the same; otherwise null. */
  sharedByBoth(a: Value, b: Value): readonly SharedColumns[] | null {
    const [left, right] = [a, b].map(({ address }) => this.#shares.get(address as number));
    if (left === undefined || right === undefined || left.length !== right.length) return null;
    const { threads } = this.store;
    return left.every((part, i) => isSameShare(part, right[i] as SharedColumns, threads)) ? left : null;
  }

  /** The shares of a result are gathered when an operation first needs all of it. */
  gatherLater(address: number, parts: readonly SharedColumns[]): void {
    if (parts.length > 0) this.#shares.set(address, parts);
  }

  /** Gives up a value's numbers and all forms of them. */
  release(value: Value): void {
    for (const form of value.forms) if (form.unit !== 0) this.free(form.x);
    value.forms = [];
    if (value.address !== null) {
      this.#shares.delete(value.address);
      this.free(value.address);
    }
    value.address = null;
  }

  /** The memory of a value that has no reader after the operation being written, for its result; null where there is none. */
  takeOver(value: Value): number | null {
    const { address } = value;
    const last = value.readers === 1 && !value.wanted;
    if (address === null || !last || this.#copied.get(address) === this.#barriers) return null;
    value.address = null;
    return address;
  }

  /** All threads wait here for each other. */
  barrier(): void {
    this.#barriers++;
    this.#free.push(...this.#leaving.splice(0));
  }

  /** Other threads copy from `address` after the last barrier. */
  markCopied(address: number): void {
    this.#copied.set(address, this.#barriers);
  }

  /** Copies the shares of all threads to each of them. */
  gather(address: number, rows: number, columns: number, parts: readonly SharedColumns[]): void {
    if (this.store.threads === 1) return;
    this.barrier();
    this.markCopied(address);
    this.emit('gather', { address, rows, columns, parts });
  }

  /** A value's activations as an intake wants them; written once for all matrices that want the same. */
  form(value: Value, intake: Intake): Form {
    const { form, unit, order } = intake;
    const known = value.forms.find(
      (each) => each.form === form && each.unit === unit && each.order === order,
    );
    if (known !== undefined) return known;
    const made = this.quantize(this.addressOf(value), value.rows, value.columns, intake);
    value.forms.push(made);
    return made;
  }

  /** The same for activations that are no value's. The caller frees `x` of what has units. */
  quantize(address: number, rows: number, columns: number, intake: Intake): Form {
    const { form, unit, order } = intake;
    const stride = tokenBytes(form, columns, unit);
    if (form === 'float') return { form, unit, order, x: address, stride, scales: 0, sums: 0 };
    const scaleBytes = form === 'plain' ? rows * scalesStride(columns, unit) : 0;
    const x = this.#allocateBytes(rows * stride + 2 * scaleBytes);
    const scales = x + rows * stride;
    const sums = scales + scaleBytes;
    this.emit('quantize', { x: address, tokens: rows, columns, form, unit, order, out: x, scales, sums });
    return { form, unit, order, x, stride, scales, sums };
  }
}
