// JSON schemas as grammars: at once, or in steps between which the event loop runs.
import { MoeqError } from '@moeq/tensors';
import type { Grammar } from './rule.js';
import { looseBlanks } from './rules/blanks.js';
import { jsonRules } from './rules/json.js';
import { compileSchema } from './schema/compile.js';

export interface GrammarOptions {
  /** What the schema is called in errors. Default `schema`. */
  readonly subject?: string | undefined;
  /** Blanks between the parts of objects and lists: none, as JSON.stringify writes, or runs of up to 17. Default `compact`. */
  readonly whitespace?: 'compact' | 'loose' | undefined;
}

/** How a compilation is spread out. */
export interface SliceOptions extends GrammarOptions {
  /** Lets others run; called between slices. */
  readonly pause: () => Promise<void>;
  /** Milliseconds after which a slice ends at its next step. Default 8. */
  readonly sliceMilliseconds?: number | undefined;
  /** Ends the compilation. */
  readonly signal?: AbortSignal | undefined;
  /** Called behind each step; what it throws ends the compilation. */
  readonly onStep?: (() => void) | undefined;
}

const defaultSlice = 8;

/** @throws MoeqError naming the keyword and its place (a JSON pointer) that are not supported, impossible or malformed */
export function jsonSchemaGrammar(schema: unknown, options: GrammarOptions = {}): Grammar {
  const steps = compileSchema(schema, options.subject ?? 'schema', blanksOf(options));
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

/**
 * As `jsonSchemaGrammar`, in slices.
 * @throws MoeqError as `jsonSchemaGrammar`; the signal's reason
 */
export async function compileJsonSchema(schema: unknown, options: SliceOptions): Promise<Grammar> {
  const { onStep, pause, signal, sliceMilliseconds = defaultSlice } = options;
  const steps = compileSchema(schema, options.subject ?? 'schema', blanksOf(options));
  let until = performance.now() + sliceMilliseconds;
  for (;;) {
    signal?.throwIfAborted();
    const step = steps.next();
    if (step.done === true) return step.value;
    onStep?.();
    if (performance.now() < until) continue;
    await pause();
    until = performance.now() + sliceMilliseconds;
  }
}

/** Any JSON object. */
export function jsonObjectGrammar(options: Omit<GrammarOptions, 'subject'> = {}): Grammar {
  return { root: jsonRules(blanksOf(options)).object, rules: [], bytes: 0 };
}

function blanksOf({ whitespace = 'compact' }: GrammarOptions): number {
  if (whitespace === 'compact') return 0;
  if (whitespace === 'loose') return looseBlanks;
  throw new MoeqError({
    operation: 'compile the schema',
    subject: 'whitespace',
    expected: 'compact or loose',
    found: String(whitespace),
  });
}
