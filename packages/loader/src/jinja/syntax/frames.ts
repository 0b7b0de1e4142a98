// Where a part of a template finds its variables. Jinja decides it before it renders (jinja2/idtracking.py): a frame is
// the template, or a part with variables of its own, and a name that a frame assigns is the frame's own from its beginning
// to its end. Before the assignment it is undefined to the parts within, wherever these stand.
import { namesIn } from './mentions.js';
import type { Body, Expression, ForNode, Signature, Statement, Target } from './nodes.js';

/**
 * What a frame's own name is before it is assigned: what the render was given, what the frame around has, undefined, or
 * given as a parameter is.
 */
export type Load = 'resolve' | 'outer' | 'undefined' | 'given';

export class Frame {
  readonly #outer: Frame | null;
  readonly #loads = new Map<string, Load>();
  readonly #stores = new Set<string>();

  constructor(outer: Frame | null, given: readonly string[], reads: unknown, body: Body) {
    this.#outer = outer;
    for (const name of given) {
      this.#loads.set(name, 'given');
      this.#stores.add(name);
    }
    this.#read(reads);
    this.#visit(body, false);
  }

  /** Of a name of this frame's own; undefined for any other. */
  load(name: string): Load | undefined {
    return this.#loads.get(name);
  }

  /** Whether this frame or one around it assigns the name. */
  stores(name: string): boolean {
    return this.#stores.has(name) || (this.#outer?.stores(name) ?? false);
  }

  /** Whether the name is of this frame or of one around it. */
  knows(name: string): boolean {
    return this.#loads.has(name) || (this.#outer?.knows(name) ?? false);
  }

  #read(part: unknown): void {
    for (const name of namesIn(part)) if (!this.knows(name)) this.#loads.set(name, 'resolve');
  }

  #store(name: string, isConditional: boolean): void {
    if (this.#stores.has(name)) return;
    this.#stores.add(name);
    if (this.#loads.has(name)) return;
    const before = isConditional ? 'resolve' : 'undefined';
    this.#loads.set(name, this.#outer?.knows(name) ? 'outer' : before);
  }

  #target(target: Target, isConditional: boolean): void {
    if (target.kind === 'name') this.#store(target.name, isConditional);
    else if (target.kind === 'member') this.#read({ kind: 'name', name: target.name });
    else for (const item of target.items) this.#target(item, isConditional);
  }

  /** @param isConditional whether the statements are a branch, which may be left out */
  #visit(body: Body, isConditional: boolean): void {
    for (const statement of body) this.#statement(statement, isConditional);
  }

  #statement(node: Statement, isConditional: boolean): void {
    switch (node.kind) {
      case 'print':
        this.#read(node.value);
        break;
      case 'for':
        this.#read(node.iterable);
        break;
      case 'if':
        for (const [test, body] of node.branches) {
          this.#read(test);
          this.#visit(body, true);
        }
        this.#visit(node.otherwise, true);
        break;
      case 'set':
        this.#read(node.value);
        this.#target(node.target, isConditional);
        break;
      case 'setBlock':
        this.#target(node.target, isConditional);
        break;
      case 'filterBlock':
        this.#read(node.filters);
        break;
      case 'with':
        this.#read(node.values.map(([, value]) => value));
        break;
      case 'macro':
        this.#store(node.name, isConditional);
        break;
      case 'callBlock':
        this.#read(node.call);
        break;
      case 'text':
      case 'block':
      case 'generation':
      case 'break':
      case 'continue':
        break;
    }
  }
}

/** The frames of a template by the part that each is of, made when one is first entered. */
export class Frames {
  readonly #known = new WeakMap<object, Frame>();

  /** Of statements that are given nothing. @param reads expressions within it besides */
  body(outer: Frame | null, body: Body, reads: unknown = []): Frame {
    return this.#once(body, () => new Frame(outer, [], reads, body));
  }

  /** Of a round of a loop. */
  round(outer: Frame, { target, body }: ForNode): Frame {
    return this.#once(body, () => new Frame(outer, ['loop', ...targetNames(target)], [], body));
  }

  /** Of the test that a loop has for its items. */
  test(outer: Frame, { target }: ForNode, test: Expression): Frame {
    return this.#once(test, () => new Frame(outer, targetNames(target), test, []));
  }

  with(outer: Frame, node: Statement & { kind: 'with' }): Frame {
    const names = () => node.values.flatMap(([target]) => targetNames(target));
    return this.#once(node.body, () => new Frame(outer, names(), [], node.body));
  }

  /** Of a call of a macro. @param special what it takes besides its parameters */
  macro(outer: Frame, { parameters }: Signature, body: Body, special: readonly string[]): Frame {
    const names = () => [...parameters.map(({ name }) => name), ...special];
    const fallbacks = () => parameters.map(({ fallback }) => fallback);
    return this.#once(body, () => new Frame(outer, names(), fallbacks(), body));
  }

  #once(part: object, make: () => Frame): Frame {
    const known = this.#known.get(part) ?? make();
    this.#known.set(part, known);
    return known;
  }
}

function targetNames(target: Target): readonly string[] {
  if (target.kind === 'tuple') return target.items.flatMap(targetNames);
  return target.kind === 'name' ? [target.name] : [];
}
