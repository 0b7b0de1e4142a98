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
} from '@moeq/quantizers';
import { MoeqError, quote } from '@moeq/tensors';
import { type Action, partBytes, planStorage, type StoragePlan, storedAs } from './form.js';
import { coverageOf } from './ledger.js';
import { storedDTypeOf } from './matrices.js';
import type { Coverage } from './report.js';

export interface PlanOptions {
  /** Plan a recipe that quantizes routers, and warn of it, rather than refuse it. */
  readonly allowRouterQuantization?: boolean;
}

export interface ConversionPlan {
  readonly recipe: Recipe;
  /** How quantized tensors are stored. */
  readonly form: StoragePlan['form'];
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
 * Plans the conversion of a plain checkpoint.
 * @throws MoeqError when the checkpoint is quantized already, when an expert tensor is neither quantized nor kept by a rule
 *   of the recipe, when a router would be quantized without permission, or when a format does not suit a shape
 */
export function planConversion(
  checkpoint: Checkpoint,
  recipe: Recipe,
  options: PlanOptions = {},
): ConversionPlan {
  const actions = checkpoint.tensors.map((source): Action => {
    storedDTypeOf(source);
    return { source, action: actionOf(source, recipe) };
  });
  const warnings = checkRouters(actions, recipe, options.allowRouterQuantization === true);
  const { form, config, parts } = planStorage(actions);
  const tensors = actions.map((action, index): TensorPlan => {
    const own = parts[index] ?? [];
    return { ...action, parts: own, bytes: own.reduce((sum, part) => sum + partBytes(part), 0) };
  });
  const others = describeOthers(checkpoint.tensors);
  const notes = [...recipe.notes, ...(others === null ? [] : [`carried along as it is: ${others}`])];
  return { recipe, form, config, warnings, notes, ...totalsOf(tensors) };
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

function actionOf({ facts }: CheckpointTensor, recipe: Recipe): Quantizer | 'keep' {
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
