import fc from 'fast-check';
import { expect, test } from 'vitest';
import { interleavedBytes, interleaveRows } from './interleave.js';

test('every element lies in its row of eight, wherever the plane begins; missing rows are zeros', () => {
  const cases = fc.record({
    rows: fc.integer({ min: 1, max: 17 }),
    elements: fc.integer({ min: 1, max: 20 }),
    size: fc.constantFrom(1, 2, 4),
    start: fc.integer({ min: 0, max: 5 }),
    seed: fc.integer(),
  });
  fc.assert(
    fc.property(cases, ({ rows, elements, size, start, seed }) => {
      const rowBytes = size * elements;
      const plane = Uint8Array.from(
        { length: start + rows * rowBytes },
        (_, i) => Math.imul(i + 1, seed) >>> 9,
      );
      const out = new Uint8Array(interleavedBytes(rows, rowBytes)).fill(255);
      interleaveRows(plane.subarray(start), rowBytes, size, out);
      for (let row = 0; row < 8 * Math.ceil(rows / 8); row++) {
        for (let i = 0; i < rowBytes; i++) {
          const group = 8 * rowBytes * Math.floor(row / 8);
          const place = group + 8 * size * Math.floor(i / size) + size * (row % 8) + (i % size);
          expect(out[place]).toBe(row < rows ? plane[start + row * rowBytes + i] : 0);
        }
      }
    }),
  );
});
