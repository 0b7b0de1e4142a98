// Jobs one after the other, in which clients take turns: one that brings many does not keep another waiting for all of them.

export class Turns {
  /** Jobs by client; the client whose turn is next comes first. */
  readonly #waiting = new Map<string, (() => Promise<void>)[]>();
  #running = false;

  run<T>(client: string, job: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const jobs = this.#waiting.get(client) ?? [];
      this.#waiting.set(client, jobs);
      jobs.push(() => job().then(resolve, reject));
      if (!this.#running) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#running = true;
    for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
      const [client, [job, ...others]] = next;
      this.#waiting.delete(client);
      if (others.length > 0) this.#waiting.set(client, others);
      await job?.();
    }
    this.#running = false;
  }
}
