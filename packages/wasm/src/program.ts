// A program under construction: its words, the memory of its activations, and where threads exchange results.
import type { Node } from './graph.js';
import type { Intake } from './load-matrix.js';
import { activationForms } from './matrix-record.js';
import { type Opcode, opcodes } from './opcodes.js';
import { shareStart } from './share.js';
import type { Store } from './store.js';
import { scalesStride, tokenBytes } from './worker/linear.js';

/** A float32 operand; whole numbers are words. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

export type Operand = number | Float | ArrayLike<number>;

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

/** Activations as matrices of one intake take them: addresses. */
export interface Form extends Intake {
  readonly x: number;
  readonly stride: number;
  readonly scales: number;
  readonly sums: number;
}

export class Program {
  readonly store: Store;
  #words = new Int32Array(4096);
  /** The same words. */
  #floats = new Float32Array(this.#words.buffer);
  #length = 0;
  /** Barriers so far, and the one after which each address was copied from by other threads. */
  #barriers = 0;
  readonly #copied = new Map<number, number>();
  /** To be free at the next barrier: other threads may still be copying. */
  #leaving: number[] = [];
  /** Bytes of each block that the step holds, and those of them that are free. The heap gets them back when it ends. */
  readonly #blocks = new Map<number, number>();
  #free: number[] = [];
  readonly #forms = new Map<Node, Map<string, Form>>();
  /** What has not been brought together, by address. */
  readonly #shares = new Map<number, readonly SharedColumns[]>();
  #readers: ReadonlyMap<Node, number> = new Map();

  constructor(store: Store) {
    this.store = store;
  }

  /** The words written since the last call. */
  take(): Int32Array {
    const words = this.#words.slice(0, this.#length);
    this.#length = 0;
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
    this.#forms.clear();
    this.#shares.clear();
  }

  /** @param readers operations of this program that are still to read a node, the next one included */
  begin(readers: ReadonlyMap<Node, number>): void {
    this.#readers = readers;
  }

  emit(opcode: Opcode, ...operands: readonly Operand[]): void {
    const header = this.#length;
    this.#push(opcodes[opcode]);
    this.#push(0);
    for (const operand of operands) {
      if (typeof operand === 'number') this.#push(operand);
      else if (operand instanceof Float) this.#pushFloat(operand.value);
      else if (operand instanceof Float32Array) for (const value of operand) this.#pushFloat(value);
      else for (let i = 0; i < operand.length; i++) this.#push(operand[i] as number);
    }
    this.#words[header + 1] = this.#length - header - 2;
  }

  #push(word: number): void {
    if (this.#length === this.#words.length) {
      const longer = new Int32Array(2 * this.#length);
      longer.set(this.#words);
      this.#words = longer;
      this.#floats = new Float32Array(longer.buffer);
    }
    this.#words[this.#length++] = word;
  }

  #pushFloat(value: number): void {
    const at = this.#length;
    this.#push(0);
    this.#floats[at] = value;
  }

  /** Room for so many float32. */
  room(floats: number): number {
    return this.#allocate(4 * floats);
  }

  /** A free block that is not much too long, or a new one. */
  #allocate(bytes: number): number {
    const index = this.#free.findIndex((address) => {
      const found = this.#blocks.get(address) ?? 0;
      return found >= bytes && found <= 2 * bytes;
    });
    const [known] = index < 0 ? [] : this.#free.splice(index, 1);
    if (known !== undefined) return known;
    const address = this.store.allocate(bytes, 'activations');
    this.#blocks.set(address, bytes);
    return address;
  }

  free(address: number): void {
    const copying = this.#barriers > 0 && this.#copied.get(address) === this.#barriers;
    (copying ? this.#leaving : this.#free).push(address);
  }

  /** Address of a node that has been computed: all of it, on every thread. */
  addressOf(node: Node): number {
    const address = node.address as number;
    const shares = this.#shares.get(address);
    this.#shares.delete(address);
    if (shares !== undefined) this.gather(address, node.rows, node.columns, shares);
    return address;
  }

  /** The same where each thread needs no more than its own shares of `needed`. */
  sharesOf(node: Node, needed: readonly SharedColumns[]): number {
    const address = node.address as number;
    const parts = this.#shares.get(address) ?? [];
    const own = parts.every((part) => needed.some((each) => isSameShare(part, each, this.store.threads)));
    return own ? address : this.addressOf(node);
  }

  /** Leaves it to the first reader who needs all of a result to bring its shares together. */
  gatherLater(address: number, parts: readonly SharedColumns[]): void {
    if (parts.length > 0) this.#shares.set(address, parts);
  }

  /** Gives up a node's numbers and all forms of them. */
  release(node: Node): void {
    const forms = this.#forms.get(node);
    this.#forms.delete(node);
    for (const form of forms?.values() ?? []) if (form.unit !== 0) this.free(form.x);
    if (node.address !== null) {
      this.#shares.delete(node.address);
      this.free(node.address);
    }
    node.address = null;
  }

  /** The memory of a node that nobody reads after the operation being written, for its result; null where there is none. */
  takeOver(node: Node): number | null {
    const { address } = node;
    const last = this.#readers.get(node) === 1 && !node.wanted;
    if (address === null || !last || this.#copied.get(address) === this.#barriers) return null;
    node.address = null;
    return address;
  }

  /** A point where all threads have come as far. */
  barrier(): void {
    this.#barriers++;
    this.#free.push(...this.#leaving.splice(0));
  }

  /** Other threads copy from `address` after the last barrier. */
  markCopied(address: number): void {
    this.#copied.set(address, this.#barriers);
  }

  /** Brings the shares of all threads together. */
  gather(address: number, rows: number, columns: number, parts: readonly SharedColumns[]): void {
    if (this.store.threads === 1) return;
    this.barrier();
    this.markCopied(address);
    const words = parts.flatMap(({ first, count, size }) => [first, count, size]);
    this.emit('gather', address, rows, columns, parts.length, words);
  }

  /** A node's activations as an intake wants them; written once for all matrices that want the same. */
  form(node: Node, intake: Intake): Form {
    const key = `${intake.form} ${intake.unit} ${intake.order}`;
    const forms = this.#forms.get(node) ?? new Map<string, Form>();
    this.#forms.set(node, forms);
    const known = forms.get(key);
    if (known !== undefined) return known;
    const form = this.quantize(this.addressOf(node), node.rows, node.columns, intake);
    forms.set(key, form);
    return form;
  }

  /** The same for activations that are no node's. The caller frees `x` of what has units. */
  quantize(address: number, rows: number, columns: number, intake: Intake): Form {
    const { form, unit, order } = intake;
    const stride = tokenBytes(form, columns, unit);
    if (form === 'float') return { ...intake, x: address, stride, scales: 0, sums: 0 };
    const scaleBytes = form === 'plain' ? rows * scalesStride(columns, unit) : 0;
    const x = this.#allocate(rows * stride + 2 * scaleBytes);
    const scales = x + rows * stride;
    const sums = scales + scaleBytes;
    this.emit('quantize', address, rows, columns, activationForms[form], unit, order, x, scales, sums);
    return { ...intake, x, stride, scales, sums };
  }
}
