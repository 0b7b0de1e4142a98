// JSON schemas as grammars: at once, or in steps between which the event loop runs.
import { MoeqError } from '@moeq/tensors';
import type { Grammar } from './rule.js';
import { looseBlanks } from './rules/blanks.js';
import { jsonRules } from './rules/json.js';
import { type CompileOptions, compileSchema } from './schema/compile.js';
import { finished, inSlices, type Slicing } from './slices.js';

export interface GrammarOptions {
  /** What the schema is called in errors. Default `schema`. */
  readonly subject?: string | undefined;
  /** Blanks between the parts of objects and lists: none, as JSON.stringify writes, or runs of up to 17. Default `compact`. */
  readonly whitespace?: 'compact' | 'loose' | undefined;
  /**
   * A format that is not known is an error. Default false: it is an annotation, as JSON Schema says, which `annotations` of the
   * grammar names.
   */
  readonly strictFormats?: boolean | undefined;
}

/** How a compilation is spread out. */
export interface SliceOptions extends GrammarOptions, Slicing {}

/** @throws MoeqError naming the keyword and its place (a JSON pointer) that are not supported, impossible or malformed */
export function jsonSchemaGrammar(schema: unknown, options: GrammarOptions = {}): Grammar {
  return finished(compileSchema(schema, settingsOf(options)));
}

/**
 * As `jsonSchemaGrammar`, in slices.
 * @throws MoeqError as `jsonSchemaGrammar`; the signal's reason
 */
export async function compileJsonSchema(schema: unknown, options: SliceOptions): Promise<Grammar> {
  return inSlices(compileSchema(schema, settingsOf(options)), options);
}

/** Any JSON object. */
export function jsonObjectGrammar(options: Pick<GrammarOptions, 'whitespace'> = {}): Grammar {
  return { root: jsonRules(blanksOf(options)).object, rules: [], bytes: 0, annotations: [] };
}

function settingsOf(options: GrammarOptions): CompileOptions {
  const { strictFormats = false, subject = 'schema' } = options;
  return { subject, blanks: blanksOf(options), strictFormats };
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
