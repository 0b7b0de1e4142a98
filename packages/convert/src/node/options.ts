// Options of a conversion, checked: a misspelt one is an error, never a default.
import type { Checkpoint, TensorRoles } from '@moeq/loader';
import { type Quantizer, type Recipe, recipeFrom } from '@moeq/quantizers';
import { checkOptions, checks, type MatrixEncoder, type OptionChecks, optionError } from '@moeq/tensors';

export interface QuantizeOptions {
  /** A folder or `tiny-moe`; or a checkpoint that is open already and stays open. */
  readonly model: string | Checkpoint;
  /** The files of the model's folder may be links to files anywhere. */
  readonly allowLinks?: boolean | undefined;
  /** Of a model type that is not known: the roles of its tensors. */
  readonly roles?: TensorRoles | undefined;
  /** The folder to make. */
  readonly out: string;
  /** A recipe, its data, the name of a built-in one, or a BitsAndBytesConfig. Default `nf4`. */
  readonly recipe?: unknown;
  /** Quantizers of your own, found by name beside the built-in ones. */
  readonly quantizers?: readonly Quantizer[] | undefined;
  /** Quantize routers where the recipe says so, with a warning in the report. */
  readonly allowRouterQuantization?: boolean | undefined;
  /**
   * Decode weights that are quantized in the model, and quantize them as the recipe says. Unless given they stay as they are,
   * byte for byte; but 8-bit floats in blocks, as of DeepSeek-V3, always count as the BF16 that they stand for.
   */
  readonly requantize?: boolean | undefined;
  /** Bytes of tensors in one file; 5e9 unless given. */
  readonly maxShardBytes?: number | undefined;
  /** Replace a checkpoint that is in `out` already, once the new one is complete. */
  readonly overwrite?: boolean | undefined;
  /** Convert this part of the model only, for `mergeParts` to merge with the others. */
  readonly shard?: { readonly index: number; readonly of: number } | undefined;
  /**
   * Work in parts that survive the process, in the folder `<out>.parts`; begun before, it goes on behind those that are
   * there. Output is written twice, and an abort keeps the parts that are finished. Where `out` is the finished result, to
   * the byte, it stays, and a note of the report says so.
   */
  readonly resume?: boolean | undefined;
  /** Bytes of the input in one part of a conversion that can be resumed; 2e9 unless given. */
  readonly partBytes?: number | undefined;
  /** Kernels to quantize with, such as `wasmEncoder()` of @moeq/wasm: the same bytes, faster. It stays open. */
  readonly encoder?: MatrixEncoder | undefined;
  readonly onProgress?: ((progress: QuantizeProgress) => void) | undefined;
  /** Ends the conversion; nothing of it is left. */
  readonly signal?: AbortSignal | undefined;
}

export interface QuantizeProgress {
  /** Of the input. */
  readonly bytesDone: number;
  readonly bytesTotal: number;
  /** The tensor that has just been written, or a part of it. */
  readonly tensor: string;
  /** Of the input, since the beginning. */
  readonly bytesPerSecond: number;
}

/** What a recipe is, `recipeFrom` says. */
const known: OptionChecks<QuantizeOptions> = {
  model: {
    expected: 'the path of a folder, tiny-moe or an open checkpoint',
    holds: (value) => typeof value === 'string' || checks.objectWith('', 'tensors').holds(value),
  },
  allowLinks: checks.flag,
  roles: checks.objectWith('roles of tensors', 'model_type', 'roles'),
  out: checks.text,
  recipe: checks.anything,
  quantizers: checks.list,
  allowRouterQuantization: checks.flag,
  requantize: checks.flag,
  maxShardBytes: checks.integer({ min: 1 }),
  overwrite: checks.flag,
  shard: checks.objectWith('an index from 1 to a number of parts', 'index', 'of'),
  resume: checks.flag,
  partBytes: checks.number({ above: 0 }),
  encoder: checks.anything,
  onProgress: checks.callback,
  signal: checks.signal,
};

/** @throws MoeqError for an option that does not exist, or values that cannot be */
export function checkQuantizeOptions(options: QuantizeOptions): void {
  const operation = 'quantize';
  checkOptions(operation, options, known);
  const { shard, resume = false, roles, model } = options;
  if (roles !== undefined && typeof model !== 'string')
    throw optionError(operation, 'option roles', 'a path as model', 'an open checkpoint');
  if (shard === undefined) return;
  const { index, of } = shard;
  if (![index, of].every(Number.isSafeInteger) || index < 1 || index > of) {
    throw optionError(operation, 'option shard', 'an index from 1 to a number of parts', `${index} of ${of}`);
  }
  if (resume) throw optionError(operation, 'options', 'shard or resume', 'both');
}

/** The recipe of a conversion, ready for use. @throws MoeqError when it is none */
export function recipeOf({
  recipe = 'nf4',
  quantizers = [],
  allowRouterQuantization = false,
}: QuantizeOptions): Recipe {
  return recipeFrom(recipe, { quantizers, allowRouterQuantization });
}
