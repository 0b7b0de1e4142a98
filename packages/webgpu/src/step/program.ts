// A list of dispatches with their operands, before buffers are allocated: a result gets its buffer when it is first written,
// and gives it back after its last use.
import type { Fields, Kernel, Values } from '../wgsl/shader.js';
import { encodeUniforms } from '../wgsl/shader.js';

/** A result of a known size, in a pooled buffer for as long as it is used. */
export class Transient {
  readonly label: string;
  readonly bytes: number;
  buffer: GPUBuffer | null = null;
  /** Keep the buffer after the last use in this program. */
  held = false;
  /** Index of the last command that uses it. */
  lastUse = -1;

  constructor(label: string, bytes: number) {
    this.label = label;
    this.bytes = bytes;
  }
}

/** `tables`: the numbers of this program that come from the CPU. */
export type Operand = Transient | GPUBuffer | 'tables';

export interface Command {
  readonly kernel: Kernel<Fields>;
  readonly uniforms: Uint32Array;
  readonly operands: readonly Operand[];
  readonly grid: readonly [x: number, y: number];
}

export class Program {
  commands: Command[] = [];
  /** Results that are written from the CPU. */
  readonly inputs: { readonly result: Transient; readonly values: Float32Array }[] = [];
  readonly tables = new Tables();

  /**
   * Adds a dispatch.
   * @param operands in the order of the kernel's storage bindings
   * @param grid workgroups; nothing is added when there are none
   */
  dispatch<F extends Fields>(
    kernel: Kernel<F>,
    values: Values<F>,
    operands: readonly Operand[],
    grid: readonly [x: number, y: number],
    matrices?: Uint32Array,
  ): void {
    if (grid[0] === 0 || grid[1] === 0) return;
    const uniforms = encodeUniforms(kernel, values, matrices);
    this.commands.push({ kernel, uniforms, operands, grid });
  }
}

/** Words for the `tables` binding: ids, row indices, pages, positions, rotations. Equal tables are sent once. */
class Tables {
  #words = new Uint32Array(1024);
  #length = 0;
  readonly #known = new Map<unknown, Map<string, number>>();

  get words(): Uint32Array {
    return this.#words.subarray(0, Math.max(4, this.#length));
  }

  /** @returns word at which the values begin */
  add(values: Uint32Array): number {
    const at = this.#length;
    if (at + values.length > this.#words.length) {
      const grown = new Uint32Array(2 ** Math.ceil(Math.log2(at + values.length)));
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#words.set(values, at);
    this.#length += values.length;
    return at;
  }

  /** Adds what `make` returns unless it was added for the same segments and key before. */
  addOnce(segments: readonly object[], key: string, make: () => Uint32Array): number {
    let known = this.#known.get(segments);
    if (known === undefined) {
      known = new Map();
      this.#known.set(segments, known);
    }
    const found = known.get(key);
    if (found !== undefined) return found;
    const at = this.add(make());
    known.set(key, at);
    return at;
  }
}
