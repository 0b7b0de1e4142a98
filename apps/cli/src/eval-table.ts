// What `moeq eval` prints: one row a text, and with a baseline how far the model is from it: in its predictions, in the
// experts that it chooses, and in its weights.
import { type Comparison, type Evaluation, summarizeErrors, type WeightError } from '@moeq/evaluate';
import { bar, formatError, formatShare, notFinite } from './format.js';
import { type Output, painter } from './io.js';
import { grid } from './table.js';

type Paint = ReturnType<typeof painter>;

/** @returns the lines, the last one ending in a line feed */
export function evalTable(
  evaluation: Evaluation,
  errors: readonly WeightError[] | null,
  stream: Output,
): string {
  const paint = painter(stream);
  const { baseline } = evaluation;
  const parts = [textTable(evaluation, paint)];
  if (baseline !== null) parts.push(distance(baseline, paint));
  // a model without experts chooses none
  if (baseline !== null && baseline.routerAgreement.perLayer.length > 0)
    parts.push(agreement(baseline, paint));
  if (errors !== null) parts.push(errorTable(errors, paint));
  return `\n${parts.join('\n\n')}\n\n`;
}

function textTable({ texts, baseline, ...all }: Evaluation, paint: Paint): string {
  const head = ['text', 'tokens', 'nats/token', 'perplexity'];
  const rows = [...texts, { ...all, name: 'all' }].map(({ name, tokens, nll, perplexity }, index) => {
    const other = baseline?.texts[index] ?? baseline;
    const against =
      other == null
        ? []
        : [
            figure(other.perplexity),
            signed(perplexity / other.perplexity - 1),
            nats(typeof other.klDivergence === 'number' ? other.klDivergence : other.klDivergence.mean),
          ];
    const row = [name, String(tokens), nll.toFixed(4), figure(perplexity), ...against];
    return index === texts.length ? row.map((text) => paint('bold', text)) : row;
  });
  const more = baseline === null ? [] : ['baseline', 'change', 'KL'];
  return grid({ head: [...head, ...more], rows, align: `lrrr${'r'.repeat(more.length)}`, paint });
}

function distance({ klDivergence: { mean, p99, max }, top1Agreement }: Comparison, paint: Paint): string {
  const label = (text: string) => paint('dim', text.padStart(14));
  return [
    `  ${label('KL divergence')}  mean ${nats(mean)}, 99 % below ${nats(p99)}, at most ${nats(max)} nats`,
    `  ${label('same top token')}  ${formatShare(top1Agreement)}`,
  ].join('\n');
}

function agreement({ routerAgreement: { mean, perLayer } }: Comparison, paint: Paint): string {
  const rows = perLayer.map((layer) => [
    `layer ${layer.layer}`,
    formatShare(layer.agreement),
    paint('cyan', bar(layer.agreement, 24)),
  ]);
  const all = ['all', formatShare(mean), ''].map((text) => paint('bold', text));
  return grid({ head: ['same experts', 'tokens', ''], rows: [...rows, all], align: 'lrl', paint });
}

function errorTable(errors: readonly WeightError[], paint: Paint): string {
  const roles = [...new Set(errors.map(({ role }) => role))];
  const rows = roles.map((role) => {
    const own = errors.filter((error) => error.role === role);
    const { bitsPerWeight, relativeError } = summarizeErrors(own);
    const worst = own.reduce((most, error) => Math.max(most, error.relativeError), 0);
    const percent = (share: number) => {
      const text = formatError(share);
      return text === 'exact' ? paint('dim', text) : text;
    };
    const formats = [...new Set(own.map(({ format }) => format))].join(' ');
    return [role, formats, bitsPerWeight.toFixed(2), percent(relativeError), percent(worst)];
  });
  return grid({ head: ['weights', 'run as', 'bits', 'error', 'worst'], rows, align: 'llrrr', paint });
}

const figure = (value: number): string =>
  !Number.isFinite(value) ? notFinite(value) : value < 1000 ? value.toFixed(3) : value.toPrecision(5);

const nats = (value: number): string =>
  !Number.isFinite(value)
    ? notFinite(value)
    : value === 0
      ? '0'
      : value < 1e-4
        ? value.toExponential(1)
        : value.toFixed(4);

const signed = (share: number): string =>
  !Number.isFinite(share)
    ? notFinite(share)
    : `${share < 0 ? '-' : '+'}${(100 * Math.abs(share)).toFixed(2)} %`;
