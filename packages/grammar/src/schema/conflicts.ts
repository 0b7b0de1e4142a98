// Branches that cannot hold where they stand, seen without compiling them: a property that is required there and forbidden
// by the branch, or the other way round. A chain of dependencies is no product then.
import { isSchema } from './fields.js';
import type { Joined } from './items.js';
import { jointTypes } from './types.js';

interface Names {
  readonly required: Set<string>;
  readonly forbidden: Set<string>;
}

/**
 * @param items the schemas that hold together at one place
 * @returns whether a further schema contradicts them: it requires a property that they forbid, or forbids one that they
 *   require. Always false where the place allows values other than objects, which such a schema does not restrict
 */
export function conflictsWith(items: readonly Joined[]): (schema: unknown) => boolean {
  const types = jointTypes(items.filter(({ schema }) => schema.type !== undefined));
  if (types?.length !== 1 || types[0] !== 'object') return () => false;
  const around: Names = { required: new Set(), forbidden: new Set() };
  for (const { schema } of items) collect(schema, around);
  return (schema) => {
    const own: Names = { required: new Set(), forbidden: new Set() };
    collect(schema, own);
    return (
      [...own.required].some((name) => around.forbidden.has(name)) ||
      [...own.forbidden].some((name) => around.required.has(name))
    );
  };
}

function collect(schema: unknown, { forbidden, required }: Names): void {
  if (!isSchema(schema)) return;
  if (Array.isArray(schema.required)) for (const name of schema.required) required.add(String(name));
  if (!isSchema(schema.properties)) return;
  for (const [name, value] of Object.entries(schema.properties)) if (value === false) forbidden.add(name);
}
