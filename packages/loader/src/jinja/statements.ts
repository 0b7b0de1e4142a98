// Renders statements to text.
import type { Budget } from './budget.js';
import { TemplateFault } from './errors.js';
import { Evaluator } from './expressions.js';
import { Loop } from './loop.js';
import { macroOf } from './macro.js';
import { truth } from './python/compare.js';
import { iterate, listOf } from './python/iterate.js';
import { str } from './python/print.js';
import { Namespace, typeName, Undefined, type Value } from './python/values.js';
import { Scope, type Variables } from './scope.js';
import { Frames } from './syntax/frames.js';
import type { Body, ForNode, Named, Statement, Target } from './syntax/nodes.js';

/** What is written, piece by piece. */
interface Output {
  readonly pieces: string[];
  length: number;
}

/** What a loop around has to do. */
type Control = 'break' | 'continue' | null;

export class Renderer {
  readonly #budget: Budget;
  readonly #evaluator: Evaluator;
  readonly #frames = new Frames();

  constructor(budget: Budget) {
    this.#budget = budget;
    this.#evaluator = new Evaluator(budget);
  }

  /**
   * @param variables those of the render, which take those of the template as well: what blocks see
   * @throws TemplateFault, TemplateUnsupported, TemplateRefusal, TemplateLimit
   */
  render(body: Body, variables: Variables): string {
    return this.#captured(body, Scope.top(this.#frames.body(null, body), variables)).text;
  }

  #captured(body: Body, scope: Scope): { readonly text: string; readonly control: Control } {
    const output: Output = { pieces: [], length: 0 };
    const control = this.#run(body, scope, output);
    return { text: output.pieces.join(''), control };
  }

  #run(body: Body, scope: Scope, output: Output): Control {
    for (const statement of body) {
      this.#budget.enter();
      const control = this.#statement(statement, scope, output);
      this.#budget.leave();
      if (control !== null) return control;
    }
    return null;
  }

  #write(text: string, output: Output): void {
    output.length += text.length;
    this.#budget.length(output.length);
    this.#budget.characters(text.length);
    output.pieces.push(text);
  }

  #statement(node: Statement, scope: Scope, output: Output): Control {
    const evaluator = this.#evaluator;
    switch (node.kind) {
      case 'text':
        this.#write(node.text, output);
        return null;
      case 'print':
        this.#write(str(evaluator.evaluate(node.value, scope), this.#budget), output);
        return null;
      case 'for':
        return this.#loop(node, evaluator.evaluate(node.iterable, scope), scope, 0n, output);
      case 'if': {
        const branch = node.branches.find(([test]) => truth(evaluator.evaluate(test, scope)));
        return this.#run(branch === undefined ? node.otherwise : branch[1], scope, output);
      }
      case 'set':
        this.#assign(node.target, evaluator.evaluate(node.value, scope), scope);
        return null;
      case 'setBlock': {
        const inner = scope.inner(this.#frames.body(scope.frame, node.body));
        const { text, control } = this.#captured(node.body, inner);
        if (control === null) this.#assign(node.target, this.#filtered(text, node.filters, inner), scope);
        return control;
      }
      case 'filterBlock': {
        const inner = scope.inner(this.#frames.body(scope.frame, node.body, node.filters));
        const { text, control } = this.#captured(node.body, inner);
        if (control === null)
          this.#write(str(this.#filtered(text, node.filters, inner), this.#budget), output);
        return control;
      }
      case 'with': {
        const inner = scope.inner(this.#frames.with(scope.frame, node));
        const values = node.values.map(([, value]) => evaluator.evaluate(value, scope));
        for (const [index, [target]] of node.values.entries())
          this.#assign(target, values[index] ?? null, inner);
        return this.#run(node.body, inner, output);
      }
      case 'block':
        return this.#run(node.body, scope.block(this.#frames.body(null, node.body), node.isScoped), output);
      case 'generation':
        return this.#run(node.body, scope.inner(this.#frames.body(scope.frame, node.body)), output);
      case 'macro':
        scope.set(node.name, this.#macro(node.name, node, node.body, scope));
        return null;
      case 'callBlock': {
        const caller = this.#macro('caller', node, node.body, scope);
        const callee = evaluator.evaluate(node.call.callee, scope);
        const { args, keywords } = evaluator.arguments(node.call.args, scope);
        const result = evaluator.call(callee, args, new Map([...keywords, ['caller', caller]]));
        this.#write(str(result, this.#budget), output);
        return null;
      }
      case 'break':
      case 'continue':
        return node.kind;
    }
  }

  #macro(name: string, node: Parameters<typeof macroOf>[1], body: Body, scope: Scope): Value {
    return macroOf(name, node, body, {
      evaluate: (fallback, inner) => this.#evaluator.evaluate(fallback, inner),
      render: (inner) => this.#captured(body, inner).text,
      inner: (special) => scope.inner(this.#frames.macro(scope.frame, node, body, special)),
    });
  }

  #filtered(text: string, filters: readonly Named[], scope: Scope): Value {
    return filters.reduce<Value>((value, named) => this.#evaluator.filtered(value, named, scope), text);
  }

  /** @returns what the `else` of the loop asks of the loop around it */
  #loop(node: ForNode, iterable: Value, scope: Scope, depth: bigint, output: Output): Control {
    const { test } = node;
    const all = iterate(iterable, this.#budget);
    const items = test === null ? all : this.#kept(node, test, all, scope);
    const recurse = (again: Value): Value => {
      const inner: Output = { pieces: [], length: 0 };
      this.#budget.enter();
      this.#loop(node, again, scope, depth + 1n, inner);
      this.#budget.leave();
      return inner.pieces.join('');
    };
    const sized = test === null ? iterable : null;
    const loop = new Loop(items, sized, depth, node.isRecursive ? recurse : null, this.#budget);
    // Jinja notes a round when it is through: one that was left counts as none.
    let isEmpty = true;
    for (let item = loop.next(); item !== undefined; item = loop.next()) {
      const inner = scope.inner(this.#frames.round(scope.frame, node));
      inner.set('loop', loop);
      this.#assign(node.target, item, inner);
      this.#budget.charge(1);
      const control = this.#run(node.body, inner, output);
      if (control === 'break') break;
      if (control === null) isEmpty = false;
    }
    if (!isEmpty) return null;
    return this.#run(node.otherwise, scope.inner(this.#frames.body(scope.frame, node.otherwise)), output);
  }

  /** The items that pass the loop's own test, each tested when it is its turn. */
  *#kept(
    node: ForNode,
    test: NonNullable<ForNode['test']>,
    items: Iterable<Value>,
    scope: Scope,
  ): Generator<Value> {
    for (const item of items) {
      const inner = scope.inner(this.#frames.test(scope.frame, node, test));
      this.#assign(node.target, item, inner);
      if (truth(this.#evaluator.evaluate(test, inner))) yield item;
    }
  }

  #assign(target: Target, value: Value, scope: Scope): void {
    if (target.kind === 'name') {
      scope.set(target.name, value);
    } else if (target.kind === 'member') {
      const namespace = scope.get(target.name);
      if (!(namespace instanceof Namespace))
        throw new TemplateFault('cannot assign attribute on non-namespace object');
      namespace.attributes.set(target.attribute, value);
    } else {
      if (value instanceof Undefined) throw new TemplateFault('not enough values to unpack');
      const items = listOf(value, this.#budget);
      const { length } = target.items;
      if (items.length !== length)
        throw new TemplateFault(
          `cannot unpack ${items.length} items of a ${typeName(value)} into ${length} names`,
        );
      for (const [index, each] of target.items.entries()) this.#assign(each, items[index] ?? null, scope);
    }
  }
}
