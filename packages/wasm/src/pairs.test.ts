// Activations in pairs, as assembly/activation-pairs.ts writes them for 4-bit codebooks: how much is lost, and that no sum
// of theirs leaves its integers.
import { seededRandom } from '@moeq/kernels/conformance';
import { describe, expect, test } from 'vitest';
import { orders } from './abi/enumerations.js';
import type { KernelExports } from './kernel-exports.js';
import { compileKernels } from './kernel-module.js';

const [input, output] = [65536, 2 * 65536];

/** Products of a pair with levels of up to 255 have to fit 16 bits. */
const largestOfPair = 128;

interface Pairs {
  /** scale * m * q of every number, in their order. */
  readonly values: Float64Array;
  readonly integers: Int8Array;
  readonly multipliers: Int16Array;
  /** What kernels add for levels that count 128 less; 0 where none do. */
  readonly start: number;
  readonly scale: number;
  readonly sum: number;
}

describe.each(['relaxed', 'plain'] as const)('pairs, %s SIMD', (simd) => {
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 65536 });
  const setup = async () => {
    const { exports } = await WebAssembly.instantiate(await compileKernels(simd, false), { env: { memory } });
    return exports as unknown as KernelExports;
  };

  const quantize = (kernels: KernelExports, x: Float32Array, order: keyof typeof orders): Pairs => {
    new Float32Array(memory.buffer, input, x.length).set(x);
    kernels.quantizePairs(input, 1, x.length, x.length, orders[order], output);
    const view = new DataView(memory.buffer, output);
    const end = 4 + 2 * x.length;
    const scale = view.getFloat32(end, true);
    const values = new Float64Array(x.length);
    const integers = new Int8Array(x.length);
    const multipliers = new Int16Array(x.length);
    // of every 16 bytes those for low nibbles, then those for high ones: four numbers and two multipliers each
    for (let i = 0; i < x.length; i++) {
      const [eight, high, place] = [Math.floor(i / 8), Math.floor(i / 4) % 2, i % 4];
      const at = 4 + 16 * eight + 8 * high;
      const number = numberAt[order](eight, high, place);
      integers[number] = view.getInt8(at + place);
      multipliers[number] = view.getInt16(at + 4 + 2 * Math.floor(place / 2), true);
      values[number] = scale * (integers[number] as number) * (multipliers[number] as number);
    }
    const sum = view.getFloat32(end + 4, true);
    return { values, integers, multipliers, start: view.getInt32(0, true), scale, sum };
  };

  const numberAt: Record<keyof typeof orders, (eight: number, high: number, place: number) => number> = {
    highFirst: (eight, high, place) => 8 * eight + 2 * place + 1 - high,
    lowFirst: (eight, high, place) => 8 * eight + 2 * place + high,
    splitHalves: (eight, high, place) => 32 * Math.floor(eight / 4) + 16 * high + 4 * (eight % 4) + place,
  };

  const cases = (['highFirst', 'lowFirst', 'splitHalves'] as const).flatMap((order) =>
    ([32, 64] as const).map((unit) => ({ order, unit })),
  );

  test.each(cases)(
    '$order, units of $unit: little is lost, of normal and of far numbers',
    async ({ order, unit }) => {
      const kernels = await setup();
      const random = seededRandom(`${Math.random()}`);
      for (const spread of [0, 1]) {
        let [lost, all] = [0, 0];
        for (let i = 0; i < 300; i++) {
          const [normals, exponents] = [random.normals(unit, 1), random.normals(unit, spread)];
          const size = 10 ** ((i % 60) - 30);
          const x = normals.map((value, j) => size * value * Math.exp(exponents[j] as number));
          const { values, integers, multipliers, start, sum } = quantize(kernels, x, order);
          const misses = x.map((value, j) => ((values[j] as number) - value) / size);
          const squares = misses.reduce((total, value) => total + value * value, 0);
          const size2 = x.reduce((total, value) => total + (value / size) ** 2, 0);
          expect(Math.sqrt(squares / size2)).toBeLessThan(0.007);
          [lost, all] = [lost + squares / size2, all + 1];
          assertFits(integers, multipliers, order, unit);
          const whole = integers.reduce((total, value, j) => total + value * (multipliers[j] as number), 0);
          expect(simd === 'plain' ? [0] : [0, 128 * whole]).toContain(start);
          const expected = values.reduce((total, value) => total + value, 0);
          expect(Math.abs(sum - expected)).toBeLessThanOrEqual(1e-6 * size * unit);
        }
        expect(Math.sqrt(lost / all)).toBeLessThan(0.0015);
      }
    },
  );

  test.each(cases)('$order, units of $unit: the largest sums fit', async ({ order, unit }) => {
    const kernels = await setup();
    const signs: ((i: number) => number)[] = [() => 1, () => -1, (i) => (i % 2 ? -1 : 1), (i) => (i % 3) - 1];
    for (const sign of signs) {
      for (const ratio of [1, 0.999, 0.97, 0.5, 1e-3]) {
        const x = Float32Array.from({ length: unit }, (_, i) => sign(i) * (i % 4 < 2 ? 1 : ratio));
        const { integers, multipliers } = quantize(kernels, x, order);
        assertFits(integers, multipliers, order, unit);
      }
    }
  });

  test('zeros, and numbers too small to count, are zeros', async () => {
    const kernels = await setup();
    for (const value of [0, 1e-40]) {
      const { values, sum } = quantize(kernels, new Float32Array(64).fill(value), 'lowFirst');
      expect(Math.max(...values.map(Math.abs), Math.abs(sum))).toBe(0);
    }
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    '%d reaches the result',
    async (value) => {
      const kernels = await setup();
      const x = new Float32Array(64).fill(1);
      x[37] = value;
      expect(quantize(kernels, x, 'splitHalves').scale).not.toSatisfy(Number.isFinite);
    },
  );

  /** Neighbours in a byte's order share a multiplier. */
  const assertFits = (
    integers: Int8Array,
    multipliers: Int16Array,
    order: keyof typeof orders,
    unit: number,
  ): void => {
    let total = 0;
    for (let i = 0; i < unit; i += 2) {
      const [eight, high, place] = [Math.floor(i / 8), Math.floor(i / 4) % 2, i % 4];
      const [a, b] = [numberAt[order](eight, high, place), numberAt[order](eight, high, place + 1)];
      const pair = Math.abs(integers[a] as number) + Math.abs(integers[b] as number);
      expect(multipliers[a]).toBe(multipliers[b]);
      expect(multipliers[a]).toBeGreaterThan(0);
      expect(pair).toBeLessThanOrEqual(largestOfPair);
      total += 255 * pair * (multipliers[a] as number);
    }
    expect(total).toBeLessThan(2 ** 31);
  };
});
