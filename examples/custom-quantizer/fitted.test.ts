import { testQuantizer } from '@moeq/quantizers/conformance';
import { expect, test } from 'vitest';
import { fitLevels } from './fit-levels.ts';
import { fitted } from './fitted.ts';
import plugin from './plugin.ts';
import { expertMatrices } from './sample.ts';

const [matrix] = await expertMatrices('tiny-moe', 1);
const levels = [...fitLevels(matrix?.weights ?? new Float32Array(), 64)];

testQuantizer({ make: () => fitted({ levels }), tolerance: 0.092 });

test('the plugin has the levels of tiny-moe', () => {
  expect(plugin.options).toEqual({ levels });
});

test('a sample of only 16 values, one of them 0, gives these', () => {
  const values = Array.from({ length: 16 }, (_, i) => Math.sign(i - 7) * Math.abs((i - 7) / 8) ** 1.1);
  const sample = Float32Array.from({ length: 64 * 50 }, (_, i) => 0.03 * (values[(7 * i) % 16] ?? 0));
  fitLevels(sample, 64).forEach((level, code) => {
    expect(level).toBeCloseTo(values[code] ?? Number.NaN, 5);
  });
});

test('levels that cannot be are refused', () => {
  for (const levels of [[], Array(16).fill(1), Array(16).fill(Number.NaN)]) {
    expect(() => fitted({ levels })).toThrow('expected 16 levels that ascend from below 0 to above');
  }
});
