// config.json, validated: the fields that every architecture here has, the limits that keep a hostile one from costing
// memory, and the step from a failed schema to one sentence that names file, field, expected and found.
import type { Activation } from '@moeq/kernels';
import { MoeqError, quote } from '@moeq/tensors';
import * as v from 'valibot';

/** Above every published model by an order of magnitude, and far below what would exhaust memory before a tensor is read. */
const maxLayers = 1024;
const maxWidth = 1 << 20;
const maxHeads = 4096;
const maxExperts = 16384;
const maxVocabulary = 1 << 22;
export const maxContext = 1 << 30;

/** An integer from 1 to `max`. */
export function count(max: number) {
  const expected = `an integer from 1 to ${max}`;
  return v.pipe(v.number(expected), v.integer(expected), v.minValue(1, expected), v.maxValue(max, expected));
}

/** A matrix's rows or columns. */
export const width = count(maxWidth);
/** E, and the number of experts a token may have. */
const expertCount = count(maxExperts);
/** Layer numbers in lists such as `mlp_only_layers`. */
export const layerNumber = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(maxLayers));
/** A finite number above 0. */
export const positive = v.pipe(
  v.number('a number above 0'),
  v.finite('a number above 0'),
  v.gtValue(0, 'a number above 0'),
);
/** True or false; `absent` where the field is missing, and false where it is null, as in Python. */
export const flag = (absent: boolean) =>
  v.pipe(
    v.optional(v.nullable(v.boolean('true or false')), absent),
    v.transform((value) => value === true),
  );
/** A multiplier; 1 where the field is missing or null. */
export const factor = v.nullish(positive, 1);

/** By the names of transformers (activations.py). */
const activations = {
  silu: { kind: 'silu' },
  swish: { kind: 'silu' },
  gelu: { kind: 'gelu' },
  gelu_new: { kind: 'geluTanh' },
  gelu_pytorch_tanh: { kind: 'geluTanh' },
  quick_gelu: { kind: 'silu', alpha: 1.702 },
  relu2: { kind: 'relu2' },
} as const satisfies Record<string, Omit<Activation, 'gated'>>;

const activation = v.pipe(
  v.picklist(Object.keys(activations) as (keyof typeof activations)[]),
  v.transform((name): Activation => ({ ...activations[name], gated: true })),
);

/** Fields of all decoders by the names of transformers; null stands for an absent field, as it does there. */
export const decoderFields = {
  vocab_size: count(maxVocabulary),
  hidden_size: width,
  num_hidden_layers: count(maxLayers),
  num_attention_heads: count(maxHeads),
  num_key_value_heads: v.nullish(count(maxHeads)),
  head_dim: v.nullish(width),
  max_position_embeddings: count(maxContext),
  rms_norm_eps: v.nullish(positive),
  hidden_act: v.nullish(activation, 'silu'),
  tie_word_embeddings: flag(false),
  sliding_window: v.nullish(
    v.union([v.literal(0), count(maxContext)], `0, null or an integer up to ${maxContext}`),
  ),
};

/** What they parse to. */
export type DecoderFields = v.InferOutput<ReturnType<typeof v.object<typeof decoderFields, undefined>>>;

/** Fields of decoders with experts. */
export const commonFields = {
  ...decoderFields,
  num_local_experts: expertCount,
  num_experts_per_tok: expertCount,
};

/** What the common fields parse to. */
export type CommonConfig = v.InferOutput<ReturnType<typeof v.object<typeof commonFields, undefined>>>;

/** Names that transformers reads alike; the one on the right is the one that the schemas use. */
const aliases: readonly (readonly [alias: string, name: string])[] = [
  ['num_experts', 'num_local_experts'],
  ['n_routed_experts', 'num_local_experts'],
  ['moe_num_experts', 'num_local_experts'],
  ['moe_k', 'num_experts_per_tok'],
  ['top_k_experts', 'num_experts_per_tok'],
];

/**
 * Runs `read`; an error about the configuration names fields as the file does.
 * @param own names that the architecture reads alike besides
 * @throws MoeqError of `read`
 */
export function inWordsOf<Result>(
  config: Readonly<Record<string, unknown>>,
  own: typeof aliases | undefined,
  read: () => Result,
): Result {
  try {
    return read();
  } catch (error) {
    if (!MoeqError.isInstance(error) || error.operation !== configOperation) throw error;
    const { operation, subject, expected, found } = error;
    const named = [...aliases, ...(own ?? [])]
      .filter(([alias, name]) => Object.hasOwn(config, alias) && !Object.hasOwn(config, name))
      .reduce((text, [alias, name]) => text.replace(new RegExp(`\\b${name}\\b`), alias), expected);
    throw named === expected ? error : new MoeqError({ operation, subject, expected: named, found });
  }
}

/**
 * @param file for the message
 * @param own names that the architecture reads alike besides
 * @throws MoeqError naming the first field that the schema refuses, or two names of one field that differ
 */
export function parseConfig<Schema extends v.GenericSchema>(
  schema: Schema,
  config: Readonly<Record<string, unknown>>,
  file: string,
  own: typeof aliases = [],
): v.InferOutput<Schema> {
  const named: Record<string, unknown> = { ...config };
  for (const [alias, name] of [...aliases, ...own]) {
    if (!Object.hasOwn(config, alias)) continue;
    if (Object.hasOwn(named, name) && named[name] !== config[alias]) {
      throw configError(
        file,
        `${alias} equal to ${name}`,
        `${quote(config[alias])} and ${quote(named[name])}`,
      );
    }
    named[name] = config[alias];
  }
  const result = v.safeParse(schema, named);
  if (result.success) return result.output;
  const { expected, found } = explain(result.issues[0]);
  throw configError(file, expected, found);
}

/**
 * What a schema expected at a field and what it found there, for a sentence.
 * @param within what stands before the field's name
 */
export function explain(issue: v.BaseIssue<unknown>, within = ''): { expected: string; found: string } {
  const field = `${within}${v.getDotPath(issue) ?? 'the file'}`;
  if (issue.input === undefined) return { expected: `a field ${field}`, found: 'none' };
  const expected = issue.message.startsWith('Invalid ') ? (issue.expected ?? 'a valid value') : issue.message;
  return { expected: `${field} to be ${expected}`, found: quote(issue.input) };
}

/** Inputs that an output of a short convolution is made of: at most far more than any has. */
export const tapCount = count(1024);

const configOperation = 'read the configuration';

/** The error of a configuration that cannot be: file, expected, found. */
export function configError(file: string, expected: string, found: string): MoeqError {
  return new MoeqError({ operation: configOperation, subject: file, expected, found });
}
