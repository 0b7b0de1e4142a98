// From a JSON schema to a grammar of the texts that fit it. Properties come in the order of the schema, as OpenAI writes
// them too; a schema node becomes a rule, so references and recursion are calls.
import { assertFinite } from './check-grammar.js';
import { decimals } from './decimal-range.js';
import { type Grammar, GrammarBuilder, type Part } from './grammar.js';
import { JsonText, maxDigits } from './json-text.js';
import { decimalRange } from './number-bounds.js';
import { pattern } from './pattern.js';
import { arrayText, objectText, type ValueOf } from './schema-containers.js';
import { bounds, list, refuse, type Schema } from './schema-fields.js';
import { annotationKeywords, formats, keywords, keywordsOf } from './schema-keywords.js';

/**
 * @param subject what the schema is called in errors
 * @throws MoeqError naming the part of the schema that is not supported, impossible or malformed
 */
export function jsonSchemaGrammar(schema: unknown, subject = 'schema'): Grammar {
  const builder = new GrammarBuilder();
  const compiler = new SchemaCompiler(builder, schema, subject);
  const grammar = builder.build(builder.rule(compiler.value(schema, subject)));
  assertFinite(grammar);
  return grammar;
}

/** Any JSON object. */
export function jsonObjectGrammar(): Grammar {
  const builder = new GrammarBuilder();
  return builder.build(builder.rule(new JsonText(builder).object));
}

class SchemaCompiler {
  readonly #builder: GrammarBuilder;
  readonly #json: JsonText;
  readonly #document: unknown;
  readonly #subject: string;
  /** Rules of schemas that were met, so that references come back to them. */
  readonly #rules = new Map<object, number>();

  constructor(builder: GrammarBuilder, document: unknown, subject: string) {
    this.#builder = builder;
    this.#json = new JsonText(builder);
    this.#document = document;
    this.#subject = subject;
  }

  /** A value that fits a schema. */
  readonly value: ValueOf = (schema, path) => {
    if (schema === true) return this.#json.value;
    if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
      throw refuse(path, 'a schema that something fits, an object or true', schema);
    }
    const known = this.#rules.get(schema);
    if (known !== undefined) return this.#builder.call(known);
    const rule = this.#builder.declare();
    this.#rules.set(schema, rule);
    this.#builder.define(rule, this.#body(schema as Schema, path));
    return this.#builder.call(rule);
  };

  #body(schema: Schema, path: string): Part {
    for (const key of Object.keys(schema)) {
      if (!keywords.has(key))
        throw refuse(`${path}.${key}`, `one of the keywords ${[...keywords].sort().join(', ')}`, key);
    }
    const { $ref: reference, anyOf, allOf, enum: values, const: constant } = schema;
    const leading = ['$ref', 'anyOf', 'allOf', 'enum', 'const'].filter((key) => key in schema);
    if (leading.length > 0) {
      // `type` beside enum and const says again what they say.
      const allowed = new Set([
        ...annotationKeywords,
        leading[0],
        ...('enum' in schema || 'const' in schema ? ['type'] : []),
      ]);
      const other = Object.keys(schema).find((key) => !allowed.has(key));
      if (other !== undefined)
        throw refuse(`${path}.${other}`, `nothing that restricts beside ${leading[0]}`, other);
    }
    if (reference !== undefined) return this.#reference(reference, path);
    if (anyOf !== undefined) return this.#any(anyOf, path);
    if (allOf !== undefined) return this.#allOf(allOf, path);
    if ('const' in schema) return this.#builder.text(JSON.stringify(constant));
    if (values !== undefined) return this.#enumeration(values, schema, path);
    const types = typesOf(schema, path);
    if (types === null) return this.#json.value;
    return this.#builder.choice(types.map((type) => this.#typed(type, schema, path)));
  }

  #typed(type: string, schema: Schema, path: string): Part {
    switch (type) {
      case 'object':
        return objectText(this.#json, schema, path, this.value);
      case 'array':
        return arrayText(this.#json, schema, path, this.value);
      case 'string':
        return this.#string(schema, path);
      case 'number':
      case 'integer':
        return this.#number(type, schema, path);
      case 'boolean':
        return this.#builder.texts(['true', 'false']);
      case 'null':
        return this.#builder.text('null');
      default:
        throw refuse(`${path}.type`, 'object, array, string, number, integer, boolean or null', type);
    }
  }

  #reference(reference: unknown, path: string): Part {
    const at = `${path}.$ref`;
    if (typeof reference !== 'string' || !/^#(\/|$)/.test(reference)) {
      throw refuse(at, 'a place in the same schema, such as #/$defs/name', reference);
    }
    let node: unknown = this.#document;
    for (const part of reference.slice(1).split('/').slice(1)) {
      const key = unescaped(part);
      const holder: unknown = node;
      node =
        typeof holder === 'object' && holder !== null && Object.hasOwn(holder, key)
          ? (holder as Schema)[key]
          : undefined;
    }
    if (node === undefined) throw refuse(at, 'a place that the schema has', reference);
    return this.value(node, `${this.#subject}${reference.slice(1).replaceAll('/', '.')}`);
  }

  #any(anyOf: unknown, path: string): Part {
    const parts = list(anyOf, `${path}.anyOf`);
    return this.#builder.choice(parts.map((part, index) => this.value(part, `${path}.anyOf[${index}]`)));
  }

  /** A single one is how generators attach a description to a reference. */
  #allOf(allOf: unknown, path: string): Part {
    const [only, ...more] = list(allOf, `${path}.allOf`);
    if (more.length > 0) throw refuse(`${path}.allOf`, 'a single schema', allOf);
    return this.value(only, `${path}.allOf[0]`);
  }

  #enumeration(values: unknown, schema: Schema, path: string): Part {
    const { type: given } = schema;
    const types = given === undefined ? null : typesOf(schema, path);
    const fitting = list(values, `${path}.enum`).filter(
      (value) => types === null || types.some((type) => isOfType(value, type)),
    );
    if (fitting.length === 0) throw refuse(`${path}.enum`, `a value of type ${types?.join(' or ')}`, values);
    return this.#builder.texts(fitting.map((value) => JSON.stringify(value)));
  }

  #string(schema: Schema, path: string): Part {
    const { pattern: source, format, minLength, maxLength } = schema;
    const restricting = [source, format, minLength ?? maxLength].filter((value) => value !== undefined);
    if (restricting.length > 1) throw refuse(path, 'one of pattern, format and lengths at a time', 'several');
    if (source !== undefined) {
      if (typeof source !== 'string') throw refuse(`${path}.pattern`, 'a regular expression', source);
      return this.#json.quoted(pattern(this.#builder, source, `${path}.pattern`));
    }
    if (format !== undefined) {
      const known =
        typeof format === 'string' && Object.hasOwn(formats, format) ? formats[format] : undefined;
      if (known === undefined)
        throw refuse(`${path}.format`, `one of ${Object.keys(formats).join(', ')}`, format);
      return this.#json.quoted(pattern(this.#builder, known, `${path}.format`));
    }
    if (minLength === undefined && maxLength === undefined) return this.#json.string;
    const [min, max] = bounds(minLength, maxLength, `${path}.minLength`, `${path}.maxLength`);
    return this.#json.quoted(this.#builder.repeat(this.#json.character, min, max));
  }

  #number(type: 'number' | 'integer', schema: Schema, path: string): Part {
    const given = keywordsOf.number.filter((key) => schema[key] !== undefined);
    if (given.length === 0) return type === 'integer' ? this.#json.integer : this.#json.number;
    const range = decimalRange(type, schema, path);
    const exact = decimals(this.#builder, range);
    if (type === 'integer') return exact;
    // Further digits keep a number above its beginning and below the next one: away from zero, so one short of the bounds.
    // Above a bound of zero there is no beginning.
    const digits = this.#builder.repeat(this.#builder.bytes(0x30, 0x39), 1, maxDigits);
    const point = range.decimals === 0 ? this.#builder.text('.') : this.#builder.text('');
    const inner = {
      ...range,
      low: range.low < 0 ? range.low + 1 : range.low,
      high: range.high >= 0 ? range.high - 1 : range.high,
    };
    const finer = this.#builder.sequence(decimals(this.#builder, inner), point, digits);
    const hasInner = inner.low <= inner.high;
    return this.#builder.choice(hasInner ? [exact, finer] : [exact]);
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

/** The types that a schema allows; null: any. Without `type`, those that its keywords are about. */
function typesOf(schema: Schema, path: string): readonly string[] | null {
  const { type } = schema;
  if (typeof type === 'string') return [type];
  if (type !== undefined) {
    return list(type, `${path}.type`).map((each) => {
      if (typeof each !== 'string') throw refuse(`${path}.type`, 'names of types', each);
      return each;
    });
  }
  const implied = Object.entries(keywordsOf).flatMap(([name, own]) =>
    own.some((key) => key in schema) ? [name] : [],
  );
  return implied.length === 0 ? null : implied;
}

function isOfType(value: unknown, type: string): boolean {
  if (value === null || Array.isArray(value)) return type === (value === null ? 'null' : 'array');
  return type === 'integer' ? Number.isInteger(value) : typeof value === type;
}
