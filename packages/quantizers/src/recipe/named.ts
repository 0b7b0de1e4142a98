// The recipes that come with moeq. The router, norms and embeddings are kept by all of them.
import type { RecipeData } from './data.js';

/** QLoRA's setting: 4.127 bits per weight. */
const nf4 = { name: 'nf4', blockSize: 64, doubleQuant: true } as const;

/** The row-wise absmax of LLM.int8, which bitsandbytes and transformers read. */
const int8 = { name: 'int8', granularity: 'row' } as const;

/** 4.25 bits per weight; integers times a scale, for kernels that have no table. */
const int4 = { name: 'int4', symmetric: true, blockSize: 32, search: true, doubleQuant: true } as const;

export const namedRecipes = [
  { name: 'nf4', rules: [{ role: 'expert', quantizer: nf4 }] },
  {
    name: 'nf4-all',
    rules: [
      { role: ['expert', 'sharedExpert', 'attention', 'denseMlp'], quantizer: nf4 },
      { role: 'head', quantizer: int8 },
    ],
  },
  { name: 'int4', rules: [{ role: 'expert', quantizer: int4 }] },
  { name: 'int8', rules: [{ role: 'expert', quantizer: int8 }] },
  {
    name: 'mixed',
    rules: [
      { role: 'expert', quantizer: nf4 },
      { role: ['attention', 'sharedExpert'], quantizer: int8 },
    ],
  },
] as const satisfies readonly RecipeData[];
