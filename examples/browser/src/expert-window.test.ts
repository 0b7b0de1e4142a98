import { expect, test } from 'vitest';
import { ExpertWindow } from './expert-window.ts';

const loads = (...counts: number[]) => [{ layer: 3, load: { tokens: 0, counts: Float64Array.from(counts) } }];

test('the last token counts in full, those before it less and less', () => {
  const window = new ExpertWindow();
  expect(window.add(loads(0, 0, 0))).toEqual([
    { layer: 3, shares: [0, 0, 0], latest: [false, false, false] },
  ]);
  expect(window.add(loads(1, 1, 0))[0]).toEqual({
    layer: 3,
    shares: [0.5, 0.5, 0],
    latest: [true, true, false],
  });
  const [{ shares = [], latest } = {}] = window.add(loads(1, 2, 1));
  expect(latest).toEqual([false, true, true]);
  [0.9, 1.9, 1].forEach((count, expert) => {
    expect(shares[expert]).toBeCloseTo(count / 3.8);
  });
  // nothing new: the picture stays
  expect(window.add(loads(1, 2, 1))[0]?.shares).toEqual(shares);
});
