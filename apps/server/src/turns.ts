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
    for (let last = ''; this.#waiting.size > 0; ) {
      // The client that has just had its turn comes behind those that came meanwhile.
      const more = this.#waiting.get(last);
      if (more !== undefined) {
        this.#waiting.delete(last);
        this.#waiting.set(last, more);
      }
      const [[client = '', [job, ...others] = []] = []] = this.#waiting;
      this.#waiting.delete(client);
      if (others.length > 0) this.#waiting.set(client, others);
      last = client;
      await job?.();
    }
    this.#running = false;
  }
}
