// Kernels beside the plain quantizers, over whole models: the same files, the same weights, the same report.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { QuantizeReport } from '@moeq/convert';
import { quantizeCheckpoint } from '@moeq/convert/node';
import type { LoadReport } from '@moeq/loader';
import { openModel } from '@moeq/loader/node';
import { readMlp } from '@moeq/runtime';
import { isQuantized, type MatrixEncoder } from '@moeq/tensors';
import { wasmEncoder } from '@moeq/wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let folder = '';
/** The encoder, and how many matrices it had a kernel for. */
let encoded = 0;
const kernels = wasmEncoder({ threads: 2 });
const encoder: MatrixEncoder = {
  ...kernels,
  async encode(...matrix) {
    const result = await kernels.encode(...matrix);
    if (result !== null) encoded++;
    return result;
  },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moeq-encoder-'));
});
afterAll(async () => {
  await kernels.close();
  await rm(folder, { recursive: true });
});

const rules = (quantizer: unknown) => ({
  name: 'test',
  rules: [{ role: ['expert', 'attention'], quantizer }],
});

/** Names, recipes, and how many quantizers they have. */
const recipes: readonly [string, unknown, number][] = [
  ['nf4', 'nf4', 1],
  ['nf4-all', 'nf4-all', 2],
  ['int4', 'int4', 1],
  ['int8', 'int8', 1],
  ['mixed', 'mixed', 2],
  ['fp4', rules({ name: 'fp4', blockSize: 128 }), 1],
];

/** What does not depend on time, place or the last digits of a sum. */
function essence({ files, bytes, coverage, byRole, form }: QuantizeReport) {
  const roles = byRole.map(({ relativeError: _, ...role }) => role);
  return { files, bytes, coverage, roles, form };
}

/** Reads that are made at the same time end in any order. */
function byName({ tensors, ...report }: LoadReport) {
  return { ...report, tensors: tensors.toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
}

describe.each(recipes)('%s', (name, recipe, quantizers) => {
  test('makes the same files, and reports the same errors to 1e-6', async () => {
    const common = { model: 'tiny-moe', recipe };
    const plain = await quantizeCheckpoint({ ...common, out: join(folder, `${name}-plain`) });
    encoded = 0;
    const fast = await quantizeCheckpoint({ ...common, out: join(folder, `${name}-fast`), encoder });
    const quantized = plain.byRole.filter(({ stored }) => !stored.includes('BF16'));
    expect(quantized.map(({ role }) => role)).toContain('expert');
    // each quantizer is tried out once
    expect(encoded).toBe(quantized.reduce((sum, { tensors }) => sum + tensors, quantizers));
    expect(essence(fast)).toEqual(essence(plain));
    for (const [index, { role, relativeError }] of plain.byRole.entries()) {
      const found = fast.byRole[index]?.relativeError ?? Number.NaN;
      expect(Math.abs(found - relativeError), role).toBeLessThanOrEqual(1e-6 * relativeError);
    }
    const worst = ({ errors }: QuantizeReport) => errors.worst.map((matrix) => matrix.name);
    expect(worst(fast)).toEqual(worst(plain));
  });

  test('gives the same weights while loading', async () => {
    const plain = await openModel('tiny-moe', { recipe: recipe as string });
    const fast = await openModel('tiny-moe', { recipe: recipe as string, encoder });
    const [expected, found] = await Promise.all(
      [plain, fast].map((source) => readMlp(source, 'expert', { layer: 0, expert: 1 })),
    );
    expect(found !== undefined && isQuantized(found.down)).toBe(true);
    expect(found).toEqual(expected);
    expect(byName(fast.report())).toEqual(byName(plain.report()));
    await Promise.all([plain.close(), fast.close()]);
  });
});
