// The quantizers that users have, as tables name them.
import { codebookQuantizer, doubleQuant, fp4, int4, int8, nf4, type Quantizer } from '@moeq/quantizers';

export const searched = 'int4, searched scales';

export const quantizers: Readonly<Record<string, Quantizer>> = {
  'nf4, double-quantized': doubleQuant(nf4()),
  nf4: nf4(),
  fp4: fp4(),
  'a codebook of 16 evenly spaced values': codebookQuantizer({
    name: 'even',
    values: Array.from({ length: 16 }, (_, i) => i / 7.5 - 1),
  }),
  int4: int4(),
  'int4, asymmetric': int4({ symmetric: false }),
  [searched]: int4({ search: true }),
  'int8, rows': int8(),
  'int8, blocks of 64': int8({ granularity: 'block' }),
};
