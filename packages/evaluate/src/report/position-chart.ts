// A mean over the scored tokens by their place in the window: a dot a place, and a line through the means of runs of places.
import { counted } from '@moeq/tensors';
import { areaY, axisX, axisY, dot, gridY, lineY } from '@observablehq/plot';
import { colors, draw } from './draw.js';
import type { Markup } from './html.js';

interface Place {
  readonly position: number;
  readonly value: number;
}

/** Points of the line. */
const runs = 32;

export function positionChart(
  label: string,
  means: Float64Array,
  unit: string,
  write: (value: number) => string,
): Markup {
  const places = Array.from(means, (value, position): Place => ({ position, value })).filter(({ value }) =>
    Number.isFinite(value),
  );
  const length = Math.max(1, Math.ceil(places.length / runs));
  const smooth = Array.from({ length: Math.ceil(places.length / length) }, (_, index): Place => {
    const run = places.slice(index * length, (index + 1) * length);
    const mean = (of: (place: Place) => number) =>
      run.reduce((sum, place) => sum + of(place), 0) / run.length;
    return { position: mean(({ position }) => position), value: mean(({ value }) => value) };
  });
  // A few places far above the others would flatten all the rest.
  const sorted = places.map(({ value }) => value).sort((a, b) => a - b);
  const top = 1.25 * (sorted[Math.floor(0.98 * (sorted.length - 1))] ?? 1);
  return draw(label, {
    height: 260,
    marginLeft: 58,
    marginRight: 12,
    marginTop: 28,
    marginBottom: 40,
    x: { domain: [0, means.length] },
    y: { domain: [0, top > 0 ? top : 1], clamp: true },
    marks: [
      gridY({ stroke: colors.rule, strokeOpacity: 1, ticks: 5 }),
      axisX({ label: 'tokens before it in the window', labelArrow: 'none', tickSize: 0, fill: colors.soft }),
      axisY({ label: unit, labelArrow: 'none', ticks: 5, tickSize: 0, fill: colors.soft, tickFormat: write }),
      areaY(smooth, {
        x: 'position',
        y: 'value',
        fill: 'var(--accent)',
        fillOpacity: 0.1,
        curve: 'monotone-x',
      }),
      dot(places, {
        x: 'position',
        y: 'value',
        r: 2,
        fill: 'var(--accent)',
        fillOpacity: 0.4,
        title: ({ position, value }: Place) => `after ${counted(position, 'token')}: ${write(value)} ${unit}`,
      }),
      lineY(smooth, {
        x: 'position',
        y: 'value',
        stroke: 'var(--accent)',
        strokeWidth: 2.25,
        curve: 'monotone-x',
      }),
    ],
  });
}
