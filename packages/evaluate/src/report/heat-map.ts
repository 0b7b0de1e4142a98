// Layers down, experts across, one colour a cell; the value stands in it where there is room, and shows on hovering.
import { axisX, axisY, cell, text } from '@observablehq/plot';
import { colors, draw, width } from './draw.js';
import type { Markup } from './html.js';
import { type StepScale, stepOf } from './scale.js';

export interface Cell {
  readonly layer: number;
  readonly expert: number;
  readonly value: number;
  readonly title: string;
}

/** Experts across for which a cell has room for its value. */
const maxLabelled = 16;

export function heatMap(
  label: string,
  cells: readonly Cell[],
  scale: StepScale,
  write: (value: number) => string,
): Markup {
  const experts = new Set(cells.map(({ expert }) => expert)).size;
  const layers = new Set(cells.map(({ layer }) => layer)).size;
  const labelled = experts <= maxLabelled;
  const rowHeight = layers <= 12 ? 34 : layers <= 32 ? 20 : 13;
  const [marginTop, marginLeft] = [36, 58];
  const every = Math.ceil(experts / 32);
  return draw(label, {
    width,
    height: marginTop + 4 + layers * rowHeight,
    marginTop,
    marginBottom: 4,
    marginLeft,
    marginRight: 0,
    x: { type: 'band', padding: experts > 64 ? 0.04 : 0.03, round: false },
    y: { type: 'band', padding: 0.06, round: false },
    marks: [
      axisX({
        anchor: 'top',
        label: 'expert',
        labelAnchor: 'left',
        labelArrow: 'none',
        tickSize: 0,
        fill: colors.soft,
        tickFormat: (expert: number) => (expert % every === 0 ? String(expert) : ''),
      }),
      axisY({
        label: null,
        tickSize: 0,
        fill: colors.soft,
        tickFormat: (layer: number) => `layer ${layer}`,
      }),
      cell(cells, {
        x: 'expert',
        y: 'layer',
        fill: ({ value }: Cell) => `var(--${stepOf(scale, value)})`,
        rx: experts > 64 ? 1 : 3,
        title: 'title',
      }),
      labelled
        ? text(cells, {
            x: 'expert',
            y: 'layer',
            text: ({ value }: Cell) => write(value),
            fill: ({ value }: Cell) => `var(--on-${stepOf(scale, value)})`,
            fontVariant: 'tabular-nums',
            fontSize: 12,
            pointerEvents: 'none',
          })
        : null,
    ],
    color: { type: 'identity' },
  });
}
