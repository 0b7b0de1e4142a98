// What forms of quantized checkpoints are read from, and what their readers share.
import type { Quantizer } from '@moeq/quantizers';
import { MoeqError, quote, type Tensor } from '@moeq/tensors';
import type { StoredTensor } from '../files/file-set.js';

export interface FormSource {
  readonly stored: ReadonlyMap<string, StoredTensor>;
  readonly config: Readonly<Record<string, unknown>>;
  /** Name of config.json, for messages. */
  readonly file: string;
  readonly quantizers: readonly Quantizer[];
}

/** An error of a form that the stored tensors or config.json contradict. */
export function formError(subject: string, expected: string, found: string): MoeqError {
  return new MoeqError({ operation: 'open the quantized weights', subject, expected, found });
}

/** The module of a name that ends with `.<part>`; null for other names. */
export function moduleWith(part: string, name: string): string | null {
  return name.endsWith(`.${part}`) ? name.slice(0, -part.length - 1) : null;
}

/** @throws MoeqError naming a tensor of a module that is not there */
export function partOf({ stored }: Pick<FormSource, 'stored'>, module: string, part: string): StoredTensor {
  const found = stored.get(`${module}.${part}`);
  if (found !== undefined) return found;
  throw formError(module, `tensor ${quote(`${module}.${part}`, 120)}`, 'no such tensor');
}

/** Those of a module's tensors that are there. */
export function partsOf(
  { stored }: Pick<FormSource, 'stored'>,
  module: string,
  parts: readonly string[],
): StoredTensor[] {
  return parts.flatMap((part) => stored.get(`${module}.${part}`) ?? []);
}

export function tensorOf(parts: Readonly<Record<string, Tensor>>, name: string): Tensor {
  const found = parts[name];
  if (found === undefined) throw formError(name, 'its tensor', 'none');
  return found;
}
