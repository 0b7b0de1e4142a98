// Every variant of tiny-moe beside the exact model, in one pass over the texts.
import {
  type EvaluationText,
  evaluate,
  roleMemory,
  summarizeErrors,
  type WeightError,
  weightErrors,
} from '@moeq/evaluate';
import type { Backend } from '@moeq/kernels';
import type { OpenedModel } from '@moeq/loader';
import { openModel } from '@moeq/loader/node';
import { fourLevels, type Variant } from './variants.ts';

export interface Row {
  readonly group: Variant['group'] | 'exact';
  readonly label: string;
  /** Of the weights that were quantized, scales counted in. */
  readonly bitsPerWeight: number;
  /** Of the whole model that they are. */
  readonly share: number;
  readonly bytesSaved: number;
  /** ||W - Q|| / ||W|| over the quantized weights. */
  readonly relativeError: number;
  readonly perplexity: number;
  readonly klDivergence: { readonly mean: number; readonly p99: number; readonly max: number };
  readonly top1Agreement: number;
  readonly routerAgreement: { readonly mean: number; readonly worst: number };
}

interface Settings {
  readonly variants: readonly Variant[];
  readonly texts: readonly EvaluationText[];
  readonly backend: Backend;
  readonly maxTokens?: number | undefined;
  readonly onProgress?: (share: number) => void;
}

export interface Measured {
  /** The exact model first, then the variants in their order. */
  readonly rows: readonly Row[];
  /** Tokens that were scored. */
  readonly tokens: number;
}

export async function measure(settings: Settings): Promise<Measured> {
  const { variants, texts, backend, maxTokens, onProgress } = settings;
  const baseline = await openModel('tiny-moe');
  const models: OpenedModel[] = [];
  try {
    for (const { recipe } of variants) {
      const options = { recipe, quantizers: [fourLevels], allowRouterQuantization: true, name: recipe.name };
      models.push(await openModel('tiny-moe', options));
    }
    const evaluations = await evaluate({
      models: [baseline, ...models],
      baseline,
      texts,
      backend,
      maxTokens,
      onProgress: ({ tokensDone, tokensTotal }) => onProgress?.(tokensDone / tokensTotal),
    });
    const rows: Row[] = [];
    for (const [index, { perplexity, baseline: comparison }] of evaluations.entries()) {
      if (comparison === null) continue;
      const { klDivergence, top1Agreement, routerAgreement } = comparison;
      const worst = Math.min(...routerAgreement.perLayer.map(({ agreement }) => agreement));
      const variant = variants[index - 1];
      const model = models[index - 1];
      rows.push({
        ...(variant === undefined || model === undefined ? exact : await cost(variant, model, baseline)),
        perplexity,
        klDivergence,
        top1Agreement,
        routerAgreement: { mean: routerAgreement.mean, worst },
      });
    }
    return { rows, tokens: evaluations[0]?.tokens ?? 0 };
  } finally {
    for (const model of [baseline, ...models]) await model.close();
  }
}

type Cost = Pick<Row, 'group' | 'label' | 'bitsPerWeight' | 'share' | 'bytesSaved' | 'relativeError'>;

const exact: Cost = {
  group: 'exact',
  label: 'bf16',
  bitsPerWeight: 16,
  share: 0,
  bytesSaved: 0,
  relativeError: 0,
};

async function cost(
  { group, label, paddingBits }: Variant,
  model: OpenedModel,
  baseline: OpenedModel,
): Promise<Cost> {
  const quantized: WeightError[] = [];
  for await (const error of weightErrors(model, baseline)) if (error.format !== 'BF16') quantized.push(error);
  const { parameters, bitsPerWeight: held, relativeError } = summarizeErrors(quantized);
  const bitsPerWeight = held - paddingBits;
  const all = roleMemory(baseline).reduce((sum, role) => sum + role.parameters, 0);
  const bytesSaved = ((16 - bitsPerWeight) * parameters) / 8;
  return { group, label, bitsPerWeight, share: parameters / all, bytesSaved, relativeError };
}
