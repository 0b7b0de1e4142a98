// BitsAndBytesConfig of transformers as a recipe: utils/quantization_config.py. It quantizes all linear layers but those
// skipped; here that is the roles expert, sharedExpert, attention and denseMlp, and the head where a list of modules to skip
// is given that does not name it. The router is kept, whichever class it has.

import { MoeqError } from '@moeq/tensors';
import * as v from 'valibot';
import { strict, validate } from '../options.js';
import type { Role } from '../role.js';
import { parseRecipe, type Recipe } from './recipe.js';

export interface BitsAndBytesRecipe extends Recipe {
  /** What products are to be computed in. */
  readonly computeDtype: 'F32' | 'F16';
}

const flag = v.optional(v.boolean(), false);

/** A torch dtype by name, `torch.` before it or not. */
const torchDType = (names: readonly [string, ...string[]]) =>
  v.pipe(
    v.string(),
    v.transform((name) => name.replace(/^torch\./, '')),
    v.picklist(names),
  );

const configSchema = strict({
  quant_method: v.optional(v.literal('bitsandbytes')),
  load_in_4bit: flag,
  load_in_8bit: flag,
  _load_in_4bit: v.optional(v.boolean()),
  _load_in_8bit: v.optional(v.boolean()),
  llm_int8_threshold: v.optional(v.number(), 6),
  llm_int8_skip_modules: v.nullish(v.array(v.string())),
  llm_int8_enable_fp32_cpu_offload: flag,
  llm_int8_has_fp16_weight: flag,
  bnb_4bit_compute_dtype: v.nullish(torchDType(['float32', 'bfloat16', 'float16'])),
  bnb_4bit_quant_type: v.optional(v.picklist(['nf4', 'fp4']), 'fp4'),
  bnb_4bit_use_double_quant: flag,
  bnb_4bit_quant_storage: v.nullish(
    torchDType(['uint8', 'int8', 'float16', 'bfloat16', 'float32', 'float64']),
  ),
});

/**
 * @param value the JSON of a BitsAndBytesConfig
 * @returns a recipe whose notes say what differs from transformers
 * @throws MoeqError for unknown keys and values, and unless one of load_in_4bit and load_in_8bit is true
 */
export function fromBitsAndBytesConfig(
  value: unknown,
  options: { readonly allowRouterQuantization?: boolean } = {},
): BitsAndBytesRecipe {
  const config = validate(configSchema, value, 'read', 'BitsAndBytesConfig');
  assertUsable(config);
  const skipModules = config.llm_int8_skip_modules;
  const role: Role[] = ['expert', 'sharedExpert', 'attention', 'denseMlp'];
  if (skipModules != null) role.push('head');
  if (options.allowRouterQuantization === true) role.push('router');
  const quantizer = config.load_in_8bit
    ? { name: 'int8' }
    : { name: config.bnb_4bit_quant_type, doubleQuant: config.bnb_4bit_use_double_quant };
  const recipe = parseRecipe(
    { name: 'bitsandbytes', rules: [{ role, quantizer }], ...(skipModules == null ? {} : { skipModules }) },
    options,
  );
  const computeDtype = config.load_in_4bit && config.bnb_4bit_compute_dtype === 'float16' ? 'F16' : 'F32';
  return { ...recipe, notes: [...recipe.notes, ...notes(config, role.includes('router'))], computeDtype };
}

type Config = v.InferOutput<typeof configSchema>;

function assertUsable(config: Config): void {
  const fail = (expected: string, found: string): never => {
    throw new MoeqError({ operation: 'use', subject: 'BitsAndBytesConfig', expected, found });
  };
  const { load_in_4bit: four, load_in_8bit: eight } = config;
  if (four === eight) fail('one of load_in_4bit and load_in_8bit to be true', four ? 'both' : 'neither');
  if ((config._load_in_4bit ?? four) !== four || (config._load_in_8bit ?? eight) !== eight) {
    fail('_load_in_4bit and _load_in_8bit to repeat load_in_4bit and load_in_8bit', 'a contradiction');
  }
  if (config.llm_int8_has_fp16_weight)
    fail('llm_int8_has_fp16_weight false, as nothing is trained here', 'true');
}

function notes(config: Config, router: boolean): string[] {
  const storage = config.bnb_4bit_quant_storage ?? 'uint8';
  const compute = config.bnb_4bit_compute_dtype;
  const said: (string | false)[] = [
    'experts are quantized whether the checkpoint holds them singly or fused; transformers leaves fused ones in 16 bits',
    !router && 'routers are kept, also where transformers would take them for linear layers',
    config.load_in_4bit && compute === 'bfloat16' && 'compute dtype bfloat16 runs in float32',
    config.load_in_4bit &&
      compute === 'float16' &&
      'compute dtype float16 is used where the device has it, else float32',
    config.load_in_4bit && storage !== 'uint8' && `codes are stored as uint8, the same bytes as ${storage}`,
    config.load_in_8bit && 'activations are not quantized, so llm_int8_threshold has no effect',
    config.llm_int8_enable_fp32_cpu_offload && 'llm_int8_enable_fp32_cpu_offload has no effect',
  ];
  return said.filter((note) => note !== false);
}
