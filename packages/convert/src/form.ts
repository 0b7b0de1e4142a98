// How quantized tensors are stored: as bitsandbytes stores them where that can express all of them, so that transformers
// reads the result, else in moeq's own form, which can express anything.
import type { CheckpointTensor } from '@moeq/loader';
import {
  canExpress,
  type MoeqEntry,
  moeqConfig,
  planBitsandbytes,
  planMoeq,
  type Quantizer,
  type StoredPart,
} from '@moeq/quantizers';
import { byteLength } from '@moeq/tensors';
import { floatDTypeOf, stackShape, storedDTypeOf } from './matrices.js';

/** What happens to a tensor. */
export interface Action {
  readonly source: CheckpointTensor;
  readonly action: Quantizer | 'keep';
}

/** How a checkpoint is stored. */
export interface StoragePlan {
  readonly form: 'bitsandbytes' | 'moeq';
  /** What config.json says of it; null where nothing is quantized. */
  readonly config: Readonly<Record<string, unknown>> | null;
  /** What is written for each tensor, in the order of the actions. */
  readonly parts: readonly (readonly StoredPart[])[];
}

/** @throws MoeqError when a format does not suit a shape */
export function planStorage(actions: readonly Action[]): StoragePlan {
  const assignments = actions.map(({ source, action }) => ({ facts: source.facts, quantizer: action }));
  const expression = canExpress(assignments);
  if (expression.expressible) {
    return { form: 'bitsandbytes', config: expression.config, parts: actions.map(bitsandbytesParts) };
  }
  const entries: [name: string, entry: MoeqEntry][] = [];
  const quantizers = new Set<Quantizer>();
  const parts = actions.map(({ source, action }) => {
    if (action === 'keep') return keptParts(source);
    const { name, shape } = source.facts;
    const { entry, parts } = planMoeq(name, action, shape, floatDTypeOf(source));
    entries.push([name, entry]);
    quantizers.add(action);
    return parts;
  });
  return { form: 'moeq', config: entries.length === 0 ? null : moeqConfig(entries, quantizers), parts };
}

/** The dtype or format that a tensor has in the output. */
export function storedAs(action: Quantizer | 'keep', source: CheckpointTensor): string {
  return action === 'keep' ? source.stored : action.name;
}

/** Bytes of a part; a bound where its length depends on what is in it. */
export function partBytes(part: StoredPart): number {
  return 'maxBytes' in part ? part.maxBytes : byteLength(part.dtype, part.shape);
}

function keptParts(source: CheckpointTensor): StoredPart[] {
  return [{ name: source.facts.name, dtype: storedDTypeOf(source), shape: source.facts.shape }];
}

function bitsandbytesParts({ source, action }: Action): StoredPart[] {
  if (action === 'keep') return keptParts(source);
  const { rows, columns } = stackShape(source);
  return planBitsandbytes(source.facts.name, action, [rows, columns], floatDTypeOf(source));
}
