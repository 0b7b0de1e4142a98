// The link between the opaque objects that a backend hands out and what it keeps behind them. An object that was
// released, or that another backend made, is an error at its next use.
import { MoeqError } from '@moeq/tensors';

export class Handles<Handle extends object, Data> {
  readonly #kind: string;
  readonly #data = new Map<object, Data>();

  /** @param kind what the objects are, for messages, e.g. `weight` */
  constructor(kind: string) {
    this.#kind = kind;
  }

  /** Makes `handle` stand for `data`, and returns it. */
  add(handle: Handle, data: Data): Handle {
    this.#data.set(handle, data);
    return handle;
  }

  /** @throws MoeqError `deadObject` when the object is dead or not of this table */
  get(handle: Handle): Data {
    const data = this.#data.get(handle);
    if (data === undefined) {
      throw new MoeqError({
        code: 'deadObject',
        operation: 'use',
        subject: this.#kind,
        expected: 'an object that this backend made and still holds',
        found: 'one that is released, out of its step, or of another backend',
      });
    }
    return data;
  }

  /** Forgets one object; false when it was not here. */
  delete(handle: object): boolean {
    return this.#data.delete(handle);
  }

  /** Forgets all objects. */
  clear(): void {
    this.#data.clear();
  }
}
