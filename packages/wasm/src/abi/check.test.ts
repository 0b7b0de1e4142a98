// The check of the build: it passes as things are, and names what differs, whichever side it is on.
import { expect, test } from 'vitest';
import { type Abi, abi } from '../../build/abi.js';
import { abiDifferences } from '../../build/check-abi.js';

const none: Abi = { enumerations: {}, records: {}, constants: {}, sizes: {} };
const kernels = abi.enumerations['matrix:Kernel'] ?? {};
const cache = abi.records['attention:Cache'] ?? {};

test('host and kernels agree', async () => {
  expect(await abiDifferences(abi)).toEqual([]);
});

test('numbers that differ, or that one side lacks, are named', async () => {
  const { any, ...others } = kernels;
  const wrong = { ...others, signed8: any ?? 0, five: 5 };
  expect(await abiDifferences({ ...none, enumerations: { 'matrix:Kernel': wrong } })).toEqual([
    'Kernel.signed8: 7 in src/abi, 5 in assembly',
    'Kernel.five: 5 in src/abi, nothing in assembly',
    'Kernel.any: nothing in src/abi, 7 in assembly',
  ]);
});

test('fields that lie elsewhere or are of another kind are named', async () => {
  const { base, pageStride, ...others } = cache;
  const wrong = { pageStride: pageStride ?? 'u32', base: base ?? 'u32', ...others, valueDim: 'f32' } as const;
  expect(await abiDifferences({ ...none, records: { 'attention:Cache': wrong } })).toEqual([
    'place_Cache_pageStride: 0 in src/abi, 4 in assembly',
    'place_Cache_base: 4 in src/abi, 0 in assembly',
    'float_Cache_valueDim: 1 in src/abi, 0 in assembly',
  ]);
});

test('a field too few is a size that differs, one too many an error of the compiler that names it', async () => {
  const { paddedValueDim, ...fewer } = cache;
  expect(await abiDifferences({ ...none, records: { 'attention:Cache': fewer } })).toEqual([
    'size_Cache: 24 in src/abi, 28 in assembly',
  ]);
  const more = { ...fewer, paddedValueDim: paddedValueDim ?? 'u32', layer: 'u32' } as const;
  const [text] = await abiDifferences({ ...none, records: { 'attention:Cache': more } });
  expect(text).toMatch(/layer/);
});

test('sizes that differ are named with their arguments', async () => {
  const sizes = { 'matrix:scratchBytes': { of: (columns = 0) => 17 * columns, args: [[32]] } };
  expect(await abiDifferences({ ...none, sizes })).toEqual([
    'scratchBytes(32): 544 in src/abi, 1488 in assembly',
  ]);
});
