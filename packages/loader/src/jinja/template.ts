// A Jinja template, parsed once and rendered with variables. The language is that of Jinja 3.1 in the environment of
// transformers (ImmutableSandboxedEnvironment, trim_blocks, lstrip_blocks, loop controls, `generation`); values are Python's.
import { Budget, maxTemplateLength, TemplateLimit } from './budget.js';
import { TemplateRefusal } from './errors.js';
import { defineGlobals } from './globals.js';
import { str } from './python/print.js';
import { Func, type Value } from './python/values.js';
import { Variables } from './scope.js';
import { Renderer } from './statements.js';
import type { Body } from './syntax/nodes.js';
import { parseTemplate } from './syntax/statements.js';

export class Template {
  readonly body: Body;

  /** @throws TemplateFault, TemplateUnsupported, TemplateLimit */
  constructor(text: string) {
    if (text.length > maxTemplateLength) throw new TemplateLimit(`at most ${maxTemplateLength} characters`);
    this.body = parseTemplate(text);
  }

  /**
   * @param variables made within the budget of the rendering
   * @throws TemplateRefusal where the template itself refuses; TemplateFault, TemplateUnsupported, TemplateLimit
   */
  render(variables: (budget: Budget) => Iterable<readonly [string, Value]>): string {
    const budget = new Budget();
    const globals = new Variables();
    defineGlobals(globals, budget);
    const raise: Func['call'] = ([message = '']) => {
      throw new TemplateRefusal(str(message, budget));
    };
    globals.set('raise_exception', new Func('raise_exception', raise));
    const context = new Variables(globals);
    for (const [name, value] of variables(budget)) context.set(name, value);
    return new Renderer(budget).render(this.body, new Variables(context));
  }
}
