// How quantized tensors are stored: in the first form of the list that can express all of them. bitsandbytes' is read by
// transformers; moeq's own can express anything.
import type { CheckpointTensor } from '@moeq/loader';
import {
  canExpress,
  type MoeqEntry,
  moeqConfig,
  planBitsandbytes,
  planMoeq,
  type Quantizer,
  type StoredPart,
  toBitsandbytes,
  toMoeq,
} from '@moeq/quantizers';
import { byteLength, MoeqError, type QuantizedTensor, type Tensor } from '@moeq/tensors';
import { floatDTypeOf, stackShape, storedDTypeOf } from './matrices.js';

/** What happens to a tensor. */
export interface Action {
  readonly source: CheckpointTensor;
  readonly action: Quantizer | 'keep';
}

interface StoredTensors {
  /** What config.json says of it; null where nothing is quantized. */
  readonly config: Readonly<Record<string, unknown>> | null;
  /** What is written for each tensor, in the order of the actions. */
  readonly parts: readonly (readonly StoredPart[])[];
}

interface StorageForm {
  readonly name: string;
  /** @returns null where the form cannot express one of them. @throws MoeqError when a format does not suit a shape */
  plan(actions: readonly Action[]): StoredTensors | null;
  /** The tensors of a quantized weight, as planned. */
  store(name: string, tensor: QuantizedTensor): Readonly<Record<string, Tensor>>;
}

const bitsandbytes = {
  name: 'bitsandbytes',
  plan(actions) {
    const assignments = actions.map(({ source, action }) => ({ facts: source.facts, quantizer: action }));
    const expression = canExpress(assignments);
    if (!expression.expressible) return null;
    const parts = actions.map(({ source, action }) => {
      if (action === 'keep') return keptParts(source);
      const { rows, columns } = stackShape(source);
      return planBitsandbytes(source.facts.name, action, [rows, columns], floatDTypeOf(source));
    });
    return { config: expression.config, parts };
  },
  store: toBitsandbytes,
} as const satisfies StorageForm;

const moeq = {
  name: 'moeq',
  plan(actions) {
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
    return { config: entries.length === 0 ? null : moeqConfig(entries, quantizers), parts };
  },
  store: toMoeq,
} as const satisfies StorageForm;

const forms = { bitsandbytes, moeq };

export type FormName = keyof typeof forms;

/** How a checkpoint is stored. */
export interface StoragePlan extends StoredTensors {
  readonly form: FormName;
}

/** @throws MoeqError when a format does not suit a shape */
export function planStorage(actions: readonly Action[]): StoragePlan {
  for (const form of Object.values(forms)) {
    const stored = form.plan(actions);
    if (stored !== null) return { form: form.name, ...stored };
  }
  throw new MoeqError({
    operation: 'plan the conversion',
    subject: 'quantized tensors',
    expected: `a form that can express them: ${Object.keys(forms).join(', ')}`,
    found: 'none',
  });
}

/** The tensors of a quantized weight in a form. */
export function storedIn(
  form: FormName,
  name: string,
  tensor: QuantizedTensor,
): Readonly<Record<string, Tensor>> {
  return forms[form].store(name, tensor);
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
  const { facts, inFiles = facts } = source;
  return [{ name: facts.name, dtype: storedDTypeOf(source), shape: inFiles.shape }];
}
