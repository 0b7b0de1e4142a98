// Every architecture through the whole house: quantized to a folder and run from there, it gives the very bits of the same
// recipe applied while loading.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { float32View } from '@moeq/tensors';
import { openSafetensorsFile } from '@moeq/tensors/node';
import { expect, test } from 'vitest';
import { moeq } from './testkit/capture.js';
import { temporaryFolder } from './testkit/folder.js';

/** Tiny random checkpoints that transformers made; see packages/loader/testdata/README.md. */
const golden = (name: string) =>
  fileURLToPath(new URL(`../../../packages/loader/testdata/architectures/${name}`, import.meta.url));

const cases = ['mixtral', 'qwen2_moe', 'qwen3_moe', 'olmoe', 'granitemoe'].flatMap((architecture) =>
  (['nf4', 'mixed', 'int8'] as const).map((recipe) => ({ architecture, recipe })),
);

/** Of normal weights, over their own root mean square: NF4 in blocks of 64 with nested scales, and 8 bits in such blocks. */
const typicalError = { nf4: 0.092, mixed: 0.092, int8: 0.00595 } as const;
const expertFormat = { nf4: 'nf4-dq', mixed: 'nf4-dq', int8: 'int8' } as const;

test.each(cases)('$architecture in $recipe', async ({ architecture, recipe }) => {
  await using folder = await temporaryFolder();
  const model = golden(architecture);
  const at = (name: string) => join(folder.path, name);
  const quantized = await moeq(['quantize', model, '--out', at('out'), '--recipe', recipe, '--json']);
  expect(quantized.stderr).toBe('');
  const { coverage, errors } = JSON.parse(quantized.stdout);
  expect(coverage.fraction).toBe(1);
  expect(Math.abs(errors.byRole.expert / typicalError[recipe] - 1)).toBeLessThan(0.02);

  const { tensors } = JSON.parse((await moeq(['inspect', at('out'), '--json'])).stdout);
  const roles: { role: string; dtype?: string; format?: string }[] = tensors;
  for (const { role, dtype, format } of roles) {
    if (role === 'expert') expect(format).toBe(expertFormat[recipe]);
    if (['router', 'norm', 'embedding', 'head'].includes(role)) expect(dtype).toBe('BF16');
  }

  const { vocab_size: vocabulary } = JSON.parse(await readFile(join(model, 'config.json'), 'utf8'));
  const ids = Array.from({ length: 12 }, () => Math.floor(Math.random() * vocabulary));
  await writeFile(at('ids.json'), JSON.stringify([ids]));
  const logits = async (file: string, ...argv: string[]) => {
    const { status, stderr } = await moeq([
      'logits',
      ...argv,
      '--token-ids',
      at('ids.json'),
      '--out',
      at(file),
    ]);
    expect(status, stderr).toBe(0);
    const opened = await openSafetensorsFile(at(file));
    const { data } = await opened.read('logits');
    await opened.close();
    return data;
  };
  const [stored, loaded, plain] = [
    await logits('stored', at('out')),
    await logits('loaded', model, '--recipe', recipe),
    await logits('plain', model),
  ];
  expect(stored).toEqual(loaded);
  expect(stored).not.toEqual(plain);
  expect(float32View(stored).every(Number.isFinite)).toBe(true);
});
