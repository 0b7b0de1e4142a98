import { describe, expect, test } from 'vitest';
import { roles, type TensorFacts } from '../role.js';
import { fromBitsAndBytesConfig } from './bitsandbytes-config.js';
import type { Recipe } from './recipe.js';
import { resolve } from './resolve.js';

function quantizedRoles(recipe: Recipe, name = 'model.x.weight'): string[] {
  return roles.filter((role) => {
    const action = resolve(recipe, { name, role, shape: [64, 64] } satisfies TensorFacts);
    return action !== null && action !== 'keep';
  });
}

describe('fromBitsAndBytesConfig', () => {
  test('nf4 with double quantization in bfloat16', () => {
    const recipe = fromBitsAndBytesConfig({
      load_in_4bit: true,
      bnb_4bit_quant_type: 'nf4',
      bnb_4bit_use_double_quant: true,
      bnb_4bit_compute_dtype: 'torch.bfloat16',
    });
    expect(quantizedRoles(recipe)).toEqual(['expert', 'sharedExpert', 'attention', 'denseMlp']);
    expect(recipe.rules.map(({ quantizer }) => quantizer !== 'keep' && quantizer.name)).toEqual(['nf4-dq']);
    expect(recipe.computeDtype).toBe('F32');
    expect(recipe.notes.join('; ')).toContain('compute dtype bfloat16 runs in float32');
    expect(recipe.notes.join('; ')).toContain('routers are kept');
  });

  test('fp4 is the default type, and float16 is used where asked for', () => {
    const recipe = fromBitsAndBytesConfig({ load_in_4bit: true, bnb_4bit_compute_dtype: 'float16' });
    expect(recipe.rules[0]?.quantizer).toMatchObject({ name: 'fp4' });
    expect(recipe.computeDtype).toBe('F16');
  });

  test('int8, and a list of modules to skip lets the head be quantized', () => {
    const recipe = fromBitsAndBytesConfig({
      load_in_8bit: true,
      llm_int8_threshold: 5,
      llm_int8_skip_modules: ['lm_head'],
    });
    expect(quantizedRoles(recipe)).toContain('head');
    expect(quantizedRoles(recipe, 'lm_head.weight')).toEqual([]);
    expect(recipe.notes.join('; ')).toContain('llm_int8_threshold has no effect');
  });

  test('what transformers writes into config.json', () => {
    const recipe = fromBitsAndBytesConfig({
      _load_in_4bit: true,
      _load_in_8bit: false,
      bnb_4bit_compute_dtype: 'float32',
      bnb_4bit_quant_storage: 'bfloat16',
      bnb_4bit_quant_type: 'nf4',
      bnb_4bit_use_double_quant: false,
      llm_int8_enable_fp32_cpu_offload: true,
      llm_int8_has_fp16_weight: false,
      llm_int8_skip_modules: null,
      llm_int8_threshold: 6.0,
      load_in_4bit: true,
      load_in_8bit: false,
      quant_method: 'bitsandbytes',
    });
    expect(recipe.notes.join('; ')).toContain('the same bytes as bfloat16');
    expect(recipe.notes.join('; ')).toContain('llm_int8_enable_fp32_cpu_offload has no effect');
  });

  test('the router only where it is allowed', () => {
    const recipe = fromBitsAndBytesConfig({ load_in_4bit: true }, { allowRouterQuantization: true });
    expect(quantizedRoles(recipe)).toContain('router');
    expect(recipe.notes.join('; ')).not.toContain('routers are kept');
  });

  test.each<[unknown, string]>([
    [{}, 'one of load_in_4bit and load_in_8bit to be true, found neither'],
    [{ load_in_4bit: true, load_in_8bit: true }, 'found both'],
    [{ load_in_4bit: true, _load_in_4bit: false }, 'a contradiction'],
    [{ load_in_4bit: true, llm_int8_has_fp16_weight: true }, 'nothing is trained here'],
    [{ load_in_4bit: 1 }, 'load_in_4bit: cannot read: expected boolean, found 1'],
    [{ load_in_4bit: true, bnb_4bit_blocksize: 64 }, 'found "bnb_4bit_blocksize"'],
    [{ load_in_4bit: true, bnb_4bit_quant_type: 'int4' }, 'one of "nf4", "fp4", found "int4"'],
    [{ load_in_4bit: true, bnb_4bit_compute_dtype: 'float64' }, 'found "float64"'],
    [{ load_in_4bit: true, llm_int8_skip_modules: 'lm_head' }, 'a list'],
    ['nf4', 'an object'],
  ])('refuses %j', (value, message) => {
    expect(() => fromBitsAndBytesConfig(value)).toThrow(message);
  });
});
