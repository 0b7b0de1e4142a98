// Macros: functions of a template that give the text of their body.
import { TemplateFault } from './errors.js';
import { Dict, Func, orElse, Tuple, Undefined, type Value } from './python/values.js';
import type { Scope } from './scope.js';
import { mentions } from './syntax/mentions.js';
import type { Body, Expression, Signature } from './syntax/nodes.js';

interface Surroundings {
  readonly evaluate: (fallback: Expression, scope: Scope) => Value;
  readonly render: (scope: Scope) => string;
  /** Variables of one call. @param special which of varargs, kwargs and caller it takes */
  readonly inner: (special: readonly string[]) => Scope;
}

/** The function; what its body does not mention of `varargs`, `kwargs` and `caller` it does not take. */
export function macroOf(name: string, { parameters }: Signature, body: Body, around: Surroundings): Func {
  const takes = (special: string) =>
    mentions(body, special) && !parameters.some((each) => each.name === special);
  const [varargs, kwargs, caller] = [takes('varargs'), takes('kwargs'), takes('caller')];
  const special = ['varargs', 'kwargs', 'caller'].filter(takes);
  const call: Func['call'] = (args, keywords) => {
    const scope = around.inner(special);
    const named = new Map(keywords);
    const missing: (typeof parameters)[number][] = [];
    for (const [index, parameter] of parameters.entries()) {
      const positional = args[index];
      const value = positional === undefined ? named.get(parameter.name) : positional;
      if (positional === undefined) named.delete(parameter.name);
      if (value === undefined) missing.push(parameter);
      scope.set(
        parameter.name,
        orElse(value, () => absent(parameter.name)),
      );
    }
    if (caller)
      scope.set(
        'caller',
        orElse(named.get('caller'), () => new Undefined('No caller defined')),
      );
    if (caller) named.delete('caller');
    if (kwargs) scope.set('kwargs', new Dict(named));
    else if (named.has('caller'))
      throw new TemplateFault(`macro '${name}' was invoked with two values for the special caller argument`);
    else if (named.size > 0)
      throw new TemplateFault(`macro '${name}' takes no keyword argument '${[...named.keys()][0]}'`);
    if (varargs) scope.set('varargs', new Tuple(args.slice(parameters.length)));
    else if (args.length > parameters.length)
      throw new TemplateFault(`macro '${name}' takes not more than ${parameters.length} argument(s)`);
    for (const { name: parameter, fallback } of missing)
      if (fallback !== null) scope.set(parameter, around.evaluate(fallback, scope));
    return around.render(scope);
  };
  const attributes = new Map<string, Value>([
    ['name', name],
    ['arguments', new Tuple(parameters.map((each) => each.name))],
    ['catch_kwargs', kwargs],
    ['catch_varargs', varargs],
    ['caller', caller],
  ]);
  return new Func(name, call, attributes);
}

function absent(name: string): Undefined {
  return new Undefined(`parameter '${name}' was not provided`);
}
