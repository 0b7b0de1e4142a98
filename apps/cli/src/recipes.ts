// Recipes by name, of the two containers that `moeq quantize` writes.
import { ggufRecipeNames } from '@moeq/convert';
import { recipes } from '@moeq/quantizers';
import { MoeqError } from '@moeq/tensors';

export type Container = 'safetensors' | 'gguf';

/** What each recipe for safetensors does; the first is the default. */
const summaries: Readonly<Record<keyof typeof recipes, string>> = {
  nf4: 'experts in NF4, block 64, double-quantized; all else as it is (the default)',
  'nf4-all': 'also attention, dense MLPs and shared experts in NF4, the head in int8',
  int4: 'experts in int4',
  int8: 'experts in int8',
  mixed: 'experts in NF4, attention and shared experts in int8',
};

const names: Readonly<Record<Container, readonly string[]>> = {
  safetensors: Object.keys(recipes),
  gguf: [...ggufRecipeNames.experts, ...ggufRecipeNames.all],
};

/** Lines for the help of the command. */
export function recipeHelp(): string {
  const { experts, all } = ggufRecipeNames;
  const ofGguf = [
    [experts.join(', '), 'experts in that type; all else as it is (the default is iq4_nl)'],
    [all.join(', '), 'everything in that type'],
  ] as const;
  const width = Math.max(...ofGguf.map(([name]) => name.length));
  const lines = (entries: readonly (readonly [string, string])[], pad: number) =>
    entries.map(([name, text]) => `  ${name.padEnd(pad)}  ${text}`).join('\n');
  return `Recipes by name, of --to safetensors (the default):
${lines(Object.entries(summaries), width)}
In models without experts, what these say of experts is done to dense MLPs.
Recipes by name, of --to gguf:
${lines(ofGguf, width)}`;
}

/** @throws MoeqError for the name of a recipe that is of the other container */
export function assertRecipeOf(container: Container, recipe: string): void {
  const other = container === 'gguf' ? 'safetensors' : 'gguf';
  if (names[container].includes(recipe) || !names[other].includes(recipe)) return;
  throw new MoeqError({
    operation: 'quantize',
    subject: 'option --recipe',
    expected: `a recipe of --to ${container}: ${names[container].join(', ')}, or a file`,
    found: `${recipe}, which is one of --to ${other}`,
  });
}
