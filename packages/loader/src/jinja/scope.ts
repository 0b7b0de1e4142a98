// Variables by name: those that a render is given, and those of the frames of a template.
import { Undefined, type Value } from './python/values.js';
import type { Frame } from './syntax/frames.js';

/** Where names are looked up that no frame has. */
export interface Context {
  /** undefined where there is no such variable */
  find(name: string): Value | undefined;
}

/** Values by name, before those of a context around them. */
export class Variables implements Context {
  readonly #values = new Map<string, Value>();
  readonly #around: Context | null;

  constructor(around: Context | null = null) {
    this.#around = around;
  }

  find(name: string): Value | undefined {
    const own = this.#values.get(name);
    return own === undefined ? this.#around?.find(name) : own;
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }
}

/** The variables of a frame while it is rendered. */
export class Scope implements Context {
  readonly frame: Frame;
  readonly #around: Scope | null;
  readonly #context: Context;
  /** Takes what the frame assigns as well: the variables of the template, which blocks see. */
  readonly #exported: Variables | null;
  readonly #values = new Map<string, Value>();

  private constructor(frame: Frame, around: Scope | null, context: Context, exported: Variables | null) {
    this.frame = frame;
    this.#around = around;
    this.#context = context;
    this.#exported = exported;
  }

  /** Of a template. */
  static top(frame: Frame, variables: Variables): Scope {
    return new Scope(frame, null, variables, variables);
  }

  /** Of a block here, which sees no frame around it; only a scoped one finds what these assign. */
  block(frame: Frame, isScoped: boolean): Scope {
    return new Scope(frame, null, isScoped ? this : this.#context, null);
  }

  inner(frame: Frame): Scope {
    return new Scope(frame, this, this.#context, null);
  }

  get(name: string): Value {
    const found = this.#find(name);
    return found === undefined ? new Undefined(`'${name}' is undefined`) : found;
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
    this.#exported?.set(name, value);
  }

  /** What a scoped block finds here: what is assigned in this frame or around it, then what the render was given. */
  find(name: string): Value | undefined {
    const own = this.frame.stores(name) ? this.#find(name) : undefined;
    return own === undefined ? this.#context.find(name) : own;
  }

  #find(name: string): Value | undefined {
    const own = this.#values.get(name);
    if (own !== undefined) return own;
    const load = this.frame.load(name);
    if (load === 'undefined' || load === 'given') return undefined;
    if (load === 'resolve' || this.#around === null) return this.#context.find(name);
    return this.#around.#find(name);
  }
}
