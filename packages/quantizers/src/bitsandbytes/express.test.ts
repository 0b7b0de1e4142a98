import { describe, expect, test } from 'vitest';
import { doubleQuant } from '../double-quant.js';
import { int4 } from '../int4.js';
import { int8 } from '../int8.js';
import { nf4 } from '../nf4.js';
import { recipes } from '../recipe/recipe.js';
import { resolve } from '../recipe/resolve.js';
import { moduleOf, skipTest } from '../recipe/skip-modules.js';
import type { Role, TensorFacts } from '../role.js';
import { canExpress, type Expression } from './express.js';

function facts(name: string, role: Role, shape: number[], layer?: number): TensorFacts {
  return { name, role, shape, ...(layer === undefined ? {} : { layer }) };
}

/** Names as Mixtral's on the hub; `mlp.gate_proj` stands beside the router's `gate` to set a trap. */
const tensors: TensorFacts[] = [
  facts('model.embed_tokens.weight', 'embedding', [100, 64]),
  ...[1, 13].flatMap((layer) => [
    facts(`model.layers.${layer}.input_layernorm.weight`, 'norm', [64], layer),
    facts(`model.layers.${layer}.self_attn.q_proj.weight`, 'attention', [64, 64], layer),
    facts(`model.layers.${layer}.self_attn.q_proj.bias`, 'attention', [64], layer),
    facts(`model.layers.${layer}.block_sparse_moe.gate.weight`, 'router', [4, 64], layer),
    facts(`model.layers.${layer}.block_sparse_moe.experts.0.w1.weight`, 'expert', [32, 64], layer),
    facts(`model.layers.${layer}.shared.gate_proj.weight`, 'sharedExpert', [32, 64], layer),
  ]),
  facts('lm_head.weight', 'head', [100, 64]),
];

function express(recipe: keyof typeof recipes, of = tensors): Expression {
  return canExpress(of.map((each) => ({ facts: each, quantizer: resolve(recipes[recipe], each) ?? 'keep' })));
}

test('what stands beside the decoder is skipped by what its names begin with', () => {
  const found = express('nf4', [
    ...tensors,
    facts('mtp.fc.weight', 'other', [64, 64]),
    facts('mtp.layers.0.block_sparse_moe.experts.0.w1.weight', 'other', [64, 64]),
    facts('model.layers.14.block_sparse_moe.experts.0.w1.weight', 'other', [32, 64]),
    facts('visual.blocks.0.attn.qkv.weight', 'other', [64, 64]),
  ]);
  if (!found.expressible) throw new Error(found.reason);
  expect(found.config.llm_int8_skip_modules).toEqual([
    ...['lm_head', 'q_proj', 'gate', 'gate_proj'],
    ...['mtp\\.', 'model\\.layers\\.14\\.', 'visual\\.'],
  ]);
});

/** The modules that transformers will take for quantized. */
function converted({ config }: Extract<Expression, { expressible: true }>): string[] {
  const skips = skipTest(config.llm_int8_skip_modules);
  return tensors
    .filter(({ shape, role }) => shape.length === 2 && role !== 'embedding')
    .map(({ name }) => moduleOf(name))
    .filter((module) => !skips(module));
}

describe('canExpress', () => {
  test('nf4 of single experts, and what stays is skipped', () => {
    const found = express('nf4');
    if (!found.expressible) throw new Error(found.reason);
    expect(found.config).toEqual({
      quant_method: 'bitsandbytes',
      _load_in_4bit: true,
      _load_in_8bit: false,
      load_in_4bit: true,
      load_in_8bit: false,
      llm_int8_skip_modules: ['lm_head', 'q_proj', 'gate', 'gate_proj'],
      llm_int8_enable_fp32_cpu_offload: false,
      llm_int8_has_fp16_weight: false,
      bnb_4bit_quant_type: 'nf4',
      bnb_4bit_use_double_quant: true,
      bnb_4bit_compute_dtype: 'bfloat16',
      bnb_4bit_quant_storage: 'uint8',
    });
    expect(converted(found)).toEqual(
      [1, 13].map((layer) => `model.layers.${layer}.block_sparse_moe.experts.0.w1`),
    );
  });

  test('int8', () => {
    const found = express('int8');
    expect(found.expressible && found.config).toMatchObject({
      load_in_8bit: true,
      load_in_4bit: false,
      bnb_4bit_use_double_quant: false,
    });
  });

  test('the head is skipped where it shares the weights of the embedding', () => {
    const found = express(
      'nf4',
      tensors.filter(({ role }) => role !== 'head'),
    );
    expect(found.expressible && found.config.llm_int8_skip_modules).toContain('lm_head');
  });

  test('a head that is quantized is not', () => {
    const assignments = tensors.map((each) => ({
      facts: each,
      quantizer: each.role === 'head' ? nf4() : ('keep' as const),
    }));
    const found = canExpress(assignments);
    if (!found.expressible) throw new Error(found.reason);
    expect(converted(found)).toEqual(['lm_head']);
  });

  test('one kept layer among quantized ones is skipped by itself', () => {
    const assignments = tensors.map((each) => {
      const kept = each.layer === 1 || each.role !== 'attention' || each.shape.length < 2;
      return { facts: each, quantizer: kept ? ('keep' as const) : nf4() };
    });
    const found = canExpress(assignments);
    if (!found.expressible) throw new Error(found.reason);
    expect(converted(found)).toEqual(['model.layers.13.self_attn.q_proj']);
  });

  test('a kept module whose name ends every way like a quantized one is skipped by a pattern', () => {
    const found = canExpress([
      { facts: facts('gate.weight', 'attention', [4, 4]), quantizer: 'keep' },
      { facts: facts('model.gate.weight', 'attention', [4, 4]), quantizer: nf4() },
    ]);
    if (!found.expressible) throw new Error(found.reason);
    const skips = skipTest(found.config.llm_int8_skip_modules);
    expect([skips('gate'), skips('model.gate')]).toEqual([true, false]);
  });

  test.each<[string, Expression]>([
    [
      'lm_head.weight is int8 in blocks of row where other tensors are nf4 in blocks of 64, double-quantized',
      express('nf4-all'),
    ],
    ['which bitsandbytes does not have', express('int4')],
    ['is fused', express('nf4', [facts('model.layers.0.mlp.experts.down_proj', 'expert', [4, 8, 64])])],
    ['no tensor is quantized', canExpress([{ facts: tensors[0] as TensorFacts, quantizer: 'keep' }])],
    ['is no linear layer', canExpress([{ facts: tensors[0] as TensorFacts, quantizer: nf4() }])],
    [
      'int8 {"granularity":"block","blockSize":64}',
      canExpress([
        { facts: facts('a.weight', 'expert', [4, 64]), quantizer: int8({ granularity: 'block' }) },
      ]),
    ],
    [
      'has nested blocks of 128',
      canExpress([
        { facts: facts('a.weight', 'expert', [4, 64]), quantizer: doubleQuant(nf4(), { blockSize: 128 }) },
      ]),
    ],
    [
      'nf4 in blocks of 128 where other tensors are nf4 in blocks of 64',
      canExpress([
        { facts: facts('a.weight', 'expert', [4, 64]), quantizer: nf4() },
        { facts: facts('b.weight', 'expert', [4, 64]), quantizer: nf4({ blockSize: 128 }) },
      ]),
    ],
    ['int4 {', canExpress([{ facts: facts('a.weight', 'expert', [4, 64]), quantizer: int4() }])],
  ])('not: %s', (reason, found) => {
    expect(found.expressible ? '' : found.reason).toContain(reason);
  });
});
