// Colour scales in steps. Each step is a custom property of the page with a colour of its own in light and in dark, and
// one for text on it.
import { html, type Markup } from './html.js';

export interface StepScale {
  /** Where one step ends and the next begins; one fewer than steps. */
  readonly thresholds: readonly number[];
  /** Names of the steps' properties: `--heat-0`, … */
  readonly steps: readonly string[];
}

export function stepOf({ thresholds, steps }: StepScale, value: number): string {
  const index = thresholds.findIndex((threshold) => value < threshold);
  return steps[index < 0 ? steps.length - 1 : index] ?? '';
}

/** Of the largest value: a narrower scale would show noise as differences. */
const leastSpan = 0.02;

/** Nine even steps from the least to the largest of positive values, infinite ones left out, and what stands at their ends. */
export function heatScale(
  values: readonly number[],
): StepScale & { readonly ends: readonly [number, number] } {
  const finite = values.filter(Number.isFinite);
  const min = finite.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const max = finite.reduce((most, value) => Math.max(most, value), 0);
  const span = Math.max(max - min, leastSpan * max, Number.MIN_VALUE);
  const first = Math.max(0, (min + max - span) / 2);
  const steps = Array.from({ length: 9 }, (_, index) => `heat-${index}`);
  const thresholds = steps.slice(1).map((_, index) => first + (span * (index + 1)) / steps.length);
  return { steps, thresholds, ends: [first, first + span] };
}

/** A strip of the steps with the value at each of their ends. */
export function legend(
  title: string,
  { thresholds, steps }: StepScale,
  ends: readonly [number, number],
  write: (value: number) => string,
): Markup {
  const marks = [ends[0], ...thresholds, ends[1]];
  const every = marks.length > 8 ? 3 : 1;
  return html`<div class="legend"><span class="legend-title">${title}</span><span class="strip">${steps.map(
    (step) => html`<i style="background:var(--${step})"></i>`,
  )}</span><span class="marks">${marks.map(
    (mark, index) =>
      html`<b style="left:${((100 * index) / steps.length).toFixed(2)}%">${index % every === 0 ? write(mark) : ''}</b>`,
  )}</span></div>`;
}
