// What quantizing a router costs and saves, for users who permit it. The measured loss of agreement is Gemma 4 26B's
// (huggingface/transformers issue 48801): of the experts chosen with an exact router, an INT4 one still chooses 86.1 %, an
// INT2 one 56.8 %.
import { elementCount, formatBytes, planeSpecs } from '@moeq/tensors';
import { checkedLayout } from '../checked.js';
import type { TensorFacts } from '../role.js';
import type { Recipe } from './recipe.js';
import { resolve } from './resolve.js';

/**
 * One sentence with the numbers of this checkpoint, or null where the recipe keeps the routers.
 * @param tensors all of the checkpoint
 * @param bytesPerWeight of a kept weight
 */
export function routerWarning(
  recipe: Recipe,
  tensors: Iterable<TensorFacts>,
  bytesPerWeight = 2,
): string | null {
  let count = 0;
  let before = 0;
  let after = 0;
  let unknown = false;
  let total = 0;
  const formats = new Set<string>();
  for (const facts of tensors) {
    total += elementCount(facts.shape);
    const quantizer = facts.role === 'router' ? resolve(recipe, facts) : null;
    const [rows, columns] = facts.shape;
    if (quantizer === null || quantizer === 'keep' || rows === undefined || columns === undefined) continue;
    const layout = checkedLayout(quantizer, [rows, columns], facts.name);
    formats.add(quantizer.name);
    count += 1;
    before += bytesPerWeight * rows * columns;
    if (layout === null) unknown = true;
    else after += planeSpecs(layout, [rows, columns]).reduce((sum, { bytes }) => sum + bytes, 0);
  }
  if (count === 0) return null;
  const share = ((100 * before) / (bytesPerWeight * total)).toPrecision(2);
  return (
    `recipe ${recipe.name} quantizes ${count} routers to ${[...formats].join(', ')}: ` +
    `${formatBytes(before)} become ${unknown ? 'a number of bytes that no layout says' : formatBytes(after)}, of weights that are ${share} % of the model, ` +
    'and tokens go to other experts (on Gemma 4 26B an INT4 router keeps 86 % of its choices)'
  );
}
