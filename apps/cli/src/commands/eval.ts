// moeq eval: how well a model predicts texts, and how far quantizing took it from its baseline.
import { mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describeCheckpoint } from '@moeq/convert';
import {
  type Evaluation,
  type EvaluationText,
  evaluate,
  roleMemory,
  type WeightError,
  weightErrors,
} from '@moeq/evaluate';
import type { OpenedModel } from '@moeq/loader';
import { MemoryError } from '@moeq/runtime';
import { elementCount, MoeqError } from '@moeq/tensors';
import { writeFileAtomic } from '@moeq/tensors/node';
import { modelUrl } from '@moeq/tiny-moe';
import { Command } from 'commander';
import { evalTable } from '../eval-table.js';
import { type Io, note, printJson, writeNow } from '../io.js';
import { withAdvice } from '../memory-advice.js';
import { backendOf, type ModelOptions, openSource, withModelOptions } from '../model-options.js';
import { collect, wholeNumber } from '../options.js';
import { progressBar } from '../progress.js';

interface Options extends ModelOptions {
  readonly text?: readonly string[];
  readonly maxTokens?: number;
  readonly window?: number;
  readonly stride?: number;
  readonly baseline?: string;
  readonly report?: string;
  readonly json?: true;
}

/** Held-out texts that come with tiny-moe: what is read where the command line names none. */
const ownTexts = ['scripture', 'drama', 'dictionary', 'encyclopedia', 'code'];

const help = `
Examples:
  moeq eval                                             perplexity of tiny-moe on its held-out texts
  moeq eval ./tiny-moe-nf4 --baseline tiny-moe          and how far NF4 is from the original
  moeq eval ./mixtral-nf4 --baseline ./Mixtral-8x7B --text wiki.txt --report ./report
  moeq eval tiny-moe --recipe int4 --baseline tiny-moe  without writing a checkpoint

A text is tokenized whole and cut into windows, each run by itself; every token of a window but its first is
predicted. With a stride shorter than the window, tokens that an earlier window held are not predicted again.
Models run layer by layer, so two large ones need not be in memory at once.`;

export function evaluateCommand(io: Io): Command {
  return withModelOptions(
    new Command('eval')
      .summary('measure perplexity, and the distance from a baseline')
      .description('Measures how well a model predicts texts, and how far it is from a baseline model.'),
  )
    .option('-t, --text <file>', 'text to predict; may be repeated (default: the five of tiny-moe)', collect)
    .option(
      '--max-tokens <count>',
      'only this many tokens of each text, from its beginning',
      wholeNumber({ min: 2 }),
    )
    .option('--window <count>', "tokens a window (default: the model's context)", wholeNumber({ min: 2 }))
    .option('--stride <count>', 'tokens from window to window (default: the window)', wholeNumber({ min: 1 }))
    .option('--baseline <model>', 'model to compare with, usually the unquantized one')
    .option('--report <dir>', 'folder for a page with pictures, index.html')
    .option('--json', 'print one JSON document instead of the table')
    .addHelpText('after', help)
    .action(async (name: string, options: Options) => {
      await using sources = await openSources(name, options);
      const { model, baseline } = sources;
      const evaluation = await measure(io, sources, options);
      const wantsErrors = options.json !== true || options.report !== undefined;
      const errors = baseline === null || !wantsErrors ? null : await compare(io, model, baseline);
      for (const text of model.report().notices) note(io, `note: ${text}`);
      if (options.json === true) printJson(io, documentOf(evaluation));
      else io.stdout.write(evalTable(evaluation, errors, io.stdout));
      if (options.report === undefined) return;
      note(io, `report: ${await writeReport(options.report, evaluation, errors, model)}`);
    });
}

interface Sources extends AsyncDisposable {
  readonly model: OpenedModel;
  readonly baseline: OpenedModel | null;
}

async function openSources(name: string, options: Options): Promise<Sources> {
  const model = await openSource(name, options);
  try {
    const { baseline: other, plugin, allowLinks } = options;
    const ofBaseline = { ...(plugin && { plugin }), ...(allowLinks && { allowLinks }) };
    const baseline = other === undefined ? null : await openSource(other, ofBaseline);
    return {
      model,
      baseline,
      async [Symbol.asyncDispose]() {
        await model.close();
        await baseline?.close();
      },
    };
  } catch (error) {
    await model.close();
    throw error;
  }
}

async function measure(io: Io, { model, baseline }: Sources, options: Options): Promise<Evaluation> {
  const texts = await readTexts(options.text);
  const { backend } = await backendOf(io, options);
  const progress = progressBar(io, 'evaluating', 'tokens');
  try {
    const [evaluation] = await evaluate({
      models: [model],
      baseline: baseline ?? undefined,
      texts,
      backend,
      maxTokens: options.maxTokens,
      window: options.window,
      stride: options.stride,
      signal: io.signal,
      onProgress: ({ tokensDone, tokensTotal, label }) => {
        progress.update(tokensDone, tokensTotal, label);
        return writeNow(io.stdout, '');
      },
    });
    if (evaluation === undefined) throw new Error('The evaluation ended without a result.');
    return evaluation;
  } catch (error) {
    throw advised(error, { model, baseline }, backend.threads, options);
  } finally {
    progress.stop();
    await backend.destroy();
  }
}

/** A refusal for lack of memory with what would fit; any other error as it is. */
function advised(
  error: unknown,
  { model, baseline }: Pick<Sources, 'model' | 'baseline'>,
  threads: number,
  { window, recipe }: Options,
): unknown {
  const isBaseline = baseline !== null && MemoryError.isInstance(error) && error.concerns(baseline);
  const lengths = [model, ...(baseline === null ? [] : [baseline])].map(({ config }) => config.contextLength);
  return withAdvice(error, isBaseline ? baseline : model, {
    recipe: isBaseline ? null : (recipe ?? null),
    takesRecipe: !isBaseline,
    threads,
    context: window ?? Math.min(...lengths),
    inParts: true,
    cacheTokens: undefined,
    hasCacheOption: false,
  });
}

async function readTexts(files: readonly string[] | undefined): Promise<EvaluationText[]> {
  const paths = files ?? ownTexts.map((name) => new URL(`eval/${name}.txt`, modelUrl));
  return Promise.all(
    paths.map(async (path) => {
      const text = await readFile(path, 'utf8').catch((cause: unknown) => {
        throw new MoeqError({
          operation: 'read the text',
          subject: String(path),
          expected: 'a file that can be read',
          found: 'none',
          cause,
        });
      });
      return { name: basename(path instanceof URL ? path.pathname : path), text };
    }),
  );
}

async function compare(io: Io, model: OpenedModel, baseline: OpenedModel): Promise<WeightError[]> {
  const errors: WeightError[] = [];
  const progress = progressBar(io, 'comparing', 'weights');
  const total = model.checkpoint.tensors.reduce((sum, { facts }) => sum + elementCount(facts.shape), 0);
  let done = 0;
  try {
    for await (const error of weightErrors(model, baseline, { signal: io.signal })) {
      errors.push(error);
      done += error.parameters;
      const { role, layer } = error;
      progress.update(done, total, layer === null ? role : `${role} of layer ${layer}`);
      await writeNow(io.stdout, '');
    }
  } finally {
    progress.stop();
  }
  return errors;
}

/** @returns the path of the page */
async function writeReport(
  folder: string,
  evaluation: Evaluation,
  errors: readonly WeightError[] | null,
  model: OpenedModel,
): Promise<string> {
  // Only this command's pictures need a plotting library.
  const { renderReport } = await import('@moeq/evaluate/report');
  const { recipe } = model.report();
  const summary = describeCheckpoint(model.checkpoint);
  const page = renderReport({ evaluation, errors, summary, memory: roleMemory(model), recipe });
  const path = join(folder, 'index.html');
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(path, new TextEncoder().encode(page));
  return path;
}

/** The fields that the command promises. */
function documentOf({ model, tokens, nll, perplexity, baseline }: Evaluation) {
  if (baseline === null) return { model, tokens, nll, perplexity };
  const { klDivergence, top1Agreement, routerAgreement } = baseline;
  return {
    model,
    tokens,
    nll,
    perplexity,
    baseline: {
      perplexity: baseline.perplexity,
      klDivergence,
      top1Agreement,
      routerAgreement: {
        mean: routerAgreement.mean,
        perLayer: routerAgreement.perLayer.map(({ agreement }) => agreement),
      },
    },
  };
}
