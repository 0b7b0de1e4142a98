// What stands between steps and threads: compiles what a step has recorded, places the program in the heaps, runs it.
import type { Graph } from './graph.js';
import { Program } from './program.js';
import type { Store } from './store.js';
import type { Team } from './team/team.js';
import type { Value } from './value.js';

export class Engine {
  readonly store: Store;
  readonly #team: Team;
  readonly #program: Program;
  /** The room for programs in every heap. */
  #room = { address: 0, bytes: 0 };

  constructor(team: Team, store: Store) {
    this.#team = team;
    this.store = store;
    this.#program = new Program(store);
  }

  /** Runs all that is recorded and has not run. */
  async run(graph: Graph): Promise<void> {
    const program = this.#program;
    program.emit('scratch', this.store.scratch());
    const due = graph.compile(program);
    const words = program.take();
    if (!due) return;
    this.#reserve(words.byteLength);
    this.store.writeAll(this.#room.address, new Uint8Array(words.buffer, 0, words.byteLength));
    await this.#team.run(this.#room.address, words.length);
  }

  /** The numbers of what has run, a copy. */
  async read(value: Value): Promise<ArrayBufferLike> {
    const { buffer } = await this.#team.read(value.address as number, value.rows * value.columns);
    return buffer;
  }

  /** Gives up what a step holds. */
  close(): void {
    this.#program.close();
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#room.bytes) return;
    this.store.free(this.#room.address);
    this.#room = { address: this.store.allocate(2 * bytes, 'program'), bytes: 2 * bytes };
  }
}
