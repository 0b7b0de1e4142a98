// Formats that no layout describes. A snippet of WGSL says what one element is, and every kernel then decodes it in
// registers like any other weight; element by element, for what a snippet's rows look like is not known.
//
// The snippet defines `fn element(at: Planes, row: u32, column: u32, columns: u32) -> f32`. `Planes` has a member for every
// plane, by name: the byte at which it begins, a multiple of 16. `byteAt`, `float16At`, `bfloat16At` and `float32At` read one
// number at a byte, which has to be a multiple of its size.
import type { QuantizedTensor, WgslFormat } from '@moeq/tensors';
import { MoeqError, quote } from '@moeq/tensors';

/** Formats by the name in `QuantizedTensor.format`. */
export type WgslFormats = Readonly<Record<string, WgslFormat>>;

/** Descriptors have room for so many planes. */
const mostPlanes = 7;

/** @throws MoeqError when a format has no planes, too many, or one that WGSL cannot name, or its snippet no `element` */
export function validateFormats(formats: WgslFormats): void {
  for (const [name, { planes, wgsl }] of Object.entries(formats)) {
    const check = (holds: boolean, expected: string, found: unknown): void => {
      if (holds) return;
      const facts = { operation: 'start', subject: `format ${quote(name)}`, expected, found: quote(found) };
      throw new MoeqError(facts);
    };
    check(planes.length > 0 && planes.length <= mostPlanes, `1 to ${mostPlanes} planes`, planes.length);
    for (const plane of planes) check(/^[a-zA-Z]\w*$/.test(plane), 'planes that are identifiers', plane);
    check(/\bfn\s+element\s*\(/.test(wgsl), 'a WGSL function `element`', wgsl);
  }
}

/** The format of a tensor without a layout. @throws MoeqError when there is no snippet for it, or a plane is missing */
export function formatOf(tensor: QuantizedTensor, formats: WgslFormats, subject: string): WgslFormat {
  const format = Object.hasOwn(formats, tensor.format) ? formats[tensor.format] : undefined;
  if (format === undefined) {
    throw new MoeqError({
      operation: 'load',
      subject,
      expected: 'a layout, or a WGSL snippet for its format (its quantizer has to dequantize it first)',
      found: `neither in format ${quote(tensor.format)}`,
    });
  }
  const missing = format.planes.find((name) => !Object.hasOwn(tensor.planes, name));
  if (missing !== undefined) {
    const found = Object.keys(tensor.planes).join(', ');
    throw new MoeqError({ operation: 'load', subject, expected: `plane ${missing}`, found: found || 'none' });
  }
  return format;
}
