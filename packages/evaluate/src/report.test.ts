import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';
import type { Evaluation, LayerLoad } from './evaluation.js';
import { heatScale, stepOf } from './report/scale.js';
import type { ReportData } from './report.js';
import { renderReport } from './report.js';
import type { WeightError } from './weight-errors.js';

function load(layers: number, experts: number): LayerLoad[] {
  return Array.from({ length: layers }, (_, layer) => ({
    layer,
    tokens: experts,
    counts: Float64Array.from({ length: experts }, (_, expert) => expert + 1),
  }));
}

function data({ layers = 2, experts = 4, name = 'small' } = {}): ReportData {
  const scores = { tokens: 1234, nll: 2, perplexity: Math.exp(2) };
  const texts = [{ ...scores, name: 'sea.txt' }];
  const evaluation: Evaluation = {
    ...scores,
    model: name,
    window: 16,
    stride: 16,
    texts,
    byPosition: {
      nll: Float64Array.from({ length: 16 }, (_, at) => (at === 0 ? Number.NaN : 1 + at)),
      klDivergence: Float64Array.from({ length: 16 }, (_, at) => (at === 0 ? Number.NaN : 1 / at)),
    },
    expertLoad: load(layers, experts),
    baseline: {
      ...scores,
      perplexity: 7,
      model: 'big',
      texts: texts.map((text) => ({ ...text, klDivergence: 0.0421 })),
      klDivergence: { mean: 0.0421, p99: 0.5151, max: 1.7171 },
      top1Agreement: 0.9123,
      routerAgreement: {
        mean: 0.8765,
        perLayer: Array.from({ length: layers }, (_, layer) => ({ layer, agreement: 0.95 - layer / 100 })),
      },
      expertLoad: load(layers, experts),
    },
  };
  const errors = Array.from({ length: layers * experts }, (_, index): WeightError => {
    const relativeError = 0.05 + index / 1000;
    return {
      role: 'expert',
      layer: Math.floor(index / experts),
      expert: index % experts,
      projection: 'downProj',
      format: 'nf4-dq',
      parameters: 100,
      bitsPerWeight: 4.13,
      norms: { weights: 1, difference: relativeError ** 2 },
      relativeError,
    };
  });
  const summary = {
    architecture: 'mixtral',
    parameters: 12_500_000,
    activeParameters: 4_400_000,
    layers,
    experts: { routed: experts, perToken: 2, shared: 0 },
  };
  const memory = [
    { role: 'expert' as const, parameters: 9e6, bytes: 4.6e6 },
    { role: 'router' as const, parameters: 1e4, bytes: 2e4 },
  ];
  return { evaluation, errors, summary, memory, recipe: null };
}

const parse = (page: string) => parseHTML(page).document;
const headings = (page: string) =>
  [...parse(page).querySelectorAll('h2')].map(({ textContent }) => textContent);

describe('the page', () => {
  test('has every section, and every figure stands in it', () => {
    const page = renderReport(data());
    expect(headings(page)).toEqual([
      'Memory by role',
      'Error of the weights',
      'Router agreement',
      'Expert load',
      'KL divergence over position',
      'Texts',
    ]);
    const document = parse(page);
    expect(document.querySelectorAll('svg')).toHaveLength(5);
    const labels = [...document.querySelectorAll('svg')].map((svg) => svg.getAttribute('aria-label'));
    expect(labels).toEqual([
      'Memory of the weights by role in 16, 8 and 4 bits and as it is',
      'Relative error of each expert',
      'Share of tokens that go to the same experts as in the baseline, by layer',
      'Load of each expert',
      'KL divergence by position',
    ]);
    const text = document.querySelector('main')?.textContent ?? '';
    const figures = [
      '7.389',
      '7.000',
      '+5.56 %',
      '0.0421',
      '0.5151',
      '1.7171',
      '91.2 %',
      '87.6 %',
      '95.0 %',
      '94.0 %',
    ];
    const more = [
      '4.62 MB',
      '18.0 MB',
      '4.13',
      '12.5 million',
      '4.40 million',
      '1,234',
      'sea.txt',
      'big',
      '5.00',
      '5.70',
      '0.40',
      '1.60',
    ];
    for (const figure of [...figures, ...more]) expect(text, figure).toContain(figure);
  });

  test('a heat map has a cell for every expert, coloured by its step, and says its value on hovering', () => {
    const document = parse(renderReport(data({ layers: 3, experts: 5 })));
    const map = document.querySelector('svg[aria-label="Relative error of each expert"]');
    const cells = [...(map?.querySelectorAll('rect') ?? [])];
    expect(cells).toHaveLength(15);
    expect(cells[0]?.getAttribute('fill')).toBe('var(--heat-0)');
    expect(cells[14]?.getAttribute('fill')).toBe('var(--heat-8)');
    expect(cells[7]?.querySelector('title')?.textContent).toContain(
      'layer 1, expert 2: 5.70 % error at 4.13 bits',
    );
  });

  test('is one file: no scripts, and nothing is loaded from anywhere', () => {
    const page = renderReport(data({ experts: 64 }));
    expect(page).not.toMatch(/https?:|<script|<link|<img|<iframe|@import|url\(|src=|href=/i);
    expect(page).toMatch(/prefers-color-scheme: dark/);
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">/);
    const colours = new Set(page.match(/var\(--[\w-]+\)/g));
    for (const colour of colours) expect(page, colour).toContain(`${colour.slice(4, -1)}: #`);
  });

  test('names are text, whatever is in them; the same data gives the same page', () => {
    const name = '<script>alert("1")</script>';
    const page = renderReport(data({ name }));
    expect(page).not.toContain('<script');
    expect(parse(page).querySelector('h1')?.textContent).toBe(name);
    expect(renderReport(data({ name }))).toBe(page);
  });

  test('without a baseline shows what there is', () => {
    const { evaluation, ...rest } = data();
    const alone = {
      ...evaluation,
      baseline: null,
      byPosition: { ...evaluation.byPosition, klDivergence: new Float64Array() },
    };
    const page = renderReport({ ...rest, evaluation: alone, errors: null });
    expect(headings(page)).toEqual(['Memory by role', 'Expert load', 'Loss over position', 'Texts']);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('holds no NaN for exact weights, dense models and many experts', () => {
    const full = data({ layers: 40, experts: 128 });
    expect(renderReport(full)).not.toMatch(/NaN|undefined|Infinity/);
    const errors = (full.errors ?? []).map((error) => ({
      ...error,
      relativeError: 0,
      norms: { weights: 1, difference: 0 },
    }));
    expect(renderReport({ ...full, errors })).not.toMatch(/NaN|undefined|Infinity/);
    const { baseline } = full.evaluation;
    if (baseline === null) throw new Error('no baseline');
    const dense = {
      ...full.evaluation,
      expertLoad: [],
      baseline: { ...baseline, routerAgreement: { mean: 1, perLayer: [] } },
    };
    const page = renderReport({
      ...full,
      evaluation: dense,
      errors: errors.map((error) => ({ ...error, role: 'denseMlp' })),
    });
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });
});

test('a heat scale spans its values, and at least two percent of the largest', () => {
  const wide = heatScale([0.1, 0.2, 0.3]);
  expect(wide.ends).toEqual([expect.closeTo(0.1, 12), expect.closeTo(0.3, 12)]);
  expect([stepOf(wide, 0.1), stepOf(wide, 0.2), stepOf(wide, 0.3)]).toEqual(['heat-0', 'heat-4', 'heat-8']);
  const narrow = heatScale([0.1, 0.1]);
  expect(narrow.ends).toEqual([expect.closeTo(0.099, 12), expect.closeTo(0.101, 12)]);
  expect(stepOf(narrow, 0.1)).toBe('heat-4');
  expect(stepOf(heatScale([0, 0]), 0)).toMatch(/heat-\d/);
});
