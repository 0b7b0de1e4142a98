// The weights of each role in 16, 8 and 4 bits and as they are: four bars, stacked by role.
import { formatBytes } from '@moeq/tensors';
import { axisX, axisY, barX, gridX, text } from '@observablehq/plot';
import type { RoleMemory } from '../memory.js';
import { colors, draw } from './draw.js';
import { byteTick, percent } from './figures.js';
import { html, type Markup } from './html.js';

interface Segment {
  readonly bar: string;
  readonly role: string;
  readonly bytes: number;
}

const asItIs = 'as it is';

export function memoryChart(memory: readonly RoleMemory[]): Markup {
  const roles = [...memory].sort((a, b) => b.parameters - a.parameters);
  const bars: readonly { bar: string; of: (role: RoleMemory) => number }[] = [
    { bar: '16 bits', of: ({ parameters }) => 2 * parameters },
    { bar: '8 bits', of: ({ parameters }) => parameters },
    { bar: '4 bits', of: ({ parameters }) => parameters / 2 },
    { bar: asItIs, of: (role) => role.bytes },
  ];
  const segments = bars.flatMap(({ bar, of }) =>
    roles.map((role): Segment => ({ bar, role: role.role, bytes: of(role) })),
  );
  const totals = bars.map(({ bar, of }) => ({ bar, bytes: roles.reduce((sum, role) => sum + of(role), 0) }));
  const most = Math.max(...totals.map((total) => total.bytes));
  const drawing = draw('Memory of the weights by role in 16, 8 and 4 bits and as it is', {
    height: 214,
    marginLeft: 58,
    marginRight: 76,
    marginTop: 4,
    marginBottom: 30,
    x: { domain: [0, most] },
    y: { domain: bars.map(({ bar }) => bar), padding: 0.28 },
    color: { type: 'identity' },
    marks: [
      gridX({ stroke: colors.rule, strokeOpacity: 1, ticks: 6 }),
      axisX({
        label: null,
        tickSize: 0,
        ticks: 6,
        fill: colors.soft,
        tickFormat: byteTick,
      }),
      axisY({ label: null, tickSize: 0, fill: colors.text }),
      // So that no grid line shines through.
      barX(totals, { x: 'bytes', y: 'bar', fill: 'var(--card)' }),
      barX(segments, {
        x: 'bytes',
        y: 'bar',
        fill: ({ role }: Segment) => `var(--role-${role})`,
        title: ({ bar, role, bytes: size }: Segment) => `${role}, ${bar}: ${formatBytes(size)}`,
        fillOpacity: ({ bar }: Segment) => (bar === asItIs ? 1 : 0.5),
        insetRight: 1,
      }),
      text(totals, {
        x: 'bytes',
        y: 'bar',
        text: (total: { bytes: number }) => formatBytes(total.bytes),
        textAnchor: 'start',
        dx: 8,
        fill: colors.text,
        fontWeight: 600,
        fontVariant: 'tabular-nums',
      }),
    ],
  });
  const all = roles.reduce((sum, role) => sum + role.parameters, 0);
  const keys = roles.map(
    ({ role, parameters }) =>
      html`<span class="key"><i style="background:var(--role-${role})"></i>${roleName(role)} <small>${percent(parameters / all)}</small></span>`,
  );
  return html`<div class="keys">${keys}</div>${drawing}`;
}

/** `sharedExpert` as `shared expert`. */
export function roleName(role: string): string {
  return role.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replace(' mlp', ' MLP');
}
