// The page: one file without scripts, fonts or links to anything outside it.
import { counted, formatBytes } from '@moeq/tensors';
import { count, nats, percent, perplexity, signedPercent } from './figures.js';
import { html, Markup } from './html.js';
import type { ReportData } from './report-data.js';
import {
  agreementSection,
  errorSection,
  loadSection,
  memorySection,
  positionSection,
  textSection,
} from './sections.js';
import { style } from './style.js';

/** @returns the HTML of one self-contained page; the same for the same data */
export function renderReport(data: ReportData): string {
  const { evaluation, memory, errors } = data;
  const { baseline, expertLoad } = evaluation;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="moeq eval">
<title>${evaluation.model}, evaluated</title>
<style>${new Markup(style)}</style>
</head>
<body>
<main>
${header(data)}
${tiles(data)}
${memorySection(memory)}
${errors === null ? null : errorSection(errors)}
${baseline === null || baseline.routerAgreement.perLayer.length === 0 ? null : agreementSection(baseline)}
${expertLoad.length === 0 ? null : loadSection(expertLoad)}
${positionSection(evaluation)}
${textSection(evaluation)}
${footer(data)}
</main>
</body>
</html>
`;
  return page.text;
}

function header({ evaluation, summary, recipe }: ReportData): Markup {
  const { experts } = summary;
  const parts = [
    `${count(summary.parameters)} parameters, ${count(summary.activeParameters)} active`,
    counted(summary.layers, 'layer'),
    experts.routed === 0 ? 'no experts' : `${counted(experts.routed, 'expert')}, ${experts.perToken} a token`,
    ...(experts.shared === 0 ? [] : ['a shared expert']),
  ];
  const made =
    recipe === null ? null : html`<br>quantized while loading by recipe <strong>${recipe}</strong>`;
  const against =
    evaluation.baseline === null
      ? null
      : html`${recipe === null ? html`<br>` : ', '}against <strong>${evaluation.baseline.model}</strong>`;
  return html`<header><div class="eyebrow">moeq eval · ${summary.architecture}</div><h1>${evaluation.model}</h1><p>${parts.join(' · ')}${made}${against}</p></header>`;
}

function tiles({ evaluation, memory }: ReportData): Markup {
  const { baseline } = evaluation;
  const size = memory.reduce((sum, role) => sum + role.bytes, 0);
  const parameters = memory.reduce((sum, role) => sum + role.parameters, 0);
  const bits = (8 * size) / Math.max(parameters, 1);
  const first = [
    tile('weights', formatBytes(size), `${bits.toFixed(2)} bits a weight`),
    tile(
      'perplexity',
      perplexity(evaluation.perplexity),
      baseline === null
        ? `${evaluation.nll.toFixed(4)} nats a token`
        : `${signedPercent(evaluation.perplexity / baseline.perplexity - 1)} from ${perplexity(baseline.perplexity)}`,
    ),
  ];
  if (baseline === null)
    return html`<div class="tiles">${first}${tile('tokens', evaluation.tokens.toLocaleString('en'), `in ${counted(evaluation.texts.length, 'text')}`)}</div>`;
  const { klDivergence, top1Agreement, routerAgreement } = baseline;
  const worst = routerAgreement.perLayer.reduce((least, { agreement }) => Math.min(least, agreement), 1);
  return html`<div class="tiles">${first}${tile('KL divergence', nats(klDivergence.mean), 'nats a token')}${tile('same top token', percent(top1Agreement), `of ${evaluation.tokens.toLocaleString('en')} tokens`)}${tile('same experts', percent(routerAgreement.mean), `worst layer ${percent(worst)}`)}</div>`;
}

function tile(name: string, figure: string, note: string): Markup {
  return html`<div class="tile"><span>${name}</span><b>${figure}</b><small>${note}</small></div>`;
}

function footer({ evaluation: { tokens, window, stride } }: ReportData): Markup {
  const overlap =
    stride === window
      ? 'every token of a window but its first is scored'
      : `windows begin every ${counted(stride, 'token')}, and a token is scored in the first that holds it`;
  return html`<footer><p>${tokens.toLocaleString('en')} tokens scored. Texts are cut into windows of ${counted(window, 'token')}, each run by itself; ${overlap}. Logarithms are natural; probabilities are computed in float64 from the models' float32 logits.</p></footer>`;
}
