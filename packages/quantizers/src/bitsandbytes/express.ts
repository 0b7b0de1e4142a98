// Whether bitsandbytes can hold a checkpoint, and the quantization_config with which transformers reads it:
// utils/quantization_config.py, BitsAndBytesConfig.to_dict. One setting holds for the whole checkpoint: a 4-bit type, its
// block size and double quantization, or row-wise int8; and only linear layers are quantized.
import { type FloatDType, torchNames } from '@moeq/tensors';
import { checkedLayout } from '../checked.js';
import type { Quantizer } from '../quantizer.js';
import { moduleOf, skipTest } from '../recipe/skip-modules.js';
import type { Role, TensorFacts } from '../role.js';
import { bitsandbytesForm, quantTypeOf } from './form.js';

/** A tensor of the checkpoint and what becomes of it. */
export interface Assignment {
  readonly facts: TensorFacts;
  readonly quantizer: Quantizer | 'keep';
}

export type Expression =
  /** The quantization_config to write into config.json. */
  | { readonly expressible: true; readonly config: BitsandbytesConfig }
  /** One clause that names a tensor. */
  | { readonly expressible: false; readonly reason: string };

/** As transformers writes it, without llm_int8_threshold. */
export type BitsandbytesConfig = Readonly<ReturnType<typeof configOf>>;

/** The nested block size that bitsandbytes' kernels have built in. */
const nestedBlockSize = 256;

/** Roles whose weights are looked up or multiplied by element; bitsandbytes replaces linear layers only. */
const notLinear: readonly Role[] = ['embedding', 'norm'];

/**
 * @param assignments all tensors of the checkpoint
 * @param computeDtype that transformers shall multiply in; BF16 unless given
 */
export function canExpress(assignments: Iterable<Assignment>, computeDtype: FloatDType = 'BF16'): Expression {
  const all = [...assignments];
  let setting: Setting | null = null;
  for (const { facts, quantizer } of all) {
    if (quantizer === 'keep') continue;
    const found = settingOf(facts, quantizer);
    if (typeof found === 'string') return { expressible: false, reason: `${facts.name} ${found}` };
    if (setting !== null && JSON.stringify(found) !== JSON.stringify(setting)) {
      const reason = `${facts.name} is ${describe(found)} where other tensors are ${describe(setting)}`;
      return { expressible: false, reason };
    }
    setting = found;
  }
  if (setting === null) return { expressible: false, reason: 'no tensor is quantized' };
  return { expressible: true, config: configOf(setting, skippedModules(all), computeDtype) };
}

/** What all quantized tensors of a checkpoint share. */
interface Setting {
  readonly type: 'nf4' | 'fp4' | 'int8';
  readonly blockSize: number | 'row';
  readonly doubleQuant: boolean;
}

/** The setting of a quantized tensor, or why there is none. */
function settingOf(facts: TensorFacts, quantizer: Quantizer): Setting | string {
  const [rows = 0, columns = 0] = facts.shape;
  if (facts.shape.length !== 2) return 'is fused, and bitsandbytes quantizes matrices';
  if (notLinear.includes(facts.role))
    return `is no linear layer but ${facts.role}, which bitsandbytes leaves alone`;
  const layout = checkedLayout(quantizer, [rows, columns], facts.name);
  const head = { format: quantizer.name, shape: facts.shape, dtype: 'BF16', layout } as const;
  if (layout === null || bitsandbytesForm(facts.name, head) === null) {
    return `is ${quantizer.name} ${JSON.stringify(quantizer.options)}, which bitsandbytes does not have`;
  }
  const type = quantTypeOf(quantizer.name);
  if (type === null) return { type: 'int8', blockSize: 'row', doubleQuant: false };
  const { scale, blockSize } = layout;
  if (scale.kind === 'nested' && scale.blockSize !== nestedBlockSize) {
    return `has nested blocks of ${scale.blockSize}, and bitsandbytes knows ${nestedBlockSize}`;
  }
  return { type, blockSize, doubleQuant: scale.kind === 'nested' };
}

function describe({ type, blockSize, doubleQuant }: Setting): string {
  return `${type} in blocks of ${blockSize}${doubleQuant ? ', double-quantized' : ''}`;
}

/** llm_int8_threshold is left out: its default 6.0 holds, and JSON of JavaScript cannot write the float that is asked for. */
function configOf({ type, doubleQuant }: Setting, skip: readonly string[], computeDtype: FloatDType) {
  const fourBit = type !== 'int8';
  return {
    quant_method: 'bitsandbytes',
    _load_in_4bit: fourBit,
    _load_in_8bit: !fourBit,
    load_in_4bit: fourBit,
    load_in_8bit: !fourBit,
    llm_int8_skip_modules: skip,
    llm_int8_enable_fp32_cpu_offload: false,
    llm_int8_has_fp16_weight: false,
    bnb_4bit_quant_type: fourBit ? type : 'fp4',
    bnb_4bit_use_double_quant: doubleQuant,
    bnb_4bit_compute_dtype: torchNames[computeDtype],
    bnb_4bit_quant_storage: 'uint8',
  };
}

/**
 * llm_int8_skip_modules: entries under which every kept linear layer is skipped and no quantized one. An entry is the
 * shortest end of a name that does so, since transformers renames what stands before it; where none does, the whole name.
 */
function skippedModules(assignments: readonly Assignment[]): string[] {
  const modules = (wanted: boolean) =>
    assignments
      .filter(({ facts, quantizer }) => (quantizer === 'keep') === wanted && facts.shape.length === 2)
      .filter(({ facts }) => !notLinear.includes(facts.role) && facts.name.endsWith('.weight'));
  const quantized = modules(false);
  // the head exists as a layer even where it shares the embedding's weights and no tensor says so
  const entries = quantized.some(({ facts }) => facts.role === 'head') ? [] : ['lm_head'];
  const quantizedNames = quantized.map(({ facts }) => moduleOf(facts.name));
  for (const { facts } of modules(true)) {
    const module = moduleOf(facts.name);
    if (skipTest(entries)(module)) continue;
    const parts = module.split('.');
    const ends = parts.map((_, index) => parts.slice(parts.length - 1 - index).join('.'));
    const spares = (entry: string) => !quantizedNames.some(skipTest([entry]));
    // a tower or a prediction layer is skipped as a whole, by what its names begin with
    const beginnings = parts.slice(0, -1).map((_, index) => `${parts.slice(0, index + 1).join('\\.')}\\.`);
    const candidates = facts.role === 'other' ? beginnings : ends;
    entries.push(candidates.find(spares) ?? `${module.replaceAll('.', '\\.')}$`);
  }
  return entries;
}
