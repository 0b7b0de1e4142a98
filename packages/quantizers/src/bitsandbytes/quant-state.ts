// The JSON that bitsandbytes stores beside a 4-bit weight, as bytes: functional.py, QuantState.as_dict(packed=True), written
// by Python's json.dumps, whose spacing, key order and float notation are reproduced to the byte.
import { type FloatDType, fromTorchName, MoeqError, quote, torchNames } from '@moeq/tensors';
import * as v from 'valibot';
import { blockSizes } from '../codebook-quantizer.js';
import { strict, validate } from '../options.js';

export interface QuantState {
  readonly quantType: 'nf4' | 'fp4';
  readonly blockSize: number;
  readonly dtype: FloatDType;
  /** Of the weight when dequantized. */
  readonly shape: readonly number[];
  readonly nested: { readonly blockSize: number; readonly offset: number } | null;
}

/** Seven short fields; a file with more than this in their place holds something else. */
export const maxQuantStateBytes = 1024;

const size = v.pipe(v.number(), v.safeInteger('a whole number'), v.minValue(0, 'a number from 0'));
const blockSize = v.picklist(blockSizes);

const stateSchema = strict({
  quant_type: v.picklist(['nf4', 'fp4']),
  blocksize: blockSize,
  dtype: v.picklist(Object.values(torchNames)),
  shape: v.pipe(
    v.array(size),
    v.minLength(2, 'a matrix or matrices'),
    v.maxLength(3, 'a matrix or matrices'),
  ),
  nested_blocksize: v.optional(blockSize),
  nested_dtype: v.optional(v.literal('float32')),
  nested_offset: v.optional(v.pipe(v.number(), v.finite('a finite number'))),
});

/** UTF-8 bytes of the JSON. */
export function encodeQuantState({ quantType, blockSize, dtype, shape, nested }: QuantState): Uint8Array {
  const fields = [
    `"quant_type": "${quantType}"`,
    `"blocksize": ${blockSize}`,
    `"dtype": "${torchNames[dtype]}"`,
    `"shape": [${shape.join(', ')}]`,
  ];
  if (nested !== null) {
    fields.push(`"nested_blocksize": ${nested.blockSize}`, '"nested_dtype": "float32"');
    fields.push(`"nested_offset": ${pythonFloat(nested.offset)}`);
  }
  return new TextEncoder().encode(`{${fields.join(', ')}}`);
}

/**
 * @param bytes as stored
 * @param subject for messages
 * @throws MoeqError when they are too many, are no such JSON, or say half of what a nested state needs
 */
export function decodeQuantState(bytes: Uint8Array, subject: string): QuantState {
  const state = validate(stateSchema, parse(bytes, subject), 'read the quantization state', subject);
  const nested = [state.nested_blocksize, state.nested_dtype, state.nested_offset];
  const given = nested.filter((field) => field !== undefined).length;
  if (given !== 0 && given !== nested.length) {
    throw new MoeqError({
      operation: 'read the quantization state',
      subject,
      expected: 'all of nested_blocksize, nested_dtype and nested_offset, or none',
      found: `${given} of them`,
    });
  }
  const dtype = fromTorchName(state.dtype) ?? 'F32';
  return {
    quantType: state.quant_type,
    blockSize: state.blocksize,
    dtype,
    shape: state.shape,
    nested:
      state.nested_blocksize === undefined || state.nested_offset === undefined
        ? null
        : { blockSize: state.nested_blocksize, offset: state.nested_offset },
  };
}

function parse(bytes: Uint8Array, subject: string): unknown {
  const fail = (found: string, cause?: unknown) =>
    new MoeqError({
      operation: 'read the quantization state',
      subject,
      expected: `JSON of at most ${maxQuantStateBytes} bytes`,
      found,
      cause,
    });
  if (bytes.byteLength > maxQuantStateBytes) throw fail(`${bytes.byteLength} bytes`);
  const text = new TextDecoder().decode(bytes);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fail(quote(text), cause);
  }
}

/** Python's repr of a float: the shortest digits, as in JavaScript, but an exponent below 1e-4 and from 1e16. */
export function pythonFloat(x: number): string {
  if (x === 0) return Object.is(x, -0) ? '-0.0' : '0.0';
  const [digits = '', power = ''] = x.toExponential().split('e');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  return Number.isInteger(x) ? `${x}.0` : String(x);
}
