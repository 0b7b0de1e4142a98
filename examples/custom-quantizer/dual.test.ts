import { openModel } from '@moeq/loader/node';
import { testQuantizer } from '@moeq/quantizers/conformance';
import { createModel } from '@moeq/runtime';
import { wasmBackend } from '@moeq/wasm';
import { expect, test } from 'vitest';
import { dual } from './dual.ts';
import { evenColumns } from './even-columns.ts';

testQuantizer({ make: dual, tolerance: 0.12 });

test('columns of any size are evened out', () => {
  const [rows, columns] = [48, 40];
  const weights = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i * i) * 4 ** (i % 3));
  const scales = evenColumns(weights, rows, columns);
  const powers = new Float64Array(columns);
  weights.forEach((weight, i) => {
    powers[i % columns] = (powers[i % columns] ?? 0) + (weight / (scales[i % columns] ?? 0)) ** 2;
  });
  expect(Math.max(...powers) / Math.min(...powers)).toBeLessThan(2);
});

test('a wide column costs the others nothing', () => {
  const shape = [16, 64] as const;
  const weights = Float32Array.from(
    { length: 16 * 64 },
    (_, i) => Math.sin(i * i) * (i % 64 === 9 ? 100 : 1),
  );
  const tensor = dual().quantize(weights, shape, { name: 'w', dtype: 'F32' });
  const error = dual()
    .dequantize(tensor)
    .reduce(
      (most, value, i) => (i % 64 === 9 ? most : Math.max(most, Math.abs(value - (weights[i] ?? 0)))),
      0,
    );
  expect(error).toBeLessThan(0.3);
});

test('on the CPU it is decoded when it is loaded, which is said; for a GPU it stays as it is', {
  timeout: 60_000,
}, async () => {
  const rules = [
    { role: 'expert', layer: { from: 0, to: 0 }, quantizer: { name: 'dual' } },
    { role: 'expert', quantizer: 'keep' },
  ] as const;
  const recipe = { name: 'mine', rules: [...rules] };
  const backend = await wasmBackend({ threads: 1 });
  for (const runs of [false, true]) {
    const source = await openModel('tiny-moe', { recipe, quantizers: [dual()], runsFormat: () => runs });
    const load = createModel(source, { backend });
    if (runs) await expect(load).rejects.toThrow('"dual"');
    else await (await load).close();
    const { tensors, notices } = source.report();
    expect(tensors.find(({ role }) => role === 'expert')?.loaded).toBe(runs ? 'dual' : 'F32');
    expect(notices.join()).toMatch(runs ? /^$/ : /no layout describes dual .* decoded to float32/);
    await source.close();
  }
  await backend.destroy();
});
