// Whether a template goes through the parts of a message's content, or takes a content as text.
import { type AnyNode, some } from '../jinja/syntax/mentions.js';
import type { Body } from '../jinja/syntax/nodes.js';

/** Filters of items, which a text has none of. */
const ofItems: ReadonlySet<string> = new Set(['map', 'select', 'selectattr', 'reject', 'rejectattr']);

/**
 * True where a loop's items come of a content: `for part in message.content`, also where the content was first given another
 * name by `set` or as an argument of a macro, where it is indexed, and where a filter takes its items.
 */
export function iteratesContent(body: Body): boolean {
  const names = namesOfContent(body);
  const isContent = (value: unknown) => some(value, (node) => isContentItself(node, names));
  return some(body, ({ kind, iterable, object, key, operand, named }) => {
    if (kind === 'for') return isContent(iterable);
    if (kind === 'filter')
      return isContentNode(operand, names) && isNode(named) && ofItems.has(String(named.name));
    return kind === 'item' && isContentNode(object, names) && isIndex(key);
  });
}

/** `content`, `x.content` or `x['content']`, or a name that stands for one. */
function isContentItself(node: AnyNode, names: ReadonlySet<string>): boolean {
  const { kind, name, key } = node;
  if (kind === 'name') return names.has(String(name));
  if (kind === 'attribute') return name === 'content';
  const { value } = isNode(key) ? key : { value: undefined };
  return kind === 'item' && value === 'content';
}

function isContentNode(value: unknown, names: ReadonlySet<string>): boolean {
  return isNode(value) && isContentItself(value, names);
}

function isIndex(key: unknown): boolean {
  return isNode(key) && typeof key.value === 'bigint';
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null;
}

/** `content`, what is set to a content as it is, and parameters of macros that are given one, until no more are found. */
function namesOfContent(body: Body): ReadonlySet<string> {
  const names = new Set(['content']);
  const parameters = new Map<string, readonly string[]>();
  some(body, (node) => {
    if (node.kind !== 'macro' || !Array.isArray(node.parameters)) return false;
    parameters.set(
      String(node.name),
      node.parameters.map((each: unknown) => (isNode(each) ? String(each.name) : '')),
    );
    return false;
  });
  for (let size = 0; size < names.size; ) {
    size = names.size;
    some(body, (node) => {
      for (const name of given(node, names, parameters)) names.add(name);
      return false;
    });
  }
  return names;
}

function given(
  node: AnyNode,
  names: ReadonlySet<string>,
  parameters: ReadonlyMap<string, readonly string[]>,
): string[] {
  const { kind, target, value, callee, args } = node;
  if (kind === 'set' && isNode(target) && target.kind === 'name' && isContentNode(value, names))
    return [String(target.name)];
  if (kind !== 'call' || !isNode(callee) || !isNode(args) || !Array.isArray(args.positional)) return [];
  const known = parameters.get(String(callee.name)) ?? [];
  return known.filter((_, index) => isContentNode((args.positional as readonly unknown[])[index], names));
}
