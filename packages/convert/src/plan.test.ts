import { type CheckpointTensor, openCheckpoint } from '@moeq/loader';
import { folder } from '@moeq/loader/node';
import { parseRecipe, type Recipe, recipes } from '@moeq/quantizers';
import { elementCount } from '@moeq/tensors';
import { expect, test } from 'vitest';
import { type ConversionPlan, type PlanOptions, planConversion } from './plan.js';
import { mixtralFolder, mixtralShapes } from './testkit/checkpoint.js';

async function plan(
  recipe: Recipe,
  options: PlanOptions & { fused?: boolean } = {},
): Promise<ConversionPlan> {
  await using model = await mixtralFolder(options);
  const { fused: _, ...rest } = options;
  const checkpoint = await openCheckpoint(folder(model.path));
  try {
    return planConversion(checkpoint, recipe, rest);
  } finally {
    await checkpoint.close();
  }
}

const recipe = (...rules: object[]) =>
  parseRecipe({ name: 'mine', rules }, { allowRouterQuantization: true });
const nf4 = { name: 'nf4' };

test('the default quantizes every expert, keeps all else, and adds up', async () => {
  const shapes = Object.entries(mixtralShapes());
  const { tensors, form, coverage, bytesIn, bytesOut, warnings } = await plan(recipes.nf4);
  expect(form).toBe('bitsandbytes');
  expect(warnings).toEqual([]);
  expect(tensors).toHaveLength(shapes.length);
  const quantized = tensors.filter(({ action }) => action !== 'keep').map(({ source }) => source.facts.name);
  expect(new Set(quantized)).toEqual(
    new Set(shapes.map(([name]) => name).filter((name) => name.includes('.experts.'))),
  );
  const bytes = (names: readonly (readonly [string, number[]])[]) =>
    names.reduce((sum, [, shape]) => sum + 2 * elementCount(shape), 0);
  const experts = shapes.filter(([name]) => name.includes('.experts.'));
  expect(bytesIn).toBe(bytes(shapes));
  expect(coverage).toEqual({
    expertBytesQuantized: bytes(experts),
    expertBytesTotal: bytes(experts),
    fraction: 1,
  });
  // 6144 weights: half a byte each, 96 codes of scales, their nested scale, two tables, and the description
  const each = 3072 + 96 + 4 + 64 + 1024;
  const rest = bytesOut - bytes(shapes) + bytes(experts) - experts.length * each;
  expect(rest / experts.length).toBeGreaterThan(150);
  expect(rest / experts.length).toBeLessThan(200);
});

test('an expert tensor that no rule speaks of is an error that names it', async () => {
  const first = 'model.layers.0.block_sparse_moe.experts.0.w1.weight';
  await expect(plan(recipe({ role: 'attention', quantizer: nf4 }))).rejects.toThrow(first);
  await expect(plan(recipe())).rejects.toThrow('a rule of the recipe mine that quantizes this expert tensor');
  const partly = recipe({ role: 'expert', layer: 0, quantizer: nf4 });
  await expect(plan(partly)).rejects.toThrow('model.layers.1.block_sparse_moe.experts.0.w1.weight');
  const down = recipe({ role: 'expert', projection: ['gateProj', 'upProj'], quantizer: nf4 });
  await expect(plan(down)).rejects.toThrow('experts.0.w2.weight');
});

test('experts that a rule or a skipped module keeps are kept, and coverage says so', async () => {
  const none = await plan(recipe({ role: 'expert', quantizer: 'keep' }));
  expect(none.coverage.fraction).toBe(0);
  expect(none.config).toBeNull();
  expect(none.bytesOut).toBe(none.bytesIn);
  const half = await plan(
    recipe({ role: 'expert', layer: 1, quantizer: 'keep' }, { role: 'expert', quantizer: nf4 }),
  );
  expect(half.coverage.fraction).toBe(0.5);
  const skipModules = ['model.layers.0.block_sparse_moe.experts'];
  const data = { name: 'mine', rules: [{ role: 'expert', layer: 1, quantizer: nf4 }], skipModules };
  expect((await plan(parseRecipe(data))).coverage.fraction).toBe(0.5);
});

test('biases of experts are kept, and coverage is that of the matrices', async () => {
  await using model = await mixtralFolder({ fused: true });
  const checkpoint = await openCheckpoint(folder(model.path));
  try {
    const [down] = checkpoint.tensors.filter(({ slot }) => slot === 'expertDown');
    if (down === undefined) throw new Error('there are experts');
    const facts = { ...down.facts, name: `${down.facts.name}_bias`, shape: [4, 64], isMatrix: false };
    const biases: CheckpointTensor = { ...down, facts, slot: 'expertDownBias', bytes: 2 * 4 * 64 };
    const plain = planConversion(checkpoint, recipes.nf4);
    const { tensors, coverage } = planConversion(
      { ...checkpoint, tensors: [...checkpoint.tensors, biases] },
      recipes.nf4,
    );
    expect(tensors.at(-1)).toMatchObject({ action: 'keep', bytes: 2 * 4 * 64 });
    expect(coverage).toEqual(plain.coverage);
    expect(coverage.fraction).toBe(1);
  } finally {
    await checkpoint.close();
  }
});

test('a router is quantized with permission and a warning, or not at all', async () => {
  const both = recipe({ role: ['expert', 'router'], quantizer: nf4 });
  const refusal = plan(both);
  await expect(refusal).rejects.toThrow('model.layers.0.block_sparse_moe.gate.weight');
  await expect(refusal).rejects.toThrow(
    'the router to be kept, or permission to quantize it given explicitly',
  );
  const { warnings, tensors } = await plan(both, { allowRouterQuantization: true });
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(
    /recipe mine quantizes 2 routers to nf4: 1\.02 kB become 288 B, of weights that are .* % of the model/,
  );
  const routers = tensors.filter(({ source }) => source.facts.role === 'router');
  expect(routers.map(({ action }) => action)).not.toContain('keep');
});

test('the form is bitsandbytes where it can express everything, else moeq', async () => {
  const forms = await Promise.all([
    plan(recipes.nf4),
    plan(recipes.int8),
    plan(recipes['nf4-all']),
    plan(recipes.mixed),
    plan(recipes.int4),
    plan(recipes.nf4, { fused: true }),
  ]);
  expect(forms.map(({ form }) => form)).toEqual([
    'bitsandbytes',
    'bitsandbytes',
    'moeq',
    'moeq',
    'moeq',
    'moeq',
  ]);
});

test('fused experts are one tensor of the plan, its parts for all of them', async () => {
  const { tensors, coverage } = await plan(recipes.nf4, { fused: true });
  expect(coverage.fraction).toBe(1);
  const fused = tensors.find(({ source }) => source.facts.name === 'model.layers.0.mlp.experts.down_proj');
  expect(fused?.parts).toEqual([
    { name: 'model.layers.0.mlp.experts.down_proj.codes', dtype: 'U8', shape: [4, 3072] },
    { name: 'model.layers.0.mlp.experts.down_proj.scales', dtype: 'U8', shape: [4, 96] },
    { name: 'model.layers.0.mlp.experts.down_proj.scalesNested', dtype: 'F32', shape: [4, 1] },
    { name: 'model.layers.0.mlp.experts.down_proj.scalesOffset', dtype: 'F32', shape: [4] },
  ]);
});
