// What quantizers compute, as data, for whoever has kernels for it.
import type { Encoding } from '@moeq/tensors';
import type { Quantizer } from './quantizer.js';

interface Described {
  readonly encoding: Encoding;
  readonly name: string;
  readonly layout: Quantizer['layout'];
}

/** By the function that is described: who puts another in its place, in an object spread say, takes the encoding off it. */
const encodings = new WeakMap<Quantizer['quantize'], Described>();

/** @param encoding what its `quantize` computes, byte for byte */
export function withEncoding(quantizer: Quantizer, encoding: Encoding): Quantizer {
  const { quantize, name, layout } = quantizer;
  encodings.set(quantize, { encoding, name, layout });
  return quantizer;
}

export function encodingOf({ quantize }: Quantizer): Described | undefined {
  return encodings.get(quantize);
}
