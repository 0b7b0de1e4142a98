// The variable `loop`: where a loop is. Its items are read one ahead, and all at once where its length is asked for.
import type { Budget } from './budget.js';
import { TemplateFault } from './errors.js';
import { equal, lengthOf } from './python/compare.js';
import { listOf } from './python/iterate.js';
import { Func, type Instance, Iter, Tuple, Undefined, type Value } from './python/values.js';

export class Loop implements Instance {
  readonly isInstance = true;
  readonly call: NonNullable<Instance['call']>;
  readonly #budget: Budget;
  readonly #depth: bigint;
  #values: Iterator<Value>;
  #ahead: IteratorResult<Value> | null = null;
  #length: bigint | null;
  #index = -1n;
  #before: Value | null = null;
  #current: Value | null = null;
  #changed: Value | null = null;

  /**
   * @param items what the loop goes through
   * @param iterable what it was made of, for its length
   * @param recurse renders the loop's body for other items; null where it is not recursive
   */
  constructor(
    items: Iterable<Value>,
    iterable: Value,
    depth: bigint,
    recurse: ((iterable: Value) => Value) | null,
    budget: Budget,
  ) {
    this.#values = items[Symbol.iterator]();
    const length = iterable instanceof Iter ? undefined : lengthOf(iterable);
    this.#length = length === undefined ? null : BigInt(length);
    this.#depth = depth;
    this.#budget = budget;
    this.call = ([again]) => {
      if (recurse === null)
        throw new TemplateFault("The loop must have the 'recursive' marker to be called recursively.");
      if (again === undefined) throw new TemplateFault('loop() missing its iterable');
      return recurse(again);
    };
  }

  /** Goes on to the next item; undefined at the end. */
  next(): Value | undefined {
    const next = this.#peek();
    this.#ahead = null;
    if (next.done === true) return undefined;
    this.#index += 1n;
    this.#before = this.#current;
    this.#current = next.value;
    return next.value;
  }

  #peek(): IteratorResult<Value> {
    this.#ahead ??= this.#values.next();
    return this.#ahead;
  }

  #size(): bigint {
    if (this.#length !== null) return this.#length;
    const ahead = this.#ahead?.done === false ? 1n : 0n;
    const rest = listOf(new Iter({ [Symbol.iterator]: () => this.#values }), this.#budget);
    this.#values = rest[Symbol.iterator]();
    this.#length = BigInt(rest.length) + this.#index + 1n + ahead;
    return this.#length;
  }

  text(): string {
    return `<LoopContext ${this.#index + 1n}/${this.#size()}>`;
  }

  attribute(name: string): Value | undefined {
    switch (name) {
      case 'index':
        return this.#index + 1n;
      case 'index0':
        return this.#index;
      case 'revindex':
        return this.#size() - this.#index;
      case 'revindex0':
        return this.#size() - this.#index - 1n;
      case 'first':
        return this.#index === 0n;
      case 'last':
        return this.#peek().done === true;
      case 'length':
        return this.#size();
      case 'depth':
        return this.#depth + 1n;
      case 'depth0':
        return this.#depth;
      case 'previtem':
        return this.#index === 0n ? new Undefined('there is no previous item') : this.#before;
      case 'nextitem': {
        const next = this.#peek();
        return next.done === true ? new Undefined('there is no next item') : next.value;
      }
      case 'cycle':
        return new Func('cycle', (args) => {
          if (args.length === 0) throw new TemplateFault('no items for cycling given');
          return args[Number(this.#index % BigInt(args.length))] ?? null;
        });
      case 'changed':
        return new Func('changed', (args) => {
          const value = new Tuple(args);
          const isSame = this.#changed !== null && equal(this.#changed, value, this.#budget);
          this.#changed = value;
          return !isSame;
        });
      default:
        return undefined;
    }
  }
}
