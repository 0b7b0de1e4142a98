import { describe, expect, test } from 'vitest';
import { codebookQuantizer } from '../codebook-quantizer.js';
import type { Quantizer } from '../quantizer.js';
import { type Projection, type Role, roles, type TensorFacts } from '../role.js';
import type { RuleData } from './data.js';
import { parseRecipe, recipes } from './recipe.js';
import { resolve } from './resolve.js';
import { routerWarning } from './router-warning.js';
import { skipTest } from './skip-modules.js';

const shape = [64, 64];
const tensor = (role: Role, more: Partial<TensorFacts> = {}): TensorFacts => ({
  name: 'x.weight',
  role,
  shape,
  ...more,
});
const formatOf = (found: Quantizer | 'keep' | null) =>
  found === null || found === 'keep' ? found : found.name;
const mine = () =>
  codebookQuantizer({ name: 'mine', values: Array.from({ length: 16 }, (_, i) => (i - 8) / 8) });
const recipeOf = (...rules: RuleData[]) => parseRecipe({ name: 'test', rules });

describe('recipes', () => {
  test.each<[keyof typeof recipes, Partial<Record<Role, string>>]>([
    ['nf4', { expert: 'nf4-dq' }],
    [
      'nf4-all',
      { expert: 'nf4-dq', sharedExpert: 'nf4-dq', attention: 'nf4-dq', denseMlp: 'nf4-dq', head: 'int8' },
    ],
    ['int4', { expert: 'int4-dq' }],
    ['int8', { expert: 'int8' }],
    ['mixed', { expert: 'nf4-dq', attention: 'int8', sharedExpert: 'int8' }],
  ])('%s', (name, quantized) => {
    const found = roles.map((role) => [role, formatOf(resolve(recipes[name], tensor(role)))]);
    expect(Object.fromEntries(found)).toEqual(
      Object.fromEntries(roles.map((role) => [role, quantized[role] ?? (role === 'other' ? 'keep' : null)])),
    );
    expect(parseRecipe(name).data).toEqual(recipes[name].data);
    expect(parseRecipe(JSON.parse(JSON.stringify(recipes[name].data))).name).toBe(name);
  });
});

describe('resolve', () => {
  test('the first rule that fits decides, and null says that none does', () => {
    const recipe = recipeOf(
      { role: 'expert', layer: [0, 7], quantizer: 'keep' },
      { role: 'expert', layer: { from: 2, to: 3 }, expert: 5, quantizer: { name: 'int8' } },
      { role: ['expert', 'attention'], quantizer: { name: 'nf4', doubleQuant: { blockSize: 128 } } },
    );
    const found = (role: Role, layer: number, expert = 0) =>
      formatOf(resolve(recipe, tensor(role, { layer, expert })));
    expect([found('expert', 0), found('expert', 7), found('expert', 1)]).toEqual(['keep', 'keep', 'nf4-dq']);
    expect([
      found('expert', 2, 5),
      found('expert', 3, 5),
      found('expert', 4, 5),
      found('expert', 2, 4),
    ]).toEqual(['int8', 'int8', 'nf4-dq', 'nf4-dq']);
    expect([found('attention', 0), found('denseMlp', 0)]).toEqual(['nf4-dq', null]);
  });

  test('vectors are kept, those of all experts in one tensor too', () => {
    const recipe = recipeOf({ role: ['attention', 'expert'], quantizer: { name: 'nf4' } });
    expect(resolve(recipe, tensor('attention', { shape: [64] }))).toBe('keep');
    const biases = { shape: [8, 64], isMatrix: false, projection: 'downProj' } as const;
    expect(resolve(recipe, tensor('expert', biases))).toBe('keep');
    expect(formatOf(resolve(recipe, tensor('expert', { ...biases, isMatrix: true })))).toBe('nf4');
  });

  test.each<[Projection | Projection[], Projection, string | null]>([
    ['downProj', 'downProj', 'nf4'],
    ['downProj', 'upProj', null],
    ['gateUpProj', 'gateProj', 'nf4'],
    ['gateUpProj', 'upProj', 'nf4'],
    ['gateUpProj', 'downProj', null],
    [['gateProj', 'upProj'], 'gateUpProj', 'nf4'],
    ['gateUpProj', 'gateUpProj', 'nf4'],
    ['downProj', 'gateUpProj', null],
  ])('projection %j of a tensor that is %s: %s', (wanted, projection, format) => {
    const recipe = recipeOf({ role: 'expert', projection: wanted, quantizer: { name: 'nf4' } });
    expect(formatOf(resolve(recipe, tensor('expert', { projection })))).toBe(format);
  });

  test('a rule for a part of a fused tensor is an error', () => {
    const fused = tensor('expert', { shape: [4, 64, 64], projection: 'gateUpProj' });
    const gate = recipeOf({ role: 'expert', projection: 'gateProj', quantizer: { name: 'nf4' } });
    expect(() => resolve(gate, fused)).toThrow('a rule for all of its gate and up projections');
    const one = recipeOf({ role: 'expert', expert: 3, quantizer: { name: 'nf4' } });
    expect(() => resolve(one, fused)).toThrow('a rule for all of its experts');
  });

  test('what stands beside the decoder is kept, and a recipe that would quantize it refused', () => {
    expect(resolve(recipes['nf4-all'], tensor('other'))).toBe('keep');
    const rule = { role: ['expert', 'other'], quantizer: { name: 'nf4' } };
    expect(() => parseRecipe({ name: 'mine', rules: [rule] })).toThrow(
      /recipe "mine": .*expected role other to be kept, .*found a rule that quantizes it to nf4/,
    );
    expect(parseRecipe({ name: 'mine', rules: [{ role: 'other', quantizer: 'keep' }] }).rules).toHaveLength(
      1,
    );
  });

  test('modules to skip are kept', () => {
    const recipe = parseRecipe({
      name: 'skip',
      rules: [{ role: 'expert', quantizer: { name: 'nf4' } }],
      skipModules: ['w2', 'model.layers.0'],
    });
    const found = (name: string) => formatOf(resolve(recipe, tensor('expert', { name })));
    expect(
      ['model.layers.1.w2.weight', 'model.layers.0.w1.weight', 'model.layers.1.w1.weight'].map(found),
    ).toEqual(['keep', 'keep', 'nf4']);
  });
});

describe('parseRecipe', () => {
  const rule = (quantizer: unknown, role: Role = 'expert') => ({
    name: 'test',
    rules: [{ role, quantizer }],
  });

  test('finds quantizers of the user by name, double-quantized where asked', () => {
    const options = { quantizers: [mine()] };
    expect(formatOf(resolve(parseRecipe(rule({ name: 'mine' }), options), tensor('expert')))).toBe('mine');
    expect(
      formatOf(resolve(parseRecipe(rule({ name: 'mine', doubleQuant: true }), options), tensor('expert'))),
    ).toBe('mine-dq');
  });

  test('refuses to quantize a router without permission', () => {
    expect(() => parseRecipe(rule({ name: 'nf4' }, 'router'))).toThrow('the router to be kept');
    const recipe = parseRecipe(rule({ name: 'int4' }, 'router'), { allowRouterQuantization: true });
    const router = tensor('router', { shape: [8, 1024] });
    const others = tensor('expert', { shape: [8, 1024, 1024] });
    expect(routerWarning(recipe, [router, router, others])).toBe(
      'recipe test quantizes 2 routers to int4: 32.8 kB become 10.2 kB, of weights that are 0.19 % of the model, and ' +
        'tokens go to other experts (on Gemma 4 26B an INT4 router keeps 86 % of its choices)',
    );
    expect(routerWarning(recipes.nf4, [router])).toBeNull();
    expect(parseRecipe(rule('keep', 'router')).rules.length).toBe(1);
  });

  test.each<[string, unknown, string]>([
    ['an unknown recipe', 'nf5', 'expected one of nf4, nf4-all, int4, int8, mixed, found "nf5"'],
    ['no recipe', 7, 'an object with the keys name, rules, skipModules, found 7'],
    ['an unknown key', { ...rule('keep'), rule: [] }, 'only the keys name, rules, skipModules, found "rule"'],
    [
      'an unknown key of a rule',
      { name: 'a', rules: [{ role: 'expert', layers: 1, quantizer: 'keep' }] },
      'found "rules.0.layers"',
    ],
    [
      'an unknown role',
      rule('keep', 'experts' as Role),
      'rules.0.role: cannot read the recipe: expected one of expert,',
    ],
    ['no roles', { name: 'a', rules: [{ role: [], quantizer: 'keep' }] }, 'at least one'],
    ['an unknown quantizer', rule({ name: 'nf5' }), 'expected one of nf4, fp4, int4, int8, found "nf5"'],
    ['a quantizer called as on Object', rule({ name: 'constructor' }), 'found "constructor"'],
    [
      'an unknown option',
      rule({ name: 'nf4', blocksize: 64 }),
      'nf4: cannot read options: expected only the keys blockSize, found "blocksize"',
    ],
    ['an option out of range', rule({ name: 'nf4', blockSize: 63 }), 'found 63'],
    ['a quantizer that is no object', rule('nf4'), "expected 'keep' or { name, ...options }"],
    [
      'options of double quantization',
      rule({ name: 'nf4', doubleQuant: { block: 1 } }),
      'nf4-dq: cannot read options',
    ],
    [
      'a range backwards',
      { name: 'a', rules: [{ role: 'expert', layer: { from: 3, to: 2 }, quantizer: 'keep' }] },
      'found 3 to 2',
    ],
    [
      'a negative layer',
      { name: 'a', rules: [{ role: 'expert', layer: -1, quantizer: 'keep' }] },
      'a number from 0',
    ],
    ['a name with spaces', { name: 'a b', rules: [] }, 'lower case letters, digits and hyphens'],
  ])('refuses %s', (_, value, message) => {
    expect(() => parseRecipe(value)).toThrow(message);
  });

  test('refuses quantizers that share a name, or are none', () => {
    expect(() => parseRecipe('nf4', { quantizers: [mine(), mine()] })).toThrow(
      'quantizer "mine": cannot use the quantizers',
    );
    expect(() => parseRecipe('nf4', { quantizers: [{ ...mine(), name: 'int8' }] })).toThrow(
      'beside nf4, fp4, int4, int8',
    );
    expect(() => parseRecipe('nf4', { quantizers: [{} as Quantizer] })).toThrow('specificationVersion');
    expect(() => parseRecipe(rule({ name: 'mine', blockSize: 64 }), { quantizers: [mine()] })).toThrow(
      'comes ready made',
    );
    expect(() => parseRecipe(rule({ name: 'other' }), { quantizers: [mine()] })).toThrow(
      'one of nf4, fp4, int4, int8, mine, found "other"',
    );
  });
});

describe('skipTest', () => {
  test.each([
    ['lm_head', 'lm_head', true],
    ['lm_head', 'model.lm_head', true],
    ['gate', 'model.layers.0.mlp.gate', true],
    ['gate', 'model.layers.0.mlp.gate_proj', false],
    ['model.layers.1', 'model.layers.1.mlp.gate', true],
    ['model.layers.1', 'model.layers.12.mlp.gate', true],
    ['model.layers.1\\.', 'model.layers.12.mlp.gate', false],
    ['model.layers.[0-3].self_attn', 'model.layers.2.self_attn.q_proj', true],
    ['self_attn', 'model.layers.2.self_attn.q_proj', false],
  ])('%s on %s: %s', (entry, module, skipped) => {
    expect(skipTest([entry])(module)).toBe(skipped);
  });

  test.each(['', '(', '(a+)+$', 'a'.repeat(201)])('refuses %j', (entry) => {
    expect(() => skipTest([entry])).toThrow('cannot read the modules to skip');
  });
});
