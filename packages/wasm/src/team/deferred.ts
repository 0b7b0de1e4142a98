// A promise that is settled from outside: what the workers reply.

export class Deferred<Value> {
  #settle: { resolve: (value: Value) => void; reject: (error: unknown) => void } | null = null;

  /** A promise for the next reply. */
  wait(): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  resolve(value: Value): void {
    this.#settle?.resolve(value);
    this.#settle = null;
  }

  reject(error: unknown): void {
    this.#settle?.reject(error);
    this.#settle = null;
  }
}
