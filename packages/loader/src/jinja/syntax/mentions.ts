// What a part of a template mentions.

/** Any node of a parsed template, by the fields that some have. */
export interface AnyNode {
  readonly kind?: unknown;
  readonly name?: unknown;
  readonly value?: unknown;
  readonly target?: unknown;
  readonly iterable?: unknown;
  readonly object?: unknown;
  readonly key?: unknown;
  readonly operand?: unknown;
  readonly named?: unknown;
  readonly callee?: unknown;
  readonly args?: unknown;
  readonly positional?: unknown;
  readonly parameters?: unknown;
}

/** Whether a name is read anywhere in a part of a parsed template. */
export function mentions(part: unknown, name: string): boolean {
  return some(part, (node) => node.kind === 'name' && node.name === name);
}

/** Whether one of the nodes in a part of a parsed template is as wanted. */
export function some(part: unknown, wanted: (node: AnyNode) => boolean): boolean {
  if (typeof part !== 'object' || part === null) return false;
  if (Array.isArray(part)) return part.some((each) => some(each, wanted));
  return wanted(part) || Object.values(part).some((each) => some(each, wanted));
}

/** The names that a part of a parsed template reads. */
export function namesIn(part: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  some(part, (node) => {
    if (node.kind === 'name' && typeof node.name === 'string') names.add(node.name);
    return false;
  });
  return names;
}
