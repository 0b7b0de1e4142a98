// The schema that references point into: by JSON pointer, by anchor, and by the document's own $id.
import { Pace, type Pausing } from '../slices.js';
import { isSchema, place, refuse, type Schema } from './fields.js';

export interface Place {
  readonly schema: unknown;
  readonly path: string;
}

export class SchemaDocument {
  readonly #root: unknown;
  readonly #subject: string;
  readonly #anchors = new Map<string, Place>();

  constructor(root: unknown, subject: string) {
    this.#root = root;
    this.#subject = subject;
  }

  /** @throws MoeqError for a place elsewhere, or one that is not there */
  resolve(reference: unknown, at: string): Place {
    const own =
      isSchema(this.#root) && typeof this.#root.$id === 'string' ? this.#root.$id.replace(/#$/, '') : null;
    const local =
      typeof reference === 'string' && own !== null && own !== '' && reference.startsWith(own)
        ? reference.slice(own.length) || '#'
        : reference;
    if (typeof local !== 'string' || !local.startsWith('#')) {
      throw refuse(at, 'a place in the same schema, such as #/$defs/name', reference);
    }
    const found =
      local === '#' || local.startsWith('#/') ? this.#follow(local) : this.#anchors.get(local.slice(1));
    if (found === undefined) throw refuse(at, 'a place that the schema has', reference);
    return found;
  }

  #follow(pointer: string): Place | undefined {
    let node: unknown = this.#root;
    const keys: string[] = [];
    for (let from = pointer.indexOf('/') + 1; from > 0; ) {
      const end = pointer.indexOf('/', from);
      const key = unescaped(pointer.slice(from, end < 0 ? undefined : end));
      from = end + 1;
      keys.push(key);
      const holder: unknown = node;
      const has = typeof holder === 'object' && holder !== null && Object.hasOwn(holder, key);
      if (!has) return undefined;
      node = (holder as Schema)[key];
    }
    return { schema: node, path: place(this.#subject, ...keys) };
  }

  /** Finds the anchors: before references to them are resolved. */
  *index(): Pausing<void> {
    const pace = new Pace();
    const isHolder = typeof this.#root === 'object' && this.#root !== null;
    const queue: SchemaNode[] = isHolder ? [{ schema: this.#root, key: '', parent: null }] : [];
    for (const node of queue) {
      const { schema } = node;
      if (isSchema(schema) && typeof schema.$anchor === 'string' && !this.#anchors.has(schema.$anchor)) {
        this.#anchors.set(schema.$anchor, { schema, path: place(this.#subject, ...keysTo(node)) });
      }
      // Without a list of pairs: an array of 300,000 numbers would be one long step.
      const holder = schema as Readonly<Record<string, unknown>>;
      for (const key of Array.isArray(schema) ? schema.keys() : Object.keys(holder)) {
        const value = holder[key];
        if (typeof value === 'object' && value !== null)
          queue.push({ schema: value, key: String(key), parent: node });
        if (pace.due(1 / 4)) yield;
      }
    }
  }
}

/** A value of the document, and where it lies. */
interface SchemaNode {
  readonly schema: unknown;
  readonly key: string;
  readonly parent: SchemaNode | null;
}

function keysTo(node: SchemaNode): string[] {
  const keys: string[] = [];
  for (let at = node; at.parent !== null; at = at.parent) keys.push(at.key);
  return keys.reverse();
}

/** A part of a JSON pointer in a URI fragment (RFC 6901, section 6); as it stands where it is no such part. */
function unescaped(part: string): string {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return part;
  }
}
