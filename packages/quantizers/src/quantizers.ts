// Quantizers by name: the built-in ones and those that a user brings. There is no registry; what looks a name up is given
// the list.
import { decodeTensor, MoeqError, type QuantizedTensor, quote } from '@moeq/tensors';
import { checkedDequantize } from './checked.js';
import { doubleQuant } from './double-quant.js';
import { fp4 } from './fp4.js';
import { int4 } from './int4.js';
import { int8 } from './int8.js';
import { nf4 } from './nf4.js';
import { validate } from './options.js';
import type { Quantizer } from './quantizer.js';
import { quantizerObject } from './quantizer-object.js';

/** Factories by format name; each validates its options. */
const builtIn: Readonly<Record<string, (options: object) => Quantizer>> = { nf4, fp4, int4, int8 };

/** Makes a quantizer of a name, of options and of whether its scales are quantized too. */
export type QuantizerLookup = (
  name: string,
  options: Readonly<Record<string, unknown>>,
  doubleQuant: boolean | object | undefined,
) => Quantizer;

/**
 * @param own quantizers of the user, ready made
 * @throws MoeqError when one breaks the contract, or two share a name; the lookup throws for an unknown name
 */
export function quantizerLookup(own: readonly Quantizer[] = []): QuantizerLookup {
  const byName = new Map<string, Quantizer>();
  for (const quantizer of own) {
    validate(quantizerObject, quantizer, 'use it as a quantizer', 'quantizers');
    if (byName.has(quantizer.name) || Object.hasOwn(builtIn, quantizer.name)) {
      throw new MoeqError({
        operation: 'use the quantizers',
        subject: `quantizer ${quote(quantizer.name)}`,
        expected: `a name of its own beside ${known(byName)}`,
        found: 'one that is taken',
      });
    }
    byName.set(quantizer.name, quantizer);
  }
  return (name, options, nested) => {
    const quantizer = byName.get(name) ?? make(name, options, byName);
    if (byName.has(name) && Object.keys(options).length > 0) {
      throw new MoeqError({
        operation: 'read options',
        subject: name,
        expected: 'no options in the recipe, since this quantizer comes ready made',
        found: Object.keys(options).join(', '),
      });
    }
    if (nested === undefined || nested === false) return quantizer;
    return doubleQuant(quantizer, nested === true ? {} : nested);
  };
}

/**
 * The quantizer that defines a format which no layout describes.
 * @param subject the tensor, for the message
 * @throws MoeqError when it is not among the user's quantizers
 */
export function findQuantizer(format: string, own: readonly Quantizer[], subject: string): Quantizer {
  const quantizer = own.find(({ name }) => name === format);
  if (quantizer !== undefined) return quantizer;
  throw new MoeqError({
    code: 'unknownQuantizer',
    operation: `decode format ${quote(format)}`,
    subject,
    expected: `the quantizer of that name, which alone can decode it, among the quantizers given`,
    found: own.map(({ name }) => quote(name)).join(', ') || 'none given',
  });
}

/**
 * Float32 of a quantized tensor [N, K]: by its layout, or by the quantizer of its format where it has none.
 * @param quantizers the user's own
 * @param subject the tensor, for messages
 * @throws MoeqError when there is neither layout nor quantizer; QuantizerError when the quantizer fails, or gives another
 *   number of floats, NaN or infinity
 */
export function dequantize(
  tensor: QuantizedTensor,
  quantizers: readonly Quantizer[] = [],
  subject = `${tensor.format} tensor`,
): Float32Array {
  if (tensor.layout !== null) return decodeTensor(tensor);
  // in memory of its own: a quantizer may give the same array every time
  return new Float32Array(
    checkedDequantize(findQuantizer(tensor.format, quantizers, subject), tensor, subject),
  );
}

function make(name: string, options: object, own: ReadonlyMap<string, Quantizer>): Quantizer {
  const factory = Object.hasOwn(builtIn, name) ? builtIn[name] : undefined;
  if (factory !== undefined) return factory(options);
  throw new MoeqError({
    code: 'unknownQuantizer',
    operation: 'find the quantizer',
    subject: 'recipe',
    expected: `one of ${known(own)}`,
    found: quote(name),
  });
}

function known(own: ReadonlyMap<string, Quantizer>): string {
  return [...Object.keys(builtIn), ...own.keys()].join(', ');
}
