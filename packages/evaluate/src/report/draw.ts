// One drawing of Observable Plot as markup. It needs a document to build its elements in, and linkedom's is the lightest.
// Colours are custom properties of the page, so that one drawing serves light and dark.
import { type PlotOptions, plot } from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { Markup } from './html.js';

/** Of a drawing, in CSS pixels before it is fitted to the page. */
export const width = 880;

/** @param label what a screen reader says of it */
export function draw(label: string, options: PlotOptions): Markup {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const drawing = plot({
    document,
    width,
    style: { fontSize: '12.5px', fontFamily: 'inherit', background: 'none', overflow: 'visible' },
    ...options,
  });
  drawing.setAttribute('role', 'img');
  drawing.setAttribute('aria-label', label);
  return new Markup(`<div class="drawing">${drawing.outerHTML}</div>`);
}

export const colors = {
  text: 'var(--text)',
  soft: 'var(--soft)',
  rule: 'var(--rule)',
  background: 'var(--background)',
} as const;
