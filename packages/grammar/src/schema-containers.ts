// Objects and arrays of a schema: what stands between brackets and commas.
import type { Part } from './grammar.js';
import type { JsonText } from './json-text.js';
import { extraKey } from './object-key.js';
import { bounds, list, refuse, type Schema } from './schema-fields.js';

/** The text of a value that fits a schema. */
export type ValueOf = (schema: unknown, path: string) => Part;

/** An array that fits. @throws MoeqError naming what is not supported */
export function arrayText(json: JsonText, schema: Schema, path: string, value: ValueOf): Part {
  const { items = true, prefixItems = [], minItems, maxItems } = schema;
  const prefix = (
    Array.isArray(prefixItems) && prefixItems.length === 0 ? [] : list(prefixItems, `${path}.prefixItems`)
  ).map((item, index) => value(item, `${path}.prefixItems[${index}]`));
  const rest = items === false ? null : value(items, `${path}.items`);
  const [min, given] = bounds(minItems, maxItems, `${path}.minItems`, `${path}.maxItems`);
  const max = rest === null ? Math.min(given, prefix.length) : given;
  if (min > max) throw refuse(`${path}.minItems`, `at most ${max}`, min);
  const item = (index: number) => prefix[index] ?? rest ?? json.value;
  const { blanks, builder } = json;
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

/** An object that fits: properties in the order of the schema, others behind them. @throws MoeqError */
export function objectText(json: JsonText, schema: Schema, path: string, value: ValueOf): Part {
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
  const { blanks, builder } = json;
  const colon = builder.sequence(builder.text(':'), blanks);
  const fields = entries.map(([name, schemaOf]) => ({
    part: builder.sequence(
      builder.text(JSON.stringify(name)),
      colon,
      value(schemaOf, `${path}.properties.${name}`),
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
          value(additionalProperties, `${path}.additionalProperties`),
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
