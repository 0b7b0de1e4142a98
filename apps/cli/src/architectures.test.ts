// Every architecture through the whole house: quantized to a folder and run from there, it gives the very bits of the same
// recipe applied while loading.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { float32View } from '@moeq/tensors';
import { openSafetensorsFile } from '@moeq/tensors/node';
import { expect, test } from 'vitest';
import {
  denseNames,
  densePath,
  goldenNames,
  goldenPath,
} from '../../../packages/loader/src/testkit/golden.js';
import { isThorough } from '../../../packages/webgpu/src/testkit/gpu.js';
import { moeq } from './testkit/capture.js';
import { temporaryFolder } from './testkit/folder.js';

/** Every golden checkpoint (see packages/loader/testdata/README.md), and those among them that get all recipes. */
const thorough = ['mixtral', 'qwen2_moe', 'qwen3_moe', 'olmoe', 'granitemoe'];
const cases = goldenNames.flatMap((architecture) =>
  (['nf4', 'mixed', 'int8'] as const)
    .filter((recipe) => recipe === 'nf4' || thorough.includes(architecture))
    .map((recipe) => ({ architecture, recipe })),
);

/** Those without experts, all of them where a run is asked to be thorough: their dense MLPs get what a recipe says of experts. */
const denseCases = denseNames
  .filter((name) => isThorough || ['gemma3_text', 'llama'].includes(name))
  .map((architecture) => {
    const recipe = architecture === 'llama' ? ('mixed' as const) : ('nf4' as const);
    return { architecture, recipe, isDense: true };
  });

/** Of normal weights, over their own root mean square: NF4 in blocks of 64 with nested scales, and 8 bits in such blocks. */
const typicalError = { nf4: 0.092, mixed: 0.092, int8: 0.00595 } as const;
/** Of the golden checkpoints. */
const smallestVocabulary = 128;
const expertFormat = { nf4: 'nf4-dq', mixed: 'nf4-dq', int8: 'int8' } as const;

test.each([...cases.map((each) => ({ ...each, isDense: false })), ...denseCases])(
  '$architecture in $recipe, without experts: $isDense',
  async ({ architecture, recipe, isDense }) => {
    await using folder = await temporaryFolder();
    const model = isDense ? densePath(architecture) : goldenPath(architecture);
    const most = isDense ? 'denseMlp' : 'expert';
    const at = (name: string) => join(folder.path, name);
    const quantized = await moeq(['quantize', model, '--out', at('out'), '--recipe', recipe, '--json']);
    expect(quantized.stderr).toMatch(
      isDense
        ? /^note: the model has no experts: the recipe \w+ does to its dense MLPs what it says of experts\n$/
        : /^(?:note: carried along as it is: .*\n)?$/,
    );
    const { coverage, errors } = JSON.parse(quantized.stdout);
    expect(coverage.fraction).toBe(1);
    // rows of dense ones are shorter than blocks
    expect(Math.abs(errors.byRole[most] / typicalError[recipe] - 1)).toBeLessThan(isDense ? 0.2 : 0.02);

    const { tensors } = JSON.parse((await moeq(['inspect', at('out'), '--json'])).stdout);
    const stored: { name: string; role: string; format?: string }[] = tensors;
    for (const { name, role, format } of stored) {
      if (role === most && !name.endsWith('bias')) expect(format, name).toBe(expertFormat[recipe]);
      if (['router', 'norm', 'embedding', 'head'].includes(role)) expect(format, name).toBeUndefined();
    }

    const ids = Array.from({ length: 12 }, () => Math.floor(Math.random() * smallestVocabulary));
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
    const [ofFolder, loaded, plain] = [
      await logits('stored', at('out')),
      await logits('loaded', model, '--recipe', recipe),
      await logits('plain', model),
    ];
    expect(ofFolder).toEqual(loaded);
    expect(ofFolder).not.toEqual(plain);
    expect(float32View(ofFolder).every(Number.isFinite)).toBe(true);
  },
);
