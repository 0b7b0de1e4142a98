// A checkpoint as the source of a model: the decoder's weights by place, tokenizer, chat template and generation
// defaults. Needs no file system: the files may come from anywhere.

import {
  type Quantizer,
  type Recipe,
  type RecipeData,
  recipeFrom,
  routerWarning,
  withoutExperts,
} from '@moeq/quantizers';
import { hasExperts, type ModelSource, type WeightHeads } from '@moeq/runtime';
import { checkOptions, checks, type MatrixEncoder, type OptionChecks } from '@moeq/tensors';
import type { Checkpoint } from './checkpoint/checkpoint.js';
import { type LoadReport, matrixStage } from './checkpoint/matrix-stage.js';
import { openCheckpoint } from './checkpoint/open-checkpoint.js';
import { describeOthers } from './checkpoint/others-text.js';
import { weightHeads } from './checkpoint/weight-heads.js';
import { weightReader } from './checkpoint/weights.js';
import { readGeneration } from './config/generation-config.js';
import { describeSelection } from './config/selection.js';
import type { FileSet } from './files/file-set.js';
import { readTextParts } from './files/text-files.js';
import type { FileTokenizer } from './tokenizer/create-tokenizer.js';

export interface OpenOptions {
  /**
   * Quantize while loading: a recipe or its data, the name of a built-in one, or the JSON of a BitsAndBytesConfig
   * (`load_in_4bit`, …). Weights run as they are stored unless given.
   */
  readonly recipe?: string | Recipe | RecipeData | Readonly<Record<string, unknown>>;
  /** Quantizers of your own, for recipes and for checkpoints that use them. */
  readonly quantizers?: readonly Quantizer[];
  /** Kernels to quantize with, such as `wasmEncoder()` of @moeq/wasm: the same bytes, faster. It stays open. */
  readonly encoder?: MatrixEncoder;
  /**
   * Whether the backend runs a format that no layout describes as it is, as WebGPU does by a snippet; asked for each
   * matrix when it is read. Other formats of that kind are decoded to float32.
   */
  readonly runsFormat?: (format: string) => boolean;
  /** A recipe that quantizes a router is refused unless this is true. */
  readonly allowRouterQuantization?: boolean;
  /** What the model is called; the name of the files unless given. */
  readonly name?: string;
}

/** A model's source that can say what was done to its weights. */
export interface OpenedModel extends ModelSource {
  readonly checkpoint: Checkpoint;
  readonly heads: WeightHeads;
  /** What the weights would be by another recipe. @throws MoeqError when it is none */
  headsBy(recipe: OpenOptions['recipe']): WeightHeads;
  /** Names of variables that chat templates mention; null where there is none that can be read. */
  templateNames(): ReadonlySet<string> | null;
  /** What has been read so far; complete once a model has been created from this source. */
  report(): LoadReport;
}

const known: OptionChecks<OpenOptions> = {
  recipe: checks.anything,
  quantizers: checks.list,
  encoder: checks.anything,
  runsFormat: checks.callback,
  allowRouterQuantization: checks.flag,
  name: checks.text,
};

/**
 * Opens the model in a set of files. Weights are read when the runtime asks for them; close it afterwards.
 * @throws MoeqError for an unknown option, a recipe that cannot be applied, a rotation that is not known, or anything in the
 *   files that does not fit
 */
export async function openModelFiles(files: FileSet, options: OpenOptions = {}): Promise<OpenedModel> {
  checkOptions('open the model', options, known);
  const { quantizers = [] } = options;
  const asWritten = recipeOf(options);
  const checkpoint = await openCheckpoint(files, { quantizers });
  const ownRecipe = (recipe: Recipe | null) =>
    recipe === null || hasExperts(checkpoint.decoder) ? recipe : withoutExperts(recipe);
  try {
    const recipe = ownRecipe(asWritten);
    if (checkpoint.refusal !== null) throw checkpoint.refusal;
    const facts = checkpoint.tensors.map((tensor) => tensor.facts);
    const warning = recipe === null ? null : routerWarning(recipe, facts);
    const others = describeOthers(checkpoint.tensors);
    const selection = describeSelection(checkpoint.decoder);
    const {
      generation,
      stopTokenIds,
      notices: left,
    } = await readGeneration(files, checkpoint.textConfig, checkpoint.decoder);
    const notices = [
      ...(recipe?.notes ?? []),
      ...(warning === null ? [] : [warning]),
      ...(others === null ? [] : [`left aside: ${others}`]),
      ...(selection === null ? [] : [selection]),
      ...left,
    ];
    const { encoder, runsFormat } = options;
    const text = await readTextParts(files, checkpoint.decoder.vocabularySize);
    const stage = matrixStage(recipe, { quantizers, notices, encoder, runsFormat });
    return {
      name: options.name ?? files.name,
      config: checkpoint.decoder,
      weights: weightReader(checkpoint, stage.apply),
      heads: weightHeads(checkpoint, { recipe, runsFormat }),
      headsBy: (other) =>
        weightHeads(checkpoint, { recipe: ownRecipe(recipeOf({ ...options, recipe: other })), runsFormat }),
      ...text,
      generation,
      stopTokenIds: endsOf(stopTokenIds, text.tokenizer, checkpoint.decoder.vocabularySize),
      checkpoint,
      report: stage.report,
      close: checkpoint.close,
    };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

/** The ends of a text: those of generation_config.json, and the eos_token of the tokenizer's files. */
function endsOf(ids: readonly number[], tokenizer: FileTokenizer | null, vocabularySize: number): number[] {
  const end = tokenizer?.endId ?? null;
  return [...new Set(end === null || end >= vocabularySize ? ids : [...ids, end])];
}

/** The recipe of the options, ready for use; null where there is none. @throws MoeqError when it is none */
function recipeOf({
  recipe,
  quantizers = [],
  allowRouterQuantization = false,
}: Pick<OpenOptions, 'quantizers' | 'allowRouterQuantization'> & {
  readonly recipe?: OpenOptions['recipe'] | undefined;
}): Recipe | null {
  if (recipe === undefined) return null;
  return recipeFrom(recipe, { quantizers, allowRouterQuantization });
}
