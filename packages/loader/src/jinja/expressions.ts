// Evaluates expressions.
import type { Budget } from './budget.js';
import { TemplateFault } from './errors.js';
import type { Rendering } from './filters/filter.js';
import { applyFilter, applyTest } from './filters/index.js';
import { arithmetic } from './python/arithmetic.js';
import { attributeOf, itemOf } from './python/attributes.js';
import { contains, equal, order, truth } from './python/compare.js';
import { listOf } from './python/iterate.js';
import { str } from './python/print.js';
import { Slice } from './python/slice.js';
import {
  asMap,
  Dict,
  Func,
  isInstance,
  type Keywords,
  numberOf,
  Tuple,
  textOf,
  typeName,
  Undefined,
  type Value,
} from './python/values.js';
import type { Scope } from './scope.js';
import type { Arguments, Comparison, Expression, Named } from './syntax/nodes.js';

export class Evaluator implements Rendering {
  readonly budget: Budget;

  constructor(budget: Budget) {
    this.budget = budget;
  }

  /** @throws TemplateFault, TemplateUnsupported, TemplateLimit */
  evaluate(node: Expression, scope: Scope): Value {
    if (node.kind === 'constant') return node.value;
    this.budget.enter();
    const value = this.#value(node, scope);
    this.budget.leave();
    return value;
  }

  #value(node: Exclude<Expression, { kind: 'constant' }>, scope: Scope): Value {
    const { budget } = this;
    switch (node.kind) {
      case 'name':
        return scope.get(node.name);
      case 'list':
        return node.items.map((item) => this.evaluate(item, scope));
      case 'tuple':
        return new Tuple(node.items.map((item) => this.evaluate(item, scope)));
      case 'dict':
        return new Dict(
          node.pairs.map(([key, value]) => [this.evaluate(key, scope), this.evaluate(value, scope)]),
        );
      case 'concat': {
        const parts = node.items.map((item) => str(this.evaluate(item, scope), budget));
        budget.characters(parts.reduce((sum, part) => sum + part.length, 0));
        return parts.join('');
      }
      case 'not':
        return !truth(this.evaluate(node.operand, scope));
      case 'negative':
      case 'positive':
        return this.#signed(node.kind, this.evaluate(node.operand, scope));
      case 'and': {
        const left = this.evaluate(node.left, scope);
        return truth(left) ? this.evaluate(node.right, scope) : left;
      }
      case 'or': {
        const left = this.evaluate(node.left, scope);
        return truth(left) ? left : this.evaluate(node.right, scope);
      }
      case 'binary': {
        const left = this.evaluate(node.left, scope);
        return arithmetic(node.operator, left, this.evaluate(node.right, scope), budget);
      }
      case 'compare':
        return this.#compared(node, scope);
      case 'condition':
        if (truth(this.evaluate(node.test, scope))) return this.evaluate(node.chosen, scope);
        if (node.otherwise !== null) return this.evaluate(node.otherwise, scope);
        return new Undefined('the inline if-expression evaluated to false and no else section was defined.');
      case 'filter':
        return this.filtered(this.evaluate(node.operand, scope), node.named, scope);
      case 'test': {
        const value = this.evaluate(node.operand, scope);
        const { args, keywords } = this.arguments(node.named, scope);
        return this.test(node.named.name, value, args, keywords);
      }
      case 'call': {
        const callee = this.evaluate(node.callee, scope);
        const { args, keywords } = this.arguments(node.args, scope);
        return this.call(callee, args, keywords);
      }
      case 'attribute':
        return attributeOf(this.evaluate(node.object, scope), node.name, budget);
      case 'item': {
        const object = this.evaluate(node.object, scope);
        return itemOf(object, this.#key(node.key, scope), budget);
      }
      case 'slice':
        throw new TemplateFault('a slice outside brackets');
    }
  }

  #key(node: Expression, scope: Scope): Value | Slice {
    if (node.kind !== 'slice') return this.evaluate(node, scope);
    return new Slice(node.bounds.map((bound) => (bound === null ? null : this.evaluate(bound, scope))));
  }

  #signed(sign: 'negative' | 'positive', value: Value): Value {
    if (value instanceof Undefined) value.fail();
    const number = numberOf(value);
    if (number === undefined)
      throw new TemplateFault(
        `bad operand type for unary ${sign === 'negative' ? '-' : '+'}: '${typeName(value)}'`,
      );
    return sign === 'negative' ? -number : number;
  }

  /** `a < b < c` is `a < b and b < c`. */
  #compared(node: Expression & { kind: 'compare' }, scope: Scope): boolean {
    let left = this.evaluate(node.first, scope);
    for (const [operator, operand] of node.rest) {
      const right = this.evaluate(operand, scope);
      if (!this.#holds(operator, left, right)) return false;
      left = right;
    }
    return true;
  }

  #holds(operator: Comparison, left: Value, right: Value): boolean {
    const { budget } = this;
    switch (operator) {
      case '==':
        return equal(left, right, budget);
      case '!=':
        return !equal(left, right, budget);
      case 'in':
        return contains(right, left, budget);
      case 'not in':
        return !contains(right, left, budget);
      case '<':
        return order(left, right, budget, operator) < 0;
      case '<=':
        return order(left, right, budget, operator) <= 0;
      case '>':
        return order(left, right, budget, operator) > 0;
      case '>=':
        return order(left, right, budget, operator) >= 0;
    }
  }

  filtered(value: Value, named: Named, scope: Scope): Value {
    const { args, keywords } = this.arguments(named, scope);
    return this.filter(named.name, value, args, keywords);
  }

  filter(name: string, value: Value, args: readonly Value[], keywords: Keywords): Value {
    return applyFilter(name, value, args, keywords, this);
  }

  test(name: string, value: Value, args: readonly Value[], keywords: Keywords): boolean {
    return applyTest(name, value, args, keywords, this);
  }

  call(callee: Value, args: readonly Value[], keywords: Keywords): Value {
    if (callee instanceof Func) return callee.call(args, keywords);
    if (callee instanceof Undefined) callee.fail();
    const call = callee !== null && isInstance(callee) ? callee.call : undefined;
    if (call === undefined) throw new TemplateFault(`'${typeName(callee)}' object is not callable`);
    return call(args, keywords);
  }

  arguments(
    given: Arguments,
    scope: Scope,
  ): { readonly args: readonly Value[]; readonly keywords: Keywords } {
    const args = given.positional.map((each) => this.evaluate(each, scope));
    const keywords = new Map(given.keywords.map(([name, each]) => [name, this.evaluate(each, scope)]));
    if (given.spread !== null) args.push(...listOf(this.evaluate(given.spread, scope), this.budget));
    if (given.spreadKeywords !== null) {
      const more = asMap(this.evaluate(given.spreadKeywords, scope));
      if (!(more instanceof Dict))
        throw new TemplateFault(`argument after ** must be a mapping, not ${typeName(more)}`);
      for (const [key, value] of more.entries()) {
        const name = textOf(key);
        if (name === undefined) throw new TemplateFault('keywords must be strings');
        if (keywords.has(name)) throw new TemplateFault(`got multiple values for keyword argument '${name}'`);
        keywords.set(name, value);
      }
    }
    return { args, keywords };
  }
}
