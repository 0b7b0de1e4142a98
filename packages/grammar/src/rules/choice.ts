// Any text of several rules. Literals among them are read as one list.
import { Rule, type State } from '../rule.js';
import { LiteralRule, literalStart } from './literals.js';

export class ChoiceRule extends Rule {
  alternatives: readonly Rule[] = [];

  constructor(alternatives: readonly Rule[] = []) {
    super();
    this.alternatives = alternatives;
  }

  override get parts(): number {
    return 1 + this.alternatives.length;
  }

  override measure(): number {
    return this.alternatives.reduce((least, { height }) => Math.min(least, height), Number.POSITIVE_INFINITY);
  }

  /** The rules that are no choices themselves. */
  get leaves(): readonly Rule[] {
    const rules = new Set<Rule>(this.alternatives);
    for (const rule of rules)
      if (rule instanceof ChoiceRule) for (const each of rule.alternatives) rules.add(each);
    return [...rules].filter((rule) => !(rule instanceof ChoiceRule) && rule.inhabited);
  }

  protected override begin(): readonly State[] {
    const leaves = this.leaves;
    const literals = leaves.filter((rule) => rule instanceof LiteralRule);
    const others = leaves.filter((rule) => !(rule instanceof LiteralRule));
    const listed = literals.length > 0 ? [literalStart(literals.map(({ texts }) => texts))] : [];
    return [...listed, ...others.flatMap(({ starts }) => starts)];
  }
}
