// What is quantized, and to what: routers with exact experts, and experts with exact routers.
import { codebookQuantizer, type QuantizerData, type RecipeData } from '@moeq/quantizers';

export interface Variant {
  readonly group: 'router' | 'experts';
  readonly label: string;
  readonly recipe: RecipeData;
  /** Bits that a code takes in memory and would not have to: four levels need 2 bits and are held in 4. */
  readonly paddingBits: number;
}

/**
 * 2 bits: four even levels of the largest weight of 64, -1, -1/3, 1/3 and 1, the nearest taken. Layouts have codes of 4 or
 * 8 bits, so the table names each level four times and the codes are counted as the 2 bits that they need.
 */
export const fourLevels = codebookQuantizer({
  name: 'four-levels',
  values: [-1, -1 / 3, 1 / 3, 1].flatMap((level) => [level, level, level, level]),
  blockSize: 64,
});

const formats = {
  int8: { name: 'int8', granularity: 'row' },
  nf4: { name: 'nf4', blockSize: 64 },
  'nf4 + double': { name: 'nf4', blockSize: 64, doubleQuant: true },
  fp4: { name: 'fp4', blockSize: 64 },
  int4: { name: 'int4', symmetric: true, blockSize: 64 },
  '2 bits': { name: fourLevels.name },
} as const satisfies Record<string, QuantizerData>;

function variant(group: Variant['group'], label: keyof typeof formats): Variant {
  const role = group === 'router' ? 'router' : 'expert';
  const name = `${group}-${label.replace(/\W+/g, '-')}`;
  const recipe: RecipeData = { name, rules: [{ role, quantizer: formats[label] }] };
  return { group, label, recipe, paddingBits: label === '2 bits' ? 2 : 0 };
}

export const variants: readonly Variant[] = [
  variant('router', 'int8'),
  variant('router', 'nf4'),
  variant('router', 'int4'),
  variant('router', '2 bits'),
  variant('experts', 'int8'),
  variant('experts', 'nf4 + double'),
  variant('experts', 'int4'),
  variant('experts', 'fp4'),
];
