import { expect, test } from 'vitest';
import { codebookQuantizer } from './codebook-quantizer.js';
import { testQuantizer } from './conformance.js';
import { doubleQuant } from './double-quant.js';
import { fp4 } from './fp4.js';
import { int4 } from './int4.js';
import { int8 } from './int8.js';
import { nf4 } from './nf4.js';
import { rowRange, twelveBit } from './testkit/custom.js';

/** Budgets a little above what normal weights give; larger blocks have larger extremes, and so larger steps. */
testQuantizer({ make: () => nf4(), tolerance: 0.1 });
testQuantizer({ make: () => nf4({ blockSize: 32 }), tolerance: 0.095 });
testQuantizer({ make: () => nf4({ blockSize: 4096 }), tolerance: 0.15 });
testQuantizer({ make: () => fp4(), tolerance: 0.13 });
testQuantizer({ make: () => int8(), tolerance: 0.01 });
testQuantizer({ make: () => int8({ granularity: 'block' }), tolerance: 0.007 });
testQuantizer({ make: () => int4(), tolerance: 0.1 });
testQuantizer({ make: () => int4({ search: true }), tolerance: 0.1 });
testQuantizer({ make: () => int4({ symmetric: false }), tolerance: 0.09 });
testQuantizer({ make: () => int4({ symmetric: false, search: true, blockSize: 128 }), tolerance: 0.11 });
testQuantizer({ make: () => int4({ blockSize: 'row' }), tolerance: 0.15 });
for (const inner of [
  nf4(),
  fp4(),
  int8(),
  int8({ granularity: 'block' }),
  int4(),
  int4({ symmetric: false }),
]) {
  testQuantizer({ make: () => doubleQuant(inner), tolerance: 0.14 });
}
testQuantizer({
  make: () =>
    codebookQuantizer({ name: 'even-levels', values: Array.from({ length: 16 }, (_, i) => (i - 7) / 8) }),
  tolerance: 0.15,
});
testQuantizer({
  make: () =>
    codebookQuantizer({
      name: 'signed-bytes',
      values: Array.from({ length: 256 }, (_, i) => (i - 127) / 128),
    }),
  tolerance: 0.01,
});
testQuantizer({ make: twelveBit, tolerance: 0.05 });
testQuantizer({ make: rowRange, tolerance: 0.01 });
testQuantizer({
  make: () => doubleQuant(rowRange()),
  tolerance: 0.02,
  skip: [{ reason: 'its offsets are rounded', tests: ['keeps rows of zeros zero among others'] }],
});

test('an unknown option or case is refused', () => {
  expect(() => testQuantizer({ make: nf4, tolerence: 1 } as never)).toThrow(
    'option "tolerence": cannot test the quantizer: expected one of the options make, name, seed, skip, tolerance, found an unknown option, which is nearest to tolerance',
  );
  expect(() => testQuantizer({ make: nf4, skip: [{ reason: 'slow', tests: ['no such case'] }] })).toThrow(
    'option "skip.no such case": cannot test the quantizer',
  );
});
