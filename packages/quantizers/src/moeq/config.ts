// The quantization_config of moeq's own form: which tensors are quantized, to what format, and how each is laid out.
//
//   { "quant_method": "moeq", "version": 1,
//     "formats": { "<format>": { <the quantizer's options> } },      for people
//     "layouts": [ <layout>, … ],                                    each once
//     "tensors": { "<name>": { "format", "shape", "dtype", "layout": <index> } },
//     "carried": { <another quantization_config> } }                 absent as a rule
//
// A tensor that no layout describes has "layout": null and "planes": { "<plane>": { "dtype", "shape" } }. Weights that had
// been quantized before stand in the files as they stood, and "carried" is the quantization_config that describes them.
import { dtypes, isObject, MoeqError } from '@moeq/tensors';
import * as v from 'valibot';
import { strict, validate } from '../options.js';
import type { Quantizer } from '../quantizer.js';
import type { MoeqEntry } from './entry.js';
import { encodeLayout, layoutSchema } from './layout-json.js';

/** Of the form described here; a reader refuses others. */
const version = 1;

const size = v.pipe(v.number(), v.safeInteger('a whole number'), v.minValue(0, 'a number from 0'));

/** No dots, so that a plane's name cannot be confused with a part of its tensor's. */
const planeName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z][A-Za-z0-9]{0,63}$/, 'a plane name of letters and digits'),
);

/** Formats of GGUF have underscores, which names of quantizers have not. */
const entryFormat = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9_-]{0,63}$/, 'a name of lower case letters, digits, underscores and hyphens'),
);

const entrySchema = strict({
  format: entryFormat,
  shape: v.pipe(v.array(size), v.minLength(2, 'two or three sizes'), v.maxLength(3, 'two or three sizes')),
  dtype: v.picklist(['F32', 'F16', 'BF16']),
  layout: v.nullable(size),
  planes: v.optional(v.record(planeName, strict({ dtype: v.picklist(dtypes), shape: v.array(size) }))),
});

const operation = 'read quantization_config';

const configSchema = strict({
  quant_method: v.literal('moeq'),
  version: v.literal(version),
  formats: v.optional(v.record(v.string(), v.record(v.string(), v.unknown())), {}),
  layouts: v.array(layoutSchema),
  tensors: v.record(v.string(), entrySchema),
  carried: v.optional(v.record(v.string(), v.unknown())),
});

/**
 * The quantization_config to write into config.json.
 * @param entries by tensor name
 * @param quantizers those that were used; their options are recorded
 * @param carried the quantization_config of weights that stand as they stood before; none unless given
 */
export function moeqConfig(
  entries: Iterable<readonly [name: string, entry: MoeqEntry]>,
  quantizers: Iterable<Quantizer> = [],
  carried: Readonly<Record<string, unknown>> | null = null,
): Record<string, unknown> {
  const layouts: string[] = [];
  const tensors: Record<string, unknown> = {};
  const indexOf = new Map<string, number>();
  for (const [name, { format, shape, dtype, layout, planes }] of entries) {
    const json = layout === null ? null : JSON.stringify(encodeLayout(layout));
    if (json !== null && !indexOf.has(json)) indexOf.set(json, layouts.push(json) - 1);
    const index = json === null ? null : indexOf.get(json);
    tensors[name] = { format, shape, dtype, layout: index, ...(planes === null ? {} : { planes }) };
  }
  return {
    quant_method: 'moeq',
    version,
    formats: Object.fromEntries([...quantizers].map(({ name, options }) => [name, options])),
    layouts: layouts.map((json) => JSON.parse(json)),
    tensors,
    ...(carried !== null && { carried }),
  };
}

/** The quantization_config of the weights that were carried along as they were; null where there are none. */
export function carriedConfig(
  own: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | null {
  const { carried } = own;
  return isObject(carried) ? carried : null;
}

/**
 * The quantized tensors that a quantization_config lists, by name.
 * @param subject the file, for messages
 * @throws MoeqError when it is of another form or version, or contradicts itself
 */
export function parseMoeqConfig(value: unknown, subject: string): Map<string, MoeqEntry> {
  const { layouts, tensors } = validate(configSchema, value, operation, subject);
  return new Map(
    Object.entries(tensors).map(
      ([name, { format, shape, dtype, layout: index, planes }]): [string, MoeqEntry] => {
        const fail = (expected: string, found: string): never => {
          throw new MoeqError({ operation, subject: `${subject}: ${name}`, expected, found });
        };
        if (index === null) {
          return [
            name,
            {
              format,
              shape,
              dtype,
              layout: null,
              planes: planes ?? fail('planes, as its layout is null', 'none'),
            },
          ];
        }
        if (planes !== undefined) fail('no planes beside a layout', 'planes');
        const layout = layouts[index] ?? fail(`a layout below ${layouts.length}`, `${index}`);
        return [name, { format, shape, dtype, layout, planes: null }];
      },
    ),
  );
}
