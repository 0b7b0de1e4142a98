// One component of a tokenizer.json (a normalizer, a pre-tokenizer, a model, ...) with its place in the file: fields are read
// with their types, and whatever cannot be done is refused by the name of the component.
import { isObject, MoeqError, quote } from '@moeq/tensors';

/** The tokenizer as MoeqErrors name it. */
export function tokenizerError(subject: string, expected: string, found: string, cause?: unknown): MoeqError {
  return new MoeqError({ operation: 'read the tokenizer', subject, expected, found, cause });
}

export class Component {
  readonly #fields: Readonly<Record<string, unknown>>;
  /** Where it stands in the file, e.g. `pre_tokenizer.pretokenizers.0`. */
  readonly path: string;
  readonly file: string;

  constructor(value: unknown, path: string, file: string) {
    if (!isObject(value)) throw tokenizerError(file, `${path} to be an object`, quote(value, 80));
    this.#fields = value;
    this.path = path;
    this.file = file;
  }

  get type(): string {
    return this.text('type');
  }

  field(name: string): unknown {
    return this.#fields[name];
  }

  text(name: string, absent?: string): string {
    const value = this.#fields[name] ?? absent;
    return typeof value === 'string' ? value : this.refuse(`a text as ${name}`, value);
  }

  /** One character, a code point. */
  character(name: string): string {
    const value = this.text(name);
    return [...value].length === 1 ? value : this.refuse(`one character as ${name}`, value);
  }

  flag(name: string, absent?: boolean): boolean {
    const value = this.#fields[name] ?? absent;
    return typeof value === 'boolean' ? value : this.refuse(`true or false as ${name}`, value);
  }

  /** An integer from 0. */
  count(name: string, absent?: number): number {
    const value = this.#fields[name] ?? absent;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    return this.refuse(`an integer from 0 as ${name}`, value);
  }

  oneOf<Name extends string>(name: string, names: readonly Name[], absent?: Name): Name {
    const value = this.#fields[name] ?? absent;
    return (
      names.find((known) => known === value) ?? this.refuse(`${name} to be one of ${names.join(', ')}`, value)
    );
  }

  components(name: string): Component[] {
    const value = this.#fields[name];
    if (!Array.isArray(value)) return this.refuse(`a list as ${name}`, value);
    return value.map(
      (each: unknown, index) => new Component(each, `${this.path}.${name}.${index}`, this.file),
    );
  }

  /** @throws MoeqError always */
  refuse(expected: string, found: unknown, cause?: unknown): never {
    const { type } = this.#fields;
    const name = typeof type === 'string' ? `${this.path} (${quote(type, 40)})` : this.path;
    throw tokenizerError(this.file, `${name} with ${expected}`, quote(found, 120), cause);
  }
}
