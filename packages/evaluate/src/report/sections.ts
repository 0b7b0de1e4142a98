// The sections of the page: a heading, a sentence that says how to read it, a picture or a table.
import { loadStatistics } from '@moeq/router';
import type { Comparison, Evaluation, LayerLoad } from '../evaluation.js';
import type { RoleMemory } from '../memory.js';
import { summarizeErrors, type WeightError } from '../weight-errors.js';
import { agreementChart } from './agreement-chart.js';
import { nats, percent, perplexity, signedPercent } from './figures.js';
import { type Cell, heatMap } from './heat-map.js';
import { html, type Markup } from './html.js';
import { memoryChart, roleName } from './memory-chart.js';
import { positionChart } from './position-chart.js';
import { heatScale, legend, type StepScale } from './scale.js';

export function textSection({ texts, baseline, ...all }: Evaluation): Markup {
  const rows = [...texts, { ...all, name: 'all together' }].map(
    ({ name, tokens, nll, perplexity: value }, index) => {
      const other =
        baseline === null
          ? null
          : (baseline.texts[index] ?? { ...baseline, klDivergence: baseline.klDivergence.mean });
      return html`<tr class="${index === texts.length ? 'all' : ''}"><td>${name}</td><td>${tokens.toLocaleString('en')}</td><td>${nll.toFixed(4)}</td><td>${perplexity(value)}</td>${
        other === null
          ? null
          : html`<td>${perplexity(other.perplexity)}</td><td>${signedPercent(value / other.perplexity - 1)}</td><td>${nats(other.klDivergence)}</td>`
      }</tr>`;
    },
  );
  const more = baseline === null ? null : html`<th>baseline</th><th>change</th><th>KL divergence</th>`;
  return section(
    'Texts',
    html`Perplexity is exp of the mean loss in nats a token. ${baseline === null ? null : 'KL divergence is the mean over tokens of KL(baseline ‖ model), in nats.'}`,
    html`<div class="scroll"><table><thead><tr><th>text</th><th>tokens</th><th>loss</th><th>perplexity</th>${more}</tr></thead><tbody>${rows}</tbody></table></div>`,
  );
}

export function memorySection(memory: readonly RoleMemory[]): Markup {
  return section(
    'Memory by role',
    html`What the weights take if all of them were in 16, 8 or 4 bits, and what they take as they are, scales counted in. Shares in the key are of the parameters.`,
    memoryChart(memory),
  );
}

export function errorSection(errors: readonly WeightError[]): Markup {
  const experts = new Map<string, WeightError[]>();
  for (const error of errors) {
    if (error.role !== 'expert') continue;
    const key = `${error.layer} ${error.expert}`;
    experts.set(key, [...(experts.get(key) ?? []), error]);
  }
  const cells = [...experts.values()].map((own): Cell => {
    const { relativeError, bitsPerWeight } = summarizeErrors(own);
    const [{ layer = 0, expert = 0 } = {}] = own;
    const place = { layer: layer ?? 0, expert: expert ?? 0 };
    const title = `layer ${place.layer}, expert ${place.expert}: ${percent(relativeError, 2)} error at ${bitsPerWeight.toFixed(2)} bits\n${own
      .map((error) => `${error.projection}: ${percent(error.relativeError, 2)}`)
      .join('\n')}`;
    return { ...place, value: relativeError, title };
  });
  const values = cells.map(({ value }) => value);
  const scale = heatScale(values);
  const write = (value: number) => (Number.isFinite(value) ? (100 * value).toFixed(2) : percent(value));
  const map = values.some((value) => value !== 0)
    ? html`${legend('error, %', scale, scale.ends, write)}${heatMap('Relative error of each expert', cells, scale, write)}`
    : null;
  return section(
    'Error of the weights',
    html`‖W − Q‖ / ‖W‖ in the Frobenius norm, of each expert's matrices together. ${map === null ? 'The experts are exact.' : 'The scale runs from the best expert to the worst, and is never narrower than 2 % of the error.'}`,
    html`${map}${errorTable(errors)}`,
  );
}

function errorTable(errors: readonly WeightError[]): Markup {
  const roles = [...new Set(errors.map(({ role }) => role))];
  const exact = (error: number) => (error === 0 ? 'exact' : percent(error, 2));
  const rows = roles.map((role) => {
    const own = errors.filter((error) => error.role === role);
    const { bitsPerWeight, relativeError, parameters } = summarizeErrors(own);
    const worst = own.reduce((most, error) => Math.max(most, error.relativeError), 0);
    const formats = [...new Set(own.map(({ format }) => format))].join(', ');
    return html`<tr><td>${roleName(role)}</td><td class="words">${formats}</td><td>${parameters.toLocaleString('en')}</td><td>${bitsPerWeight.toFixed(2)}</td><td>${exact(relativeError)}</td><td>${exact(worst)}</td></tr>`;
  });
  return html`<div class="scroll table-gap"><table><thead><tr><th>weights</th><th class="words">run as</th><th>parameters</th><th>bits a weight</th><th>error</th><th>worst matrix</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

export function agreementSection({ routerAgreement, top1Agreement }: Comparison): Markup {
  return section(
    'Router agreement',
    html`Share of the tokens that each layer sends to the same set of experts as the baseline does. The most likely next token is the same for <strong>${percent(top1Agreement)}</strong>.`,
    agreementChart(routerAgreement),
  );
}

/** Around an even share, doubling and halving. */
const loadScale: StepScale = {
  thresholds: [0.25, 0.5, 0.8, 1.25, 2, 4],
  steps: Array.from({ length: 7 }, (_, index) => `load-${index}`),
};

export function loadSection(loads: readonly LayerLoad[]): Markup {
  const cells = loads.flatMap(({ layer, counts }) => {
    const { share } = loadStatistics({ tokens: 0, counts });
    return Array.from(counts, (slots, expert): Cell => {
      const value = (share[expert] as number) * counts.length;
      return {
        layer,
        expert,
        value,
        title: `layer ${layer}, expert ${expert}: ${slots} slots, ${value.toFixed(2)} of an even share`,
      };
    });
  });
  const statistics = loads.map((load) => loadStatistics(load));
  const mean = (of: (each: (typeof statistics)[number]) => number) =>
    statistics.reduce((sum, each) => sum + of(each), 0) / Math.max(statistics.length, 1);
  const unused = statistics.reduce((sum, each) => sum + each.unused, 0);
  const experts = loads[0]?.counts.length ?? 0;
  const write = (value: number) => value.toFixed(2);
  return section(
    'Expert load',
    html`Tokens that reach each expert, relative to an even share (1). On average <strong>${mean((each) => each.effectiveExperts).toFixed(1)} of ${experts}</strong> experts are in effective use (exp of the entropy), the busiest has <strong>${mean((each) => each.imbalance).toFixed(2)}</strong> times its share, and ${unused === 0 ? 'none is idle' : `${unused} are idle`}.`,
    html`${legend('of an even share', loadScale, [0, Number.POSITIVE_INFINITY], (value) => (Number.isFinite(value) && value > 0 ? `${value}` : ''))}${heatMap('Load of each expert', cells, loadScale, write)}`,
  );
}

export function positionSection({ byPosition, baseline, window }: Evaluation): Markup {
  if (baseline === null) {
    return section(
      'Loss over position',
      html`Mean loss by the number of tokens that come before in the window of ${window}.`,
      positionChart('Loss by position', byPosition.nll, 'nats', (value) => value.toFixed(1)),
    );
  }
  const { mean, p99, max } = baseline.klDivergence;
  return section(
    'KL divergence over position',
    html`Mean of KL(baseline ‖ model) by the number of tokens that come before in the window of ${window}. Over all tokens: mean <strong>${nats(mean)}</strong>, 99 % below <strong>${nats(p99)}</strong>, at most <strong>${nats(max)}</strong> nats. Dots at the upper edge lie above it.`,
    positionChart('KL divergence by position', byPosition.klDivergence, 'nats', (value) =>
      value === 0 ? '0' : value >= 0.01 ? value.toFixed(3) : value.toPrecision(1),
    ),
  );
}

function section(title: string, lead: Markup, body: Markup): Markup {
  return html`<section><h2>${title}</h2><p>${lead}</p>${body}</section>`;
}
