import { wasmBackend } from '@moeq/wasm';
import { parseHTML } from 'linkedom';
import { beforeAll, expect, test } from 'vitest';
import { type Measured, measure } from './measure.ts';
import { picture } from './picture.ts';
import { page } from './table.ts';
import { fourLevels, variants } from './variants.ts';

let measured: Measured;

beforeAll(async () => {
  const texts = [
    { name: 'ids', ids: Array.from({ length: 48 }, (_, i) => (i === 0 ? 1 : (i * 337) % 4096)) },
  ];
  const backend = await wasmBackend();
  measured = await measure({ variants, texts, backend }).finally(() => backend.destroy());
});

test('2 bits are four levels', () => {
  const weights = Float32Array.from({ length: 128 }, (_, i) => Math.sin(i));
  const decoded = fourLevels.dequantize(fourLevels.quantize(weights, [2, 64], { name: 'w', dtype: 'F32' }));
  const largest = Math.max(...weights.subarray(0, 64).map(Math.abs));
  const levels = [...new Set(decoded.subarray(0, 64))].map((value) => value / largest).sort((a, b) => a - b);
  expect(levels).toHaveLength(4);
  for (const [index, level] of [-1, -1 / 3, 1 / 3, 1].entries()) expect(levels[index]).toBeCloseTo(level, 6);
});

test('the exact model first, then every variant, with the bits and the share of what was quantized', () => {
  const { rows, tokens } = measured;
  expect(tokens).toBe(47);
  expect(rows.map(({ group, label }) => [group, label])).toEqual([
    ['exact', 'bf16'],
    ...variants.map(({ group, label }) => [group, label]),
  ]);
  const [exact, ...others] = rows;
  expect(exact).toMatchObject({
    klDivergence: { mean: 0, max: 0 },
    top1Agreement: 1,
    routerAgreement: { mean: 1, worst: 1 },
  });
  const bits = others.map(({ bitsPerWeight }) => Number(bitsPerWeight.toFixed(2)));
  // Rows of 256 or blocks of 64 with a scale of 32 bits, double quantization; 2 bits of the 4 that are held.
  expect(bits).toEqual([8.13, 4.5, 4.5, 2.5, 8.13, 4.13, 4.5, 4.5]);
  for (const { group, share, relativeError, klDivergence } of others) {
    expect(share).toBeCloseTo((group === 'router' ? 12_288 : 9_437_184) / 12_532_992, 6);
    expect(relativeError).toBeGreaterThan(0);
    expect(klDivergence.mean).toBeGreaterThan(0);
  }
  const kl = (label: string) =>
    others.find((row) => row.group === 'router' && row.label === label)?.klDivergence.mean ?? Number.NaN;
  expect(kl('int8')).toBeLessThan(kl('int4'));
  expect(kl('int4')).toBeLessThan(kl('2 bits'));
});

test('the page has a line a row in its tables; the picture stands alone', () => {
  const text = page(measured.rows, measured.tokens, 'x.svg');
  expect(text.match(/^\| (?!format|---)/gm)).toHaveLength(measured.rows.length + 1);
  expect(text).not.toMatch(/NaN|undefined/);
  const svg = picture(measured.rows);
  expect(svg).not.toMatch(/NaN|undefined|<script|href/);
  const { document } = parseHTML(svg);
  expect(document.querySelectorAll('circle')).toHaveLength(2 * variants.length);
});
