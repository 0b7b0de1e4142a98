// The check of a quantizer that comes from elsewhere, such as a plain module named on the command line.
import * as v from 'valibot';
import { encodingObject } from './encoding.js';
import { loose, validate } from './options.js';
import type { Quantizer } from './quantizer.js';

/** A format's name is a JSON key, a part of file names and a word of the command line. */
export const formatName = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9-]{0,63}$/, 'a name of lower case letters, digits and hyphens'),
);

/** Deeper than options of any use; a circle is deeper. */
const deepest = 32;

/**
 * Whether config.json can hold the value so that the same is read again. Members that are undefined are as good as absent; NaN,
 * functions, big integers, typed arrays and objects of classes would be changed in silence or are no JSON.
 */
function isJson(value: unknown, depth = 0): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || depth > deepest) return false;
  if (Array.isArray(value)) return value.every((item) => isJson(item, depth + 1));
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return false;
  if ('toJSON' in value) return false;
  return Object.values(value).every((member) => member === undefined || isJson(member, depth + 1));
}

export const quantizerObject = loose({
  specificationVersion: v.literal('v1'),
  name: formatName,
  options: v.pipe(
    v.record(v.string(), v.unknown()),
    v.check((options) => isJson(options), 'options that JSON can hold'),
  ),
  layout: v.function(),
  quantize: v.function(),
  dequantize: v.function(),
  encoding: v.optional(encodingObject),
  gpu: v.optional(loose({ planes: v.array(v.string()), wgsl: v.string() })),
});

/**
 * The value as a quantizer.
 * @param origin where it comes from, e.g. `./mine.mjs`
 * @throws MoeqError naming the first member that is missing or of the wrong kind
 */
export function assertQuantizer(value: unknown, origin: string): asserts value is Quantizer {
  validate(quantizerObject, value, 'use it as a quantizer', origin);
}
