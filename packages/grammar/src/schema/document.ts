// The schema that references point into: by JSON pointer, by anchor, and by the document's own $id.
import { isSchema, place, refuse, type Schema } from './fields.js';

export interface Place {
  readonly schema: unknown;
  readonly path: string;
}

export class Document {
  readonly #root: unknown;
  readonly #subject: string;
  #anchors: Map<string, Place> | null = null;

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
      local === '#' || local.startsWith('#/') ? this.#follow(local) : this.#anchor(local.slice(1));
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

  #anchor(name: string): Place | undefined {
    if (this.#anchors === null) {
      this.#anchors = new Map();
      const queue: Place[] = [{ schema: this.#root, path: this.#subject }];
      for (const { schema, path } of queue) {
        if (typeof schema !== 'object' || schema === null) continue;
        if (isSchema(schema) && typeof schema.$anchor === 'string' && !this.#anchors.has(schema.$anchor)) {
          this.#anchors.set(schema.$anchor, { schema, path });
        }
        for (const [key, value] of Object.entries(schema))
          if (typeof value === 'object' && value !== null)
            queue.push({ schema: value, path: place(path, key) });
      }
    }
    return this.#anchors.get(name);
  }
}

/** A part of a JSON pointer in a URI fragment (RFC 6901, section 6); as it stands where it is no such part. */
function unescaped(part: string): string {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return part;
  }
}
