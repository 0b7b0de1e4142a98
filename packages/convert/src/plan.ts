// What a conversion will do, decided from the headers before a weight is read: which quantizer each tensor gets, what is
// written in its place and how many bytes that is. A recipe that forgets experts, or touches a router, is refused here.
import { type Checkpoint, type CheckpointTensor, describeOthers } from '@moeq/loader';
import {
  isMatrix,
  type Quantizer,
  type Recipe,
  resolve,
  routerRefusal,
  routerWarning,
  type StoredPart,
  withoutExperts,
} from '@moeq/quantizers';
import { counted, isDType, MoeqError, quote } from '@moeq/tensors';
import {
  type Action,
  isQuantizedBefore,
  type KeptForm,
  keptForm,
  partBytes,
  planStorage,
  type StoragePlan,
  storedAs,
} from './form.js';
import { coverageOf } from './ledger.js';
import { storedDTypeOf } from './matrices.js';
import type { Coverage } from './report.js';

export interface PlanOptions {
  /** Plan a recipe that quantizes routers, and warn of it, rather than refuse it. */
  readonly allowRouterQuantization?: boolean;
  /** Quantize weights again that are quantized in the checkpoint, as the recipe says; they stay as they are unless given. */
  readonly requantize?: boolean;
}

export interface ConversionPlan {
  readonly recipe: Recipe;
  /** How quantized tensors are stored. */
  readonly form: StoragePlan['form'];
  /** How those are kept that were quantized before. */
  readonly kept: KeptForm;
  /** What config.json says of it; null where nothing is quantized. */
  readonly config: StoragePlan['config'];
  /** In the order of the files. */
  readonly tensors: readonly TensorPlan[];
  /** Of the tensors, in the input's files. */
  readonly bytesIn: number;
  /** Of what is written; a bound where descriptions have no fixed length. */
  readonly bytesOut: number;
  readonly coverage: Coverage;
  readonly warnings: readonly string[];
  /** The recipe's, and what is carried along. */
  readonly notes: readonly string[];
}

export interface TensorPlan extends Action {
  /** What is written in its place. */
  readonly parts: readonly StoredPart[];
  /** In the output's files; a bound where a part has one. */
  readonly bytes: number;
}

/**
 * Plans the conversion of a checkpoint; without experts, its dense MLPs get what the recipe says of them. Weights that are
 * quantized already stay as they are, with a note.
 * @throws MoeqError when an expert tensor is neither quantized nor kept by a rule
 *   of the recipe, when a router would be quantized without permission, or when a format does not suit a shape
 */
export function planConversion(
  checkpoint: Checkpoint,
  asWritten: Recipe,
  options: PlanOptions = {},
): ConversionPlan {
  const hasExperts = checkpoint.tensors.some(({ facts }) => facts.role === 'expert');
  const recipe = hasExperts ? asWritten : withoutExperts(asWritten);
  const actions = checkpoint.tensors.map((source): Action => {
    if (isDType(source.stored)) storedDTypeOf(source);
    return { source, action: actionOf(source, recipe, options.requantize === true) };
  });
  const warnings = [
    ...checkRouters(actions, recipe, options.allowRouterQuantization === true),
    ...checkNothing(actions),
  ];
  const kept = keptForm(checkpoint);
  const { form, config, parts } = planStorage(actions, kept);
  const tensors = actions.map((action, index): TensorPlan => {
    const own = parts[index] ?? [];
    return { ...action, parts: own, bytes: own.reduce((sum, part) => sum + partBytes(part), 0) };
  });
  const others = describeOthers(checkpoint.tensors);
  const notes = [
    ...recipe.notes,
    ...quantizedNotes(actions),
    ...(others === null ? [] : [`carried along as it is: ${others}`]),
  ];
  return { recipe, form, kept, config, warnings, notes, ...totalsOf(tensors) };
}

/**
 * Part `index` (1 to `of`) of a plan: consecutive tensors, the bytes of the input shared out evenly. Every tensor is in
 * exactly one part; there may be parts without any.
 */
export function planPart(plan: ConversionPlan, index: number, of: number): ConversionPlan {
  let end = 0;
  const own = plan.tensors.filter(({ source }) => {
    const middle = end + source.bytes / 2;
    end += source.bytes;
    return Math.min(Math.floor((of * middle) / Math.max(plan.bytesIn, 1)), of - 1) === index - 1;
  });
  return { ...plan, ...totalsOf(own) };
}

function totalsOf(
  tensors: readonly TensorPlan[],
): Pick<ConversionPlan, 'tensors' | 'bytesIn' | 'bytesOut' | 'coverage'> {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, bytes) => total + bytes, 0);
  const records = tensors.map(({ source, action }) => ({
    role: source.facts.role,
    isMatrix: isMatrix(source.facts),
    before: source.stored,
    after: storedAs(action, source),
    bytesIn: source.bytes,
  }));
  return {
    tensors,
    bytesIn: sum(tensors.map(({ source }) => source.bytes)),
    bytesOut: sum(tensors.map(({ bytes }) => bytes)),
    coverage: coverageOf(records),
  };
}

function actionOf(
  { facts, stored }: CheckpointTensor,
  recipe: Recipe,
  requantize: boolean,
): Quantizer | 'keep' {
  if (!isDType(stored) && !requantize) return 'keep';
  const action = resolve(recipe, facts);
  if (action !== null) return action;
  if (facts.role !== 'expert') return 'keep';
  throw new MoeqError({
    operation: 'plan the conversion',
    subject: quote(facts.name, 200),
    expected: `a rule of the recipe ${recipe.name} that quantizes this expert tensor or keeps it on purpose`,
    found: 'none',
  });
}

/** A sentence for each format of weights that stay quantized as they are. */
function quantizedNotes(actions: readonly Action[]): string[] {
  const kept = Map.groupBy(actions.filter(isQuantizedBefore), ({ source }) => source.stored);
  return [...kept].map(([format, own]) => {
    const roles = [...new Set(own.map(({ source }) => source.facts.role))].join(', ');
    return `quantized already, kept as it is: ${counted(own.length, 'tensor')} in ${format} (${roles})`;
  });
}

/** A warning where a checkpoint that is quantized already leaves nothing to quantize. */
function checkNothing(actions: readonly Action[]): string[] {
  if (!actions.some(isQuantizedBefore) || actions.some(({ action }) => action !== 'keep')) return [];
  return ['all that the recipe quantizes is quantized already, so the output is the model as it was'];
}

/** @returns a warning with the numbers where routers are quantized. @throws MoeqError where they must not be */
function checkRouters(actions: readonly Action[], recipe: Recipe, allowed: boolean): string[] {
  const router = actions.find(({ source, action }) => source.facts.role === 'router' && action !== 'keep');
  if (router !== undefined && !allowed) {
    throw routerRefusal({
      operation: 'plan the conversion',
      subject: quote(router.source.facts.name, 200),
      found: `a rule of the recipe ${recipe.name} that quantizes it`,
    });
  }
  const warning = routerWarning(
    recipe,
    actions.map(({ source }) => source.facts),
  );
  return warning === null ? [] : [warning];
}
