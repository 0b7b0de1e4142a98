// Chat templates are programs from strangers. @huggingface/jinja gives them no access to JavaScript (its values live in
// maps of their own, prototypes are out of reach) but runs them without limits. This interpreter counts what every
// evaluation yields and stops a template that loops, recurses or grows beyond what a prompt can need.
import {
  Interpreter,
  type TemplateEnvironment,
  type TemplateStatement,
  type TemplateValue,
} from '../huggingface.js';

/** A template is a few kilobytes, the longest in use (with tools) about twenty. */
export const MAX_TEMPLATE_LENGTH = 262_144;
/** Characters of a rendered prompt or of anything on the way to it: a million tokens of text. */
const MAX_LENGTH = 4_194_304;
/** Values within one value: the messages of a long conversation have a few thousand. */
const MAX_NODES = 200_000;
/** Evaluations, rounds of loops, and what costs as much: about a second. A long conversation takes a tenth of it. */
const MAX_WORK = 1_000_000;
/** Evaluations within each other; the most deeply nested templates in use have a few dozen. */
const MAX_DEPTH = 500;
/** Numbers in a range; templates count messages and tools with it. */
const MAX_RANGE = 100_000;

/** Values of a list that a filter or an operator goes through in the time of one evaluation; characters of a text. */
const VALUES_A_STEP = 32;
const CHARACTERS_A_STEP = 1024;

/** Statements and expressions that may go through the whole of what they are given. */
const goingThrough: ReadonlySet<string> = new Set([
  'BinaryExpression',
  'CallExpression',
  'CallStatement',
  'FilterExpression',
  'FilterStatement',
  'MemberExpression',
  'SelectExpression',
  'TestExpression',
]);

/** What a value holds, shared parts counted wherever they occur; not `fixed` while a namespace in it can change. */
interface Size {
  readonly nodes: number;
  readonly length: number;
  readonly fixed: boolean;
}

export class TemplateLimit extends Error {}

export class LimitedInterpreter extends Interpreter {
  readonly #sizes = new WeakMap<object, Size>();
  #work = 0;
  #around = '';
  #depth = 0;

  override evaluate(
    statement: TemplateStatement | undefined,
    environment: TemplateEnvironment,
  ): TemplateValue {
    const around = this.#around;
    this.#around = statement?.type ?? '';
    // an error ends the interpreter, and with it the count
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH)
      throw new TemplateLimit(`at most ${MAX_DEPTH} evaluations within each other`);
    const value = super.evaluate(statement, environment);
    this.#depth -= 1;
    this.#around = around;
    const { nodes, length } = this.#size(value);
    if (length > MAX_LENGTH) throw new TemplateLimit(`at most ${MAX_LENGTH} characters`);
    if (around === 'For') this.#charge(1 + nodes);
    else if (goingThrough.has(around)) this.#charge(1 + nodes / VALUES_A_STEP + length / CHARACTERS_A_STEP);
    else this.#charge(1);
    return value;
  }

  #charge(work: number): void {
    this.#work += work;
    if (this.#work > MAX_WORK) throw new TemplateLimit(`at most ${MAX_WORK} steps`);
  }

  #size(value: TemplateValue): Size {
    const { value: content } = value;
    if (typeof content === 'string') return { nodes: 1, length: content.length, fixed: true };
    if (!Array.isArray(content) && !(content instanceof Map)) return { nodes: 1, length: 0, fixed: true };
    const known = this.#sizes.get(value);
    if (known !== undefined) return known;
    let [nodes, length, fixed] = [1, 0, value.type !== 'NamespaceValue'];
    for (const part of content.values() as Iterable<TemplateValue>) {
      const size = this.#size(part);
      nodes += size.nodes;
      length += size.length;
      fixed &&= size.fixed;
      if (nodes > MAX_NODES) throw new TemplateLimit(`values of at most ${MAX_NODES} parts`);
    }
    this.#charge(content instanceof Map ? content.size / VALUES_A_STEP : content.length / VALUES_A_STEP);
    const size = { nodes, length, fixed };
    if (fixed) this.#sizes.set(value, size);
    return size;
  }
}

/** Python's range, of at most MAX_RANGE numbers. @throws TemplateLimit */
export function limitedRange(...bounds: readonly number[]): number[] {
  const [start, stop, step] =
    bounds.length < 2 ? [0, bounds[0] ?? 0, 1] : [bounds[0] ?? 0, bounds[1] ?? 0, bounds[2] ?? 1];
  const count = Math.ceil((stop - start) / step);
  if (!(count <= MAX_RANGE)) throw new TemplateLimit(`a range of at most ${MAX_RANGE} numbers`);
  return Array.from({ length: Math.max(count, 0) }, (_, index) => start + index * step);
}
