// Fields of a request that its schema does not know, so that they are named and not passed over in silence.
import * as v from 'valibot';

export interface UnknownField {
  /** E.g. `messages[].content[].cache_control`: without places, so that one name stands for all. */
  readonly path: string;
  /** It reaches the chat template. */
  readonly handedOn: boolean;
}

/** The parts of valibot's schemas that hold others. */
interface Shape {
  readonly type: string;
  readonly wrapped?: Shape;
  readonly item?: Shape;
  readonly entries?: Readonly<Record<string, Shape>>;
  readonly options?: readonly Shape[];
  readonly key?: string;
  readonly getter?: (value: unknown) => Shape;
}

/** @param value that the schema takes */
export function unknownFields(schema: v.GenericSchema, value: unknown): UnknownField[] {
  const found = new Map<string, UnknownField>();
  walk(schema as unknown as Shape, value, '', found);
  return [...found.values()];
}

function walk(shape: Shape, value: unknown, path: string, found: Map<string, UnknownField>): void {
  if (typeof value !== 'object' || value === null) return;
  const inner = shape.wrapped ?? shape.getter?.(value);
  if (inner !== undefined) walk(inner, value, path, found);
  else if (shape.item !== undefined && Array.isArray(value)) {
    for (const item of value) walk(shape.item, item, `${path}[]`, found);
  } else if (shape.options !== undefined) {
    const option = shape.options.find((each) => isOf(each, shape.key, value));
    if (option !== undefined) walk(option, value, path, found);
  } else if (shape.entries !== undefined) {
    for (const [name, part] of Object.entries(value)) {
      const at = path === '' ? name : `${path}.${name}`;
      const known = Object.hasOwn(shape.entries, name) ? shape.entries[name] : undefined;
      if (known !== undefined) walk(known, part, at, found);
      else if (!found.has(at)) found.set(at, { path: at, handedOn: shape.type === 'loose_object' });
    }
  }
}

/** Whether a variant's option is the one for a value, by the field that discriminates them; a union's by its kind. */
function isOf({ entries, item }: Shape, key: string | undefined, value: object): boolean {
  if (key === undefined) return Array.isArray(value) ? item !== undefined : entries !== undefined;
  const [tag, own] = [entries?.[key], (value as Readonly<Record<string, unknown>>)[key]];
  return tag !== undefined && v.is(tag as unknown as v.GenericSchema, own);
}
