// The rotation of config.json: `rope_parameters`, or `rope_scaling` and `rope_theta` as it was before transformers 5. Types,
// optional keys and defaults are those of transformers (modeling_rope_utils.py).
import { type DecoderConfig, layerMixer, type RopeConfig, type RopeScaling, withMixers } from '@moeq/runtime';
import { isObject, quote } from '@moeq/tensors';
import * as v from 'valibot';
import { configError, count, explain, maxContext, positive } from './config.js';

const length = count(maxContext);
const factors = v.array(positive, 'a list of numbers above 0');
/** Takes the default where it is absent, null or 0, as Python's `or`. */
const positiveOr = (absent: number) =>
  v.pipe(
    v.nullish(v.union([v.literal(0), positive], 'a number from 0'), absent),
    v.transform((value) => value || absent),
  );

const thetaOnly = { rope_theta: v.nullish(positive) };
const common = { ...thetaOnly, partial_rotary_factor: v.nullish(positive) };
const original = { ...common, original_max_position_embeddings: v.nullish(length) };

const schemas = {
  // partial_rotary_factor is not read here: architectures that know it have read it
  default: v.object(thetaOnly),
  linear: v.object({ ...original, factor: positive }),
  // alpha, which wins over the factor, is Hunyuan's
  dynamic: v.object({ ...common, factor: positive, alpha: v.nullish(v.number('a number')) }),
  llama3: v.object({
    ...original,
    factor: positive,
    low_freq_factor: positive,
    high_freq_factor: positive,
  }),
  yarn: v.object({
    ...original,
    factor: v.nullable(positive),
    attention_factor: v.nullish(positive),
    mscale: v.nullish(v.number('a number')),
    mscale_all_dim: v.nullish(v.number('a number')),
    beta_fast: positiveOr(32),
    beta_slow: positiveOr(1),
    // absent is true, and null is false
    truncate: v.optional(v.nullable(v.boolean('true or false')), true),
  }),
  longrope: v.object({
    ...original,
    factor: v.nullish(positive),
    attention_factor: v.nullish(positive),
    short_factor: factors,
    long_factor: factors,
    // of Phi-3.5-MoE, in place of the attention factor
    short_mscale: v.nullish(positive),
    long_mscale: v.nullish(positive),
  }),
};

type Kind = keyof typeof schemas;
type RopeParameters<Name extends Kind> = v.InferOutput<(typeof schemas)[Name]>;

/** What the rest of config.json says. */
interface Context {
  /** max_position_embeddings */
  readonly longest: number;
  /** original_max_position_embeddings beside the parameters, which wins. */
  readonly original: number | null;
  readonly rotatedDim: number;
  fail(field: string, expected: string, found: unknown): never;
}

/**
 * The decoder with the rotation that config.json gives it, and the context that it makes room for.
 * @param decoder with its architecture's default of theta
 * @param file for messages
 * @param absent the parameters where config.json has none
 * @throws MoeqError naming the field that is missing or malformed, or a type of rotation that is not known
 */
export function withRotation(
  decoder: DecoderConfig,
  config: Readonly<Record<string, unknown>>,
  file: string,
  absent: Readonly<Record<string, unknown>> = {},
): DecoderConfig {
  const mixers = decoder.layers.flatMap((layer) => layerMixer(layer) ?? []);
  const [first] = mixers.flatMap((mixer) => ('rope' in mixer && mixer.rope !== null ? [mixer] : []));
  if (first?.rope == null) return decoder;
  const { rope } = first;
  const { name, parameters } = parametersOf(config, file, absent);
  const fail = (field: string, expected: string, found: unknown): never => {
    throw configError(file, `${name}.${field} to be ${expected}`, quote(found));
  };
  const kind = kindOf(parameters, fail);
  const parsed = <Schema extends v.GenericSchema>(schema: Schema): v.InferOutput<Schema> => {
    const result = v.safeParse(schema, parameters);
    if (result.success) return result.output;
    const { expected, found } = explain(result.issues[0], `${name}.`);
    throw configError(file, expected, found);
  };
  const { rope_theta: own } = parsed(schemas.default);
  const beside = parseBeside(config, file);
  const plainTheta = own ?? beside.rope_theta ?? rope.theta;
  if (kind === 'yarn' && plainTheta === 1)
    fail('rope_theta', 'other than 1, where YaRN has no frequencies', plainTheta);
  const context: Context = {
    longest: decoder.contextLength,
    original: beside.original_max_position_embeddings ?? null,
    rotatedDim: rope.rotatedDim,
    fail,
  };
  // attention that turns whole heads fails in transformers where a scaled rotation says otherwise
  const turnsWhole = first.kind === 'attention' && rope.rotatedDim === first.headDim;
  const { partial_rotary_factor: share } = parsed(v.object(common));
  if (kind !== 'default' && turnsWhole && share != null && share !== 1)
    fail('partial_rotary_factor', '1', share);
  const alpha = kind === 'dynamic' ? parsed(schemas.dynamic).alpha : null;
  const theta = alpha ? plainTheta * alpha ** (rope.rotatedDim / (rope.rotatedDim - 2)) : plainTheta;
  const scaling = alpha ? null : scalingOf(kind, parsed, context);
  const scaled: RopeConfig = { ...rope, theta, ...(scaling !== null && { scaling: scaling.scaling }) };
  const contextLength = Math.max(decoder.contextLength, Math.min(scaling?.reach ?? 0, maxContext));
  const scores = kind === 'default' ? 1 : scoreFactor(parsed(scoreSchema), scaling?.scaling);
  const layers = withMixers(decoder.layers, (mixer) => {
    if (!('rope' in mixer) || mixer.rope === null) return mixer;
    if (mixer.kind === 'attention') return { ...mixer, rope: scaled };
    return { ...mixer, rope: scaled, scale: mixer.scale * scores };
  });
  return { ...decoder, contextLength, layers };
}

const scoreSchema = v.object({
  mscale_all_dim: v.nullish(v.number('a number')),
  factor: v.nullish(positive),
});

/** What latent attention multiplies its scores by, beside what YaRN does to cosines and sines (transformers, deepseek_v3). */
function scoreFactor(
  { mscale_all_dim: all, factor }: v.InferOutput<typeof scoreSchema>,
  scaling: RopeScaling | undefined,
): number {
  const stretch = scaling?.kind === 'yarn' ? scaling.factor : (factor ?? 1);
  return all ? magnitude(stretch, all) ** 2 : 1;
}

/** `rope_scaling` wins where both are there, unless it is an empty object. */
function parametersOf(
  config: Readonly<Record<string, unknown>>,
  file: string,
  absent: Readonly<Record<string, unknown>>,
): { name: string; parameters: Readonly<Record<string, unknown>> } {
  for (const name of ['rope_scaling', 'rope_parameters']) {
    const value = config[name];
    if (value === undefined || value === null) continue;
    if (!isObject(value)) throw configError(file, `${name} to be an object`, quote(value));
    if (Object.keys(value).length > 0 || name === 'rope_parameters') return { name, parameters: value };
  }
  return { name: 'rope_parameters', parameters: absent };
}

function kindOf(parameters: Readonly<Record<string, unknown>>, fail: Context['fail']): Kind {
  const { rope_type: newer, type: older } = parameters;
  const field = newer == null && older != null ? 'type' : 'rope_type';
  const value = newer ?? older ?? 'default';
  const known = Object.keys(schemas) as Kind[];
  const kind = known.find((each) => each === value);
  return kind ?? fail(field, `one of ${known.join(', ')}`, value);
}

const besideSchema = v.object({
  rope_theta: v.nullish(positive),
  original_max_position_embeddings: v.nullish(length),
});

function parseBeside(config: Readonly<Record<string, unknown>>, file: string) {
  const result = v.safeParse(besideSchema, config);
  if (result.success) return result.output;
  const { expected, found } = explain(result.issues[0]);
  throw configError(file, expected, found);
}

/** Tokens that the rotation reaches, beside what max_position_embeddings says. */
interface Scaled {
  readonly scaling: RopeScaling;
  readonly reach: number;
}

function scalingOf(
  kind: Kind,
  parsed: <Name extends Kind>(schema: (typeof schemas)[Name]) => RopeParameters<Name>,
  context: Context,
): Scaled | null {
  const { longest, fail } = context;
  switch (kind) {
    case 'default':
      return null;
    case 'linear': {
      const { factor, original_max_position_embeddings: before } = parsed<'linear'>(schemas.linear);
      return { scaling: { kind, factor }, reach: Math.floor((before ?? longest) * factor) };
    }
    case 'dynamic': {
      const { factor } = parsed<'dynamic'>(schemas.dynamic);
      if (context.rotatedDim <= 2) fail('rope_type', 'one that suits heads of 2 dimensions', kind);
      return { scaling: { kind, factor, originalLength: longest }, reach: Math.floor(longest * factor) };
    }
    case 'llama3':
      return { scaling: llama3(parsed<'llama3'>(schemas.llama3), context), reach: longest };
    case 'yarn': {
      const scaling = yarn(parsed<'yarn'>(schemas.yarn), context);
      return { scaling, reach: Math.floor(scaling.originalLength * scaling.factor) };
    }
    case 'longrope':
      return { scaling: longrope(parsed<'longrope'>(schemas.longrope), context), reach: longest };
  }
}

function llama3(parameters: RopeParameters<'llama3'>, context: Context) {
  const { factor, low_freq_factor: low, high_freq_factor: high } = parameters;
  if (high <= low) context.fail('high_freq_factor', `above low_freq_factor, ${low}`, high);
  return {
    kind: 'llama3' as const,
    factor,
    originalLength: originalLength(parameters, context),
    lowFrequencyFactor: low,
    highFrequencyFactor: high,
  };
}

function yarn(parameters: RopeParameters<'yarn'>, context: Context) {
  const before = originalLength(parameters, context);
  const { mscale, mscale_all_dim: all, beta_fast: betaFast, beta_slow: betaSlow, truncate } = parameters;
  const factor = parameters.factor ?? context.longest / before;
  const both = mscale ? (all ? magnitude(factor, mscale) / magnitude(factor, all) : null) : null;
  return {
    kind: 'yarn' as const,
    factor,
    originalLength: before,
    betaFast,
    betaSlow,
    truncate: truncate === true,
    attentionFactor: parameters.attention_factor ?? both ?? magnitude(factor, 1),
  };
}

/** What YaRN multiplies cosines and sines by: 0.1 m ln(s) + 1. */
export function magnitude(scale: number, mscale: number): number {
  return scale <= 1 ? 1 : 0.1 * mscale * Math.log(scale) + 1;
}

function longrope(parameters: RopeParameters<'longrope'>, context: Context) {
  const before = originalLength(parameters, context);
  const { short_factor: shortFactors, long_factor: longFactors } = parameters;
  const pairs = context.rotatedDim / 2;
  for (const [field, list] of Object.entries({ short_factor: shortFactors, long_factor: longFactors })) {
    if (list.length !== pairs) context.fail(field, `a list of ${pairs} numbers, half a head`, list.length);
  }
  if (before < 2) context.fail('original_max_position_embeddings', 'at least 2', before);
  const factor = parameters.factor ?? context.longest / before;
  const computed = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(before));
  const { short_mscale: short, long_mscale: long } = parameters;
  if (short != null && long != null && short !== long)
    context.fail('long_mscale', `short_mscale, ${short}`, long);
  return {
    kind: 'longrope' as const,
    originalLength: before,
    shortFactors,
    longFactors,
    attentionFactor: short ?? parameters.attention_factor ?? computed,
  };
}

function originalLength(
  { original_max_position_embeddings: own }: { original_max_position_embeddings?: number | null | undefined },
  { original: beside, longest }: Context,
): number {
  return beside ?? own ?? longest;
}
