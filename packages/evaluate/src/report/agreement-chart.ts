// Of the tokens of each layer the share that goes to the same experts as in the baseline.
import { axisX, axisY, dot, gridX, ruleX, ruleY, text } from '@observablehq/plot';
import type { Comparison } from '../evaluation.js';
import { colors, draw } from './draw.js';
import { percent } from './figures.js';
import type { Markup } from './html.js';

type Layer = Comparison['routerAgreement']['perLayer'][number];

export function agreementChart({ mean, perLayer }: Comparison['routerAgreement']): Markup {
  const least = perLayer.reduce((min, { agreement }) => Math.min(min, agreement), 1);
  // A round share below the worst layer, so that small losses are seen; the axis says where it begins.
  const step = least > 0.8 ? 0.05 : 0.2;
  const first = Math.max(0, Math.floor((least - 0.005) / step) * step);
  const rowHeight = perLayer.length <= 12 ? 30 : perLayer.length <= 32 ? 20 : 14;
  const right = { x: 1, textAnchor: 'start', dx: 14, fontVariant: 'tabular-nums' } as const;
  return draw('Share of tokens that go to the same experts as in the baseline, by layer', {
    height: 54 + perLayer.length * rowHeight,
    marginLeft: 58,
    marginRight: 76,
    marginTop: 26,
    marginBottom: 28,
    x: { domain: [first, 1] },
    y: { type: 'band', domain: perLayer.map(({ layer }) => layer) },
    marks: [
      gridX({ stroke: colors.rule, strokeOpacity: 1, ticks: 6 }),
      axisX({
        label: null,
        tickSize: 0,
        ticks: 6,
        fill: colors.soft,
        tickFormat: (share: number) => percent(share, 0),
      }),
      axisY({ label: null, tickSize: 0, fill: colors.soft, tickFormat: (layer: number) => `layer ${layer}` }),
      ruleX([mean], { stroke: colors.soft, strokeDasharray: '3 3' }),
      ruleY(perLayer, {
        y: 'layer',
        x1: first,
        x2: 'agreement',
        stroke: 'var(--accent)',
        strokeWidth: 2.5,
        strokeOpacity: 0.35,
      }),
      dot(perLayer, {
        x: 'agreement',
        y: 'layer',
        r: 5,
        fill: 'var(--accent)',
        title: ({ layer, agreement }: Layer) => `layer ${layer}: ${percent(agreement, 2)}`,
      }),
      text(perLayer, {
        ...right,
        y: 'layer',
        text: ({ agreement }: Layer) => percent(agreement),
        fill: colors.text,
      }),
      text([mean], {
        x: mean,
        text: () => `mean ${percent(mean)}`,
        frameAnchor: 'top',
        dy: -14,
        textAnchor: 'middle',
        fill: colors.text,
        fontWeight: 600,
      }),
    ],
  });
}
