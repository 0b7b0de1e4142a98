// Variables by name: those of a block before those around it.
import { Undefined, type Value } from './python/values.js';

export class Scope {
  readonly #values = new Map<string, Value>();
  readonly #around: Scope | null;

  constructor(around: Scope | null = null) {
    this.#around = around;
  }

  get(name: string): Value {
    const own = this.#values.get(name);
    if (own !== undefined) return own;
    return this.#around === null ? new Undefined(`'${name}' is undefined`) : this.#around.get(name);
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }
}
