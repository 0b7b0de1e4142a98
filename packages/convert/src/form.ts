// How quantized tensors are stored: in the first form of the list that can express all of them. bitsandbytes' is read by
// transformers; moeq's own can express anything.
import type { Checkpoint, CheckpointTensor } from '@moeq/loader';
import {
  canExpress,
  type MoeqEntry,
  moeqConfig,
  planBitsandbytes,
  planMoeq,
  planMoeqEntry,
  type Quantizer,
  type StoredPart,
  toBitsandbytes,
  toMoeq,
} from '@moeq/quantizers';
import {
  byteLength,
  isDType,
  isObject,
  MoeqError,
  type QuantizedTensor,
  quote,
  type Tensor,
} from '@moeq/tensors';
import { floatDTypeOf, stackShape, storedDTypeOf } from './matrices.js';

/** What happens to a tensor. */
export interface Action {
  readonly source: CheckpointTensor;
  readonly action: Quantizer | 'keep';
}

/**
 * How weights that are quantized already are kept: `files` as they lie in safetensors, described by the quantization_config
 * that config.json has of them, or `planes`, in the moeq form, out of a container that has no such description.
 */
export type KeptForm =
  | { readonly kind: 'files'; readonly config: Readonly<Record<string, unknown>> }
  | { readonly kind: 'planes' };

/** Of a checkpoint. */
export function keptForm({ config }: Checkpoint): KeptForm {
  const { quantization_config: own } = config;
  return isObject(own) ? { kind: 'files', config: own } : { kind: 'planes' };
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
  plan(actions: readonly Action[], kept: KeptForm): StoredTensors | null;
  /** The tensors of a quantized weight, as planned. */
  store(name: string, tensor: QuantizedTensor): Readonly<Record<string, Tensor>>;
}

const bitsandbytes = {
  name: 'bitsandbytes',
  plan(actions, kept) {
    if (actions.some(isQuantizedBefore)) return null;
    const assignments = actions.map(({ source, action }) => ({ facts: source.facts, quantizer: action }));
    const expression = canExpress(assignments);
    if (!expression.expressible) return null;
    const parts = actions.map(({ source, action }) => {
      if (action === 'keep') return keptParts(source, kept);
      const { rows, columns } = stackShape(source);
      return planBitsandbytes(source.facts.name, action, [rows, columns], floatDTypeOf(source));
    });
    return { config: expression.config, parts };
  },
  store: toBitsandbytes,
} as const satisfies StorageForm;

const moeq = {
  name: 'moeq',
  plan(actions, kept) {
    const entries: [name: string, entry: MoeqEntry][] = [];
    const quantizers = new Set<Quantizer>();
    const isPlane = (action: Action) => kept.kind === 'planes' && isQuantizedBefore(action);
    const parts = actions.map((planned) => {
      const { source, action } = planned;
      if (action === 'keep' && !isPlane(planned)) return keptParts(source, kept);
      const { name, shape } = source.facts;
      const { entry, parts } =
        action === 'keep'
          ? planMoeqEntry(name, entryOf(source))
          : planMoeq(name, action, shape, floatDTypeOf(source));
      entries.push([name, entry]);
      if (action !== 'keep') quantizers.add(action);
      return parts;
    });
    const carried = kept.kind === 'files' && actions.some(isQuantizedBefore) ? kept.config : null;
    return { config: entries.length === 0 ? null : moeqConfig(entries, quantizers, carried), parts };
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
export function planStorage(actions: readonly Action[], kept: KeptForm): StoragePlan {
  for (const form of Object.values(forms)) {
    const stored = form.plan(actions, kept);
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

/** Whether a tensor that is quantized in the input stays so. */
export function isQuantizedBefore({ source, action }: Action): boolean {
  return action === 'keep' && !isDType(source.stored);
}

function keptParts(source: CheckpointTensor, kept: KeptForm): StoredPart[] {
  const { facts, inFiles = facts, parts } = source;
  if (kept.kind === 'files' && parts !== undefined)
    return parts.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  return [{ name: facts.name, dtype: storedDTypeOf(source), shape: inFiles.shape }];
}

/** What moeq's form says of a weight in a container. @throws MoeqError where no layout describes it */
function entryOf({ facts, stored, layout: layoutOf }: CheckpointTensor): MoeqEntry {
  const { name, shape } = facts;
  const [columns = 0, rows = 0] = shape.toReversed();
  const layout = layoutOf?.([rows, columns]);
  if (layout != null) return { format: stored, shape, dtype: 'F32', layout, planes: null };
  throw new MoeqError({
    operation: 'plan the conversion',
    subject: quote(name, 200),
    expected: 'a format that a layout describes, to keep it as it is',
    found: stored,
  });
}
