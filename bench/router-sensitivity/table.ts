// The rows as a page in Markdown.
import type { Row } from './measure.ts';

const percent = (share: number): string => (share === 1 ? '100 %' : `${(100 * share).toFixed(2)} %`);
const signed = (share: number): string => {
  const text = percent(Math.abs(share));
  return text === percent(0) ? text : `${share < 0 ? '−' : '+'}${text}`;
};
const nats = (value: number): string =>
  value === 0 ? '0' : value < 0.001 ? value.toExponential(1) : value.toFixed(4);
const bytes = (value: number): string =>
  value === 0 ? '–' : value < 1e6 ? `${(value / 1e3).toFixed(1)} kB` : `${(value / 1e6).toFixed(2)} MB`;

function table(rows: readonly Row[], base: Row): string {
  const head = [
    'format',
    'bits per weight',
    'saved',
    'error',
    'perplexity',
    'change',
    'KL mean',
    'KL p99',
    'KL max',
    'same top token',
    'same experts',
    'worst layer',
  ];
  const lines = [base, ...rows].map((row) => [
    row.label,
    row.bitsPerWeight.toFixed(2),
    bytes(row.bytesSaved),
    row.relativeError === 0 ? 'exact' : percent(row.relativeError),
    row.perplexity.toFixed(4),
    row === base ? '–' : signed(row.perplexity / base.perplexity - 1),
    nats(row.klDivergence.mean),
    nats(row.klDivergence.p99),
    nats(row.klDivergence.max),
    percent(row.top1Agreement),
    percent(row.routerAgreement.mean),
    percent(row.routerAgreement.worst),
  ]);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'));
  return [head, rule, ...lines].map(line).join('\n');
}

/** @param tokens that were scored */
export function page(rows: readonly Row[], tokens: number, picture: string): string {
  const [base] = rows;
  if (base === undefined) throw new Error('no rows');
  const routers = rows.filter(({ group }) => group === 'router');
  const experts = rows.filter(({ group }) => group === 'experts');
  const find = (own: readonly Row[], label: string): Row => {
    const row = own.find((each) => each.label === label);
    if (row === undefined) throw new Error(`no row ${label}`);
    return row;
  };
  const [router, expert] = [find(routers, 'int4'), find(experts, 'int4')];
  const perByte = (row: Row) => row.klDivergence.mean / row.bytesSaved;
  const ratio = perByte(router) / perByte(expert);
  return `# How much precision the router needs, and how much the experts

tiny-moe, quantized in one place at a time and compared with itself in bfloat16, over its five held-out texts (${tokens.toLocaleString('en')} tokens scored).

![KL divergence and changed routing by format](${picture})

The routers are ${percent(router.share)} of the weights, the experts ${percent(expert.share)}. Experts in int4 save ${bytes(expert.bytesSaved)} at a KL divergence of ${nats(expert.klDivergence.mean)} nats a token. Routers in int4 save ${bytes(router.bytesSaved)} at ${nats(router.klDivergence.mean)}: for each byte saved, ${Number(ratio.toPrecision(2)).toLocaleString('en')} times the harm. There is nothing to be had from a router, and that is why the recipes keep it exact.

## The router quantized, the experts in bf16

${table(routers, base)}

## The experts quantized, the router in bf16

${table(experts, base)}

## How to read it

- \`bits per weight\` and \`error\` (‖W − Q‖ / ‖W‖) are of the quantized weights alone, scales counted in; \`saved\` is against bfloat16.
- KL divergence is KL(bf16 ‖ variant) in nats, over every scored token: mean, 99th percentile and largest. \`same top token\`: share of the tokens for which both find the same next token most likely.
- \`same experts\`: share of the tokens that a layer sends to the same set of experts as the bf16 model does, over all layers and in the worst one. With a router in bf16 it falls as well, because what the layers before hand to it has changed.
- int8: one scale a row (LLM.int8). All others: blocks of 64 with a scale in float32, double-quantized where it says so. int4 is symmetric. 2 bits are four even levels of the largest weight of a block: −1, −1/3, 1/3, 1.
- Windows of 256 tokens, each run by itself; all tokens of a window but its first are scored.

## Run it again

\`\`\`sh
npm run build
npm run --prefix bench router-sensitivity                      # writes this page and its picture
npm run --prefix bench router-sensitivity -- --max-tokens 512  # a first look: prints the tables, writes nothing
\`\`\`
`;
}

/** Both tables, for a terminal. */
export function tables(rows: readonly Row[]): string {
  const [base] = rows;
  if (base === undefined) return '';
  const of = (group: Row['group']) =>
    table(
      rows.filter((row) => row.group === group),
      base,
    );
  return `router\n\n${of('router')}\n\nexperts\n\n${of('experts')}\n`;
}
