// A refusal for lack of memory with what to type instead, and a warning where the machine has less memory free than a model takes.
import { availableParallelism } from 'node:os';
import type { LoadPlan, MemoryNeed } from '@moeq/kernels';
import type { OpenedModel } from '@moeq/loader';
import { MemoryError, modelPlan, modelSize, partPlans, workingBytes } from '@moeq/runtime';
import { formatBytes, isDType, MoeqError } from '@moeq/tensors';
import { wasmMemory } from '@moeq/wasm';
import { type Way, whatFits } from './what-fits.js';

/** Built-in recipes from many bits to few. */
const recipes = ['int8', 'mixed', 'int4', 'nf4', 'nf4-all'] as const;

/** Below this a context is of no use. */
const leastContext = 256;

/** Tokens of a step whose activations are counted in. */
const stepTokens = 256;

export interface Asked {
  readonly recipe: string | null;
  /** Whether `--recipe` is for this model. */
  readonly takesRecipe: boolean;
  /** Of the backend. */
  readonly threads: number;
  readonly context: number | undefined;
  /** Whether one layer at a time is in memory, and the context is that of `--window`. */
  readonly inParts: boolean;
  readonly cacheTokens: number | undefined;
  /** Whether the cache has an option of its own, `--cache-tokens`. */
  readonly hasCacheOption: boolean;
}

/**
 * @param maxThreads of the machine
 * @returns the refusal with what would fit; any other error as it is
 */
export function withAdvice(
  error: unknown,
  source: OpenedModel,
  asked: Asked,
  maxThreads: number = availableParallelism(),
): unknown {
  if (!MemoryError.isInstance(error) || error.need.unit !== 'thread') return error;
  const { operation, subject, expected, found, need } = error;
  const { config } = source;
  const { contextLength } = modelSize(config, { contextLength: asked.context });
  const planOf = planner(source, { ...asked, context: contextLength });
  const advice = whatFits({
    given: { recipe: asked.recipe, threads: asked.threads, context: contextLength },
    recipes: !asked.takesRecipe || isQuantized(source) ? [] : recipes.filter((name) => name !== asked.recipe),
    maxThreads: Math.max(maxThreads, asked.threads),
    contexts: halvings(contextLength),
    contextOption: (tokens) => contextOption(tokens, asked),
    measure(way) {
      const plans = planOf(way);
      if (plans.some(({ unknown }) => unknown > 0)) return null;
      const needs = plans.map((plan) => wasmMemory(plan, way.threads, need.limit));
      const own = needs.reduce((most, each) => (each.largest > most.largest ? each : most));
      return { ...own, largest: own.largest + workingBytes(config, stepTokens) };
    },
  });
  return new MoeqError({
    code: 'doesNotFit',
    operation,
    subject,
    expected,
    found: `${found}; ${advice}`,
    cause: error,
  });
}

function contextOption(tokens: number, { inParts, hasCacheOption }: Asked): string {
  if (inParts) return `--window ${tokens}`;
  return hasCacheOption ? `--context ${tokens} --cache-tokens ${tokens}` : `--context ${tokens}`;
}

/** What is in memory at a time, by way; plans of other recipes are made once. */
function planner(
  source: OpenedModel,
  { recipe, context, cacheTokens, inParts }: Asked,
): (way: Way) => readonly LoadPlan[] {
  const { config } = source;
  const heads = new Map([[recipe, source.heads]]);
  const plans = new Map<string, readonly LoadPlan[]>();
  return (way) => {
    const key = `${way.recipe} ${way.context}`;
    const own = heads.get(way.recipe) ?? source.headsBy(way.recipe ?? undefined);
    heads.set(way.recipe, own);
    const known = plans.get(key);
    if (known !== undefined) return known;
    const { cacheTokens: tokens } = modelSize(config, {
      contextLength: way.context,
      // a shorter context is asked for with a cache of its own length
      kvCacheTokens: inParts || way.context !== context ? way.context : cacheTokens,
    });
    const plan = inParts
      ? [...partPlans({ config, heads: own }, tokens)]
      : [modelPlan({ config, heads: own }, tokens)];
    plans.set(key, plan);
    return plan;
  };
}

function isQuantized({ checkpoint }: OpenedModel): boolean {
  return checkpoint.tensors.some(({ facts, stored }) => facts.role !== 'other' && !isDType(stored));
}

function halvings(context: number): number[] {
  const shorter: number[] = [];
  for (let tokens = context >> 1; tokens >= leastContext; tokens >>= 1) shorter.push(tokens);
  return shorter;
}

/** @param free bytes of memory that the machine has free. @returns a sentence; null where there is enough */
export function memoryWarning({ bytes }: MemoryNeed, free: number): string | null {
  if (bytes <= free) return null;
  return `the model takes ${formatBytes(bytes)} of memory, and ${formatBytes(free)} are free on this machine: it may swap, or be ended by the system`;
}
