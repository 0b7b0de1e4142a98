import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nf4 } from '@moeq/quantizers';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../testkit/checkpoint.js';
import { loadPlugins } from './plugin.js';
import { loadRecipe } from './recipe-file.js';

const data = { name: 'mine', rules: [{ role: 'expert', quantizer: { name: 'fp4' } }] };
const own = { ...nf4(), name: 'my-nf4' };

test('names of built-in recipes and of own quantizers', async () => {
  expect(await loadRecipe('mixed')).toBe('mixed');
  expect(await loadRecipe('my-nf4', [own])).toEqual({
    name: 'my-nf4',
    rules: [{ role: 'expert', quantizer: { name: 'my-nf4' } }],
  });
  await expect(loadRecipe('my-nf4')).rejects.toThrow(
    'recipe "my-nf4": cannot read the recipe: expected one of nf4, nf4-all, int4, int8, mixed, or a file',
  );
  await expect(loadRecipe('nf5', [own])).rejects.toThrow('mixed, my-nf4, or a file');
  await expect(loadRecipe('toString')).rejects.toThrow('found none of them');
  await expect(loadRecipe('mixed', [{ ...own, name: 'mixed' }])).rejects.toThrow(
    'a plugin and a built-in recipe share',
  );
});

test('files of JSON and modules', async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  await writeFile(at('good.json'), JSON.stringify(data));
  await writeFile(at('good.mjs'), `export default ${JSON.stringify(data)};`);
  expect(await loadRecipe(at('good.json'))).toEqual(data);
  expect(await loadRecipe(at('good.mjs'))).toEqual(data);
  const bad: readonly [file: string, content: string | null, message: string][] = [
    ['none.json', null, 'no file that can be read'],
    ['none.mjs', null, 'no such file'],
    ['html.json', '<!DOCTYPE html>', 'text that begins with "<!DOCTYPE html>"'],
    ['list.json', '[1]', 'an object that holds a recipe, found "[1]"'],
    ['throws.mjs', 'throw new Error("no")', 'the error "no"'],
    ['named.mjs', 'export const recipe = {}', 'expected a default export, found none'],
  ];
  for (const [file, content, message] of bad) {
    if (content !== null) await writeFile(at(file), content);
    const load = loadRecipe(at(file));
    await expect(load, file).rejects.toThrow(message);
    await expect(load, file).rejects.toThrow(at(file));
  }
});

test('plugins: a quantizer, a list, a function that makes them; anything else is named', async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const quantizer = (name: string) =>
    `{ specificationVersion: 'v1', name: '${name}', options: {}, layout() {}, quantize() {}, dequantize() {} }`;
  await writeFile(at('one.mjs'), `export default ${quantizer('one')};`);
  await writeFile(at('two.mjs'), `export default [${quantizer('two')}, ${quantizer('three')}];`);
  await writeFile(at('made.mjs'), `export default () => (${quantizer('four')});`);
  const loaded = await loadPlugins(['one.mjs', 'two.mjs', 'made.mjs'].map(at));
  expect(loaded.map(({ name }) => name)).toEqual(['one', 'two', 'three', 'four']);
  await writeFile(at('bad.mjs'), `export default { specificationVersion: 'v1', name: 'Bad Name' };`);
  await expect(loadPlugins([at('bad.mjs')])).rejects.toThrow(at('bad.mjs'));
  await writeFile(at('number.mjs'), 'export default 7;');
  await expect(loadPlugins([at('number.mjs')])).rejects.toThrow(at('number.mjs'));
});
