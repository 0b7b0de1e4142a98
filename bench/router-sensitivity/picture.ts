// The rows as a picture: harm (KL divergence, logarithmic) and changed routing, one line a variant.
import { axisX, axisY, dot, gridX, plot, ruleY, text } from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { Row } from './measure.ts';

const style = `
svg { --ink: #1c1d22; --soft: #6b6e78; --rule: #e3e1dc; --router: #c8413f; --experts: #2f6fde; --paper: #ffffff;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
@media (prefers-color-scheme: dark) { svg { --ink: #eceef2; --soft: #9aa0ad; --rule: #30343e; --router: #f0716f;
  --experts: #6ea3ff; --paper: #14161b; } }`;

const lineHeight = 34;
const [left, panel, gap] = [222, 320, 84];

export function picture(rows: readonly Row[]): string {
  const shown = rows.filter(({ group }) => group !== 'exact');
  const name = ({ group, label, bitsPerWeight: bits }: Row) =>
    `${group} in ${label}${label === '2 bits' ? '' : `, ${bits.toFixed(1)} bits`}`;
  const domain = shown.map(name);
  const height = 56 + domain.length * lineHeight + 40;
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const color = ({ group }: Row) => `var(--${group})`;
  const draw = (
    of: (row: Row) => number,
    options: { x: object; ticks: number[] | number; write: (value: number) => string; labels: boolean },
  ) => {
    const first = Math.min(...shown.map(of));
    return plot({
      document,
      width: panel + (options.labels ? left : 20) + gap,
      height,
      marginLeft: options.labels ? left : 20,
      marginRight: gap,
      marginTop: 56,
      marginBottom: 40,
      style: { fontSize: '13px', fontFamily: 'inherit', background: 'none', overflow: 'visible' },
      x: options.x,
      y: { type: 'band', domain, label: null, axis: null },
      marks: [
        gridX({ stroke: 'var(--rule)', strokeOpacity: 1, ticks: options.ticks }),
        axisX({
          label: null,
          tickSize: 0,
          fill: 'var(--soft)',
          ticks: options.ticks,
          tickFormat: options.write,
        }),
        options.labels ? axisY({ label: null, tickSize: 0, fill: 'var(--ink)', fontSize: 13.5 }) : null,
        ruleY(shown, {
          y: name,
          x1: () => ('type' in options.x ? first / 2.2 : 0),
          x2: of,
          stroke: color,
          strokeOpacity: 0.35,
          strokeWidth: 2.5,
        }),
        dot(shown, { y: name, x: of, r: 6, fill: color }),
        text(shown, {
          y: name,
          x: of,
          text: (row: Row) => options.write(of(row)),
          dx: 12,
          textAnchor: 'start',
          fill: 'var(--ink)',
          fontVariant: 'tabular-nums',
        }),
      ],
    });
  };
  const [least, most] = domainOf(shown.map(({ klDivergence }) => klDivergence.mean));
  const kl = draw(({ klDivergence }) => klDivergence.mean, {
    x: { type: 'log', domain: [least, most] },
    ticks: [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1].filter((tick) => tick >= least && tick <= most),
    write: (value) =>
      value < 0.001
        ? value.toExponential(value === 10 ** Math.round(Math.log10(value)) ? 0 : 1)
        : String(Number(value.toPrecision(2))),
    labels: true,
  });
  const moved = draw(({ routerAgreement }) => 1 - routerAgreement.mean, {
    x: { domain: [0, 1.05 * Math.max(...shown.map(({ routerAgreement }) => 1 - routerAgreement.mean))] },
    ticks: 5,
    write: (value) => `${Number((100 * value).toPrecision(value < 0.1 ? 2 : 3))} %`,
    labels: false,
  });
  const width = left + panel + gap + 20 + panel + gap;
  const headings = [
    heading(left, 'KL divergence from bf16', 'mean nats a token, logarithmic'),
    heading(left + panel + gap + 20, 'Tokens sent to other experts', 'mean over the layers'),
  ];
  moved.setAttribute('x', String(left + panel + gap));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="KL divergence and changed routing of tiny-moe by what is quantized, and to what"><style>${style}</style><rect width="100%" height="100%" fill="var(--paper)" rx="10"/>${headings.join('')}${[kl, moved].map(({ outerHTML }) => outerHTML).join('')}</svg>\n`;
}

function heading(x: number, title: string, note: string): string {
  return `<text x="${x}" y="26" fill="var(--ink)" font-size="15" font-weight="600">${title}</text><text x="${x}" y="45" fill="var(--soft)" font-size="12.5">${note}</text>`;
}

/** From below the least to above the largest, in logarithms. */
function domainOf(values: readonly number[]): [number, number] {
  return [Math.min(...values) / 2.2, Math.max(...values) * 1.6];
}
