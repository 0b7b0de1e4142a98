// From a JSON schema to a grammar of the texts that fit it. Properties come in the order of the schema, as OpenAI writes
// them too; a schema node becomes a rule, so references and recursion are calls.
import { MoeqError, quote } from '@moeq/tensors';
import { assertFinite } from './check-grammar.js';
import { type DecimalRange, decimals } from './decimal-range.js';
import { type Grammar, GrammarBuilder, type Part } from './grammar.js';
import { JsonText, maxDigits } from './json-text.js';
import { extraKey } from './object-key.js';
import { pattern } from './pattern.js';
import { annotationKeywords, formats, keywords, keywordsOf } from './schema-keywords.js';

type Schema = Readonly<Record<string, unknown>>;

/** Digits behind the point that bounds of numbers may have. */
const maxBoundDecimals = 6;
/** Items and characters that may be counted. */
const maxCount = 10_000;

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
  value(schema: unknown, path: string): Part {
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
  }

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
        return this.#object(schema, path);
      case 'array':
        return this.#array(schema, path);
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
      const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
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
    const digits = this.#builder.repeat(this.#builder.bytes(0x30, 0x39), 1, maxDigits);
    const point = range.decimals === 0 ? this.#builder.text('.') : this.#builder.text('');
    const inner = {
      ...range,
      low: range.low < 0 ? range.low + 1 : range.low,
      high: range.high > 0 ? range.high - 1 : range.high,
    };
    const finer = this.#builder.sequence(decimals(this.#builder, inner), point, digits);
    const hasInner = inner.low <= inner.high;
    return this.#builder.choice(hasInner ? [exact, finer] : [exact]);
  }

  #array(schema: Schema, path: string): Part {
    const { items = true, prefixItems = [], minItems, maxItems } = schema;
    const prefix = (
      Array.isArray(prefixItems) && prefixItems.length === 0 ? [] : list(prefixItems, `${path}.prefixItems`)
    ).map((item, index) => this.value(item, `${path}.prefixItems[${index}]`));
    const rest = items === false ? null : this.value(items, `${path}.items`);
    const [min, given] = bounds(minItems, maxItems, `${path}.minItems`, `${path}.maxItems`);
    const max = rest === null ? Math.min(given, prefix.length) : given;
    if (min > max) throw refuse(`${path}.minItems`, `at most ${max}`, min);
    const item = (index: number) => prefix[index] ?? rest ?? this.#json.value;
    const { blanks } = this.#json;
    const builder = this.#builder;
    const comma = builder.sequence(blanks, builder.text(','), blanks);
    return (from) => {
      const end = builder.state();
      let at = builder.sequence(builder.text('['), blanks)(from);
      const last = max === Infinity ? Math.max(min, prefix.length, 1) : max;
      for (let count = 0; count <= last; count += 1) {
        if (count >= min) builder.link(count === 0 ? at : blanks(at), end);
        if (count < last) at = count === 0 ? item(0)(at) : builder.sequence(comma, item(count))(at);
      }
      if (max === Infinity && rest !== null) {
        builder.link(blanks(builder.star(builder.sequence(comma, rest))(at)), end);
      }
      return builder.text(']')(end);
    };
  }

  #object(schema: Schema, path: string): Part {
    const { properties = {}, required = [], additionalProperties = true } = schema;
    if (typeof properties !== 'object' || properties === null)
      throw refuse(`${path}.properties`, 'an object', properties);
    if (!Array.isArray(required)) throw refuse(`${path}.required`, 'a list of names', required);
    const needed = new Set<unknown>(required);
    const entries: [string, unknown][] = Object.entries(properties);
    for (const name of needed) {
      if (typeof name !== 'string') throw refuse(`${path}.required`, 'a list of names', name);
      if (Object.hasOwn(properties, name)) continue;
      if (additionalProperties === false) throw refuse(`${path}.required`, 'names of properties', name);
      entries.push([name, additionalProperties]);
    }
    const builder = this.#builder;
    const { blanks } = this.#json;
    const colon = builder.sequence(builder.text(':'), blanks);
    const fields = entries.map(([name, value]) => ({
      part: builder.sequence(
        builder.text(JSON.stringify(name)),
        colon,
        this.value(value, `${path}.properties.${name}`),
      ),
      optional: !needed.has(name),
    }));
    const extra =
      additionalProperties === false
        ? null
        : builder.sequence(
            extraKey(
              builder,
              entries.map(([name]) => name),
            ),
            colon,
            this.value(additionalProperties, `${path}.additionalProperties`),
          );
    const comma = builder.sequence(blanks, builder.text(','), blanks);
    return (from) => {
      // Two tracks through the properties: nothing written yet, and something, which a comma follows.
      let empty = builder.sequence(builder.text('{'), blanks)(from);
      let begun = builder.state();
      for (const { part, optional } of fields) {
        const next = builder.state();
        builder.link(part(empty), next);
        builder.link(builder.sequence(comma, part)(begun), next);
        const nextEmpty = builder.state();
        if (optional) {
          builder.link(begun, next);
          builder.link(empty, nextEmpty);
        }
        empty = nextEmpty;
        begun = next;
      }
      if (extra !== null) {
        builder.link(extra(empty), begun);
        builder.link(builder.sequence(comma, extra)(begun), begun);
      }
      const end = builder.state();
      builder.link(empty, end);
      builder.link(blanks(begun), end);
      return builder.text('}')(end);
    };
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

function decimalRange(type: 'number' | 'integer', schema: Schema, path: string): DecimalRange {
  const values = Object.fromEntries(
    keywordsOf.number.map((key) => {
      const value = schema[key];
      if (value !== undefined && (typeof value !== 'number' || !Number.isFinite(value))) {
        throw refuse(`${path}.${key}`, 'a number', value);
      }
      return [key, value as number | undefined];
    }),
  );
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = values;
  const present = [minimum, maximum, exclusiveMinimum, exclusiveMaximum].filter(
    (value) => value !== undefined,
  );
  const places = type === 'integer' ? 0 : Math.max(...present.map((value) => placesOf(value, path)));
  // A bound that is not reached itself: as many digits more as tell it from its neighbours.
  const open = exclusiveMinimum !== undefined || exclusiveMaximum !== undefined;
  const decimalPlaces = type === 'integer' ? 0 : places + (open ? 2 : 0);
  const unit = 10 ** decimalPlaces;
  const limit = 10 ** maxDigits - 1;
  const low = Math.max(
    -limit,
    Math.ceil(rounded((minimum ?? -Infinity) * unit)),
    Math.floor(rounded((exclusiveMinimum ?? -Infinity) * unit)) + 1,
  );
  const high = Math.min(
    limit,
    Math.floor(rounded((maximum ?? Infinity) * unit)),
    Math.ceil(rounded((exclusiveMaximum ?? Infinity) * unit)) - 1,
  );
  if (low > high) throw refuse(path, 'bounds that a number lies between', present.join(' and '));
  return { low, high, decimals: decimalPlaces };
}

/** Products with powers of ten miss integers by a rounding. */
function rounded(value: number): number {
  const nearest = Math.round(value);
  return Math.abs(value - nearest) < 1e-9 * Math.max(1, Math.abs(value)) ? nearest : value;
}

function placesOf(value: number, path: string): number {
  for (let places = 0; places <= maxBoundDecimals; places += 1) {
    if (Number(value.toFixed(places)) === value) return places;
  }
  throw refuse(path, `bounds of at most ${maxBoundDecimals} digits behind the point`, value);
}

function bounds(least: unknown, most: unknown, leastPath: string, mostPath: string): [number, number] {
  const [min, max] = [count(least ?? 0, leastPath), most === undefined ? Infinity : count(most, mostPath)];
  if (min > max) throw refuse(leastPath, `at most ${max}`, min);
  return [min, max];
}

function count(value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maxCount) return value;
  throw refuse(path, `an integer from 0 to ${maxCount}`, value);
}

function list(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value) && value.length > 0) return value;
  throw refuse(path, 'a list that is not empty', value);
}

function refuse(subject: string, expected: string, found: unknown): MoeqError {
  return new MoeqError({ operation: 'compile the schema', subject, expected, found: quote(found) });
}
