// A checkpoint in, one .gguf file out, and a report that accounts for every byte.
import { type Checkpoint, describeOthers } from '@moeq/loader';
import type { Quantizer } from '@moeq/quantizers';
import {
  addNorms,
  checkOptions,
  checks,
  elementCount,
  ggufByteLength,
  ggufType,
  type OptionChecks,
  relativeError,
  type SquaredNorms,
} from '@moeq/tensors';
import { createGgufWriter, type GgufWriter } from '@moeq/tensors/node';
import { encodeGguf } from '../gguf/encode.js';
import { ggufMetadata } from '../gguf/metadata.js';
import { type PlannedGgufTensor, planGguf } from '../gguf/plan.js';
import { parseGgufRecipe } from '../gguf/recipe.js';
import { type Ledger, reportOf, worstKept } from '../ledger.js';
import type { QuantizeReport, TensorError } from '../report.js';
import { assertApart } from './apart.js';
import type { QuantizeProgress } from './options.js';
import { progressOf } from './progress.js';
import { withCheckpoint } from './with-checkpoint.js';

export interface GgufOptions {
  /** A folder, a .gguf file or `tiny-moe`; or a checkpoint that is open already and stays open. */
  readonly model: string | Checkpoint;
  /** The files of the model's folder may be links to files anywhere. */
  readonly allowLinks?: boolean;
  /** The file to make. */
  readonly out: string;
  /**
   * A type (`iq4_nl`, the default, `q4_0`, `q8_0` for experts; `f16`, `bf16`, `f32` for all), or types by role. All else is
   * kept; routers and norms are F32.
   */
  readonly recipe?: unknown;
  /** Quantizers of your own, for checkpoints that use them. */
  readonly quantizers?: readonly Quantizer[];
  /** Replace a file that is at `out` already, once the new one is complete. */
  readonly overwrite?: boolean;
  readonly onProgress?: (progress: QuantizeProgress) => void;
  /** Ends the conversion; nothing of it is left. */
  readonly signal?: AbortSignal;
}

const known: OptionChecks<GgufOptions> = {
  model: checks.anything,
  allowLinks: checks.flag,
  out: checks.text,
  recipe: checks.anything,
  quantizers: checks.list,
  overwrite: checks.flag,
  onProgress: checks.callback,
  signal: checks.signal,
};

/**
 * Writes a checkpoint, plain or quantized, as a GGUF file for llama.cpp. One strip of a matrix is in memory at a time.
 * @throws MoeqError for an unknown option, a model or tokenizer that llama.cpp has no name for, NaN or infinity in a weight,
 *   and from writing; the signal's reason when it aborts. `out` is then as it was before.
 */
export async function convertToGguf(options: GgufOptions): Promise<QuantizeReport> {
  checkOptions('write as GGUF', options, known);
  const { quantizers = [] } = options;
  return withCheckpoint(options, { quantizers }, (checkpoint) => convert(checkpoint, options));
}

async function convert(checkpoint: Checkpoint, options: GgufOptions): Promise<QuantizeReport> {
  const { out, overwrite = false, signal } = options;
  if (checkpoint.refusal !== null) throw checkpoint.refusal;
  const started = performance.now();
  const recipe = parseGgufRecipe(options.recipe);
  await assertApart('write as GGUF', checkpoint.name, out);
  const tensors = planGguf(checkpoint, recipe);
  const experts = tensors.find(({ role }) => role === 'expert')?.type ?? ggufType('F32');
  const metadata = await ggufMetadata(checkpoint, experts);
  await using writer = await createGgufWriter({ out, metadata, tensors, overwrite });
  const norms: Partial<Record<PlannedGgufTensor['role'], SquaredNorms>> = {};
  const worst: TensorError[] = [];
  const bytesIn = tensors.reduce((sum, tensor) => sum + tensor.bytesIn, 0);
  const advance = progressOf(bytesIn, options.onProgress);
  for (const tensor of tensors) {
    const lost = await writeTensor(writer, tensor, options, advance);
    norms[tensor.role] = addNorms([...lost, norms[tensor.role] ?? nothing]);
    // a float type that holds the weights exactly has lost nothing
    if (lost.every(({ difference }) => difference === 0)) continue;
    lost.forEach((own, index) => {
      worst.push(errorOf(tensor, own, index));
    });
    worst.sort((a, b) => b.relativeError - a.relativeError).splice(worstKept);
  }
  signal?.throwIfAborted();
  const others = describeOthers(checkpoint.tensors);
  const file = await writer.commit();
  const ledger: Ledger = {
    recipe: recipe.name,
    form: 'gguf',
    notes: [
      ...(metadata.has('tokenizer.ggml.tokens') ? [] : [withoutTokens]),
      ...(others === null ? [] : [`left out, as llama.cpp has no names for it: ${others}`]),
    ],
    warnings: [],
    tensors: tensors.map(recordOf),
    norms,
    worst,
  };
  const seconds = (performance.now() - started) / 1000;
  return reportOf(ledger, {
    out,
    files: [file],
    seconds,
    peakRssBytes: 1024 * process.resourceUsage().maxRSS,
  });
}

const withoutTokens =
  'the model has no tokenizer.json, so the file takes token ids only; programs that want a vocabulary do not open it';

const nothing: SquaredNorms = { weights: 0, difference: 0 };

/** @returns what each of its matrices lost */
async function writeTensor(
  writer: GgufWriter,
  tensor: PlannedGgufTensor,
  { quantizers = [], signal }: GgufOptions,
  advance: (bytes: number, tensor: string) => void,
): Promise<SquaredNorms[]> {
  const lost = tensor.matrices.map(() => nothing);
  for await (const { matrix, data, norms, share } of encodeGguf(tensor, quantizers, signal)) {
    await writer.write(tensor.name, data);
    lost[matrix] = addNorms([lost[matrix] ?? nothing, norms]);
    advance((tensor.bytesIn * share) / tensor.matrices.length, tensor.name);
  }
  return lost;
}

function errorOf(tensor: PlannedGgufTensor, norms: SquaredNorms, matrix: number): TensorError {
  const { name, role, type, matrices } = tensor;
  return {
    name,
    role,
    format: formatOf(tensor),
    ...(matrices.length > 1 && { matrix }),
    relativeError: relativeError(norms),
    bitsPerWeight: (8 * type.blockBytes) / type.blockLength,
  };
}

function formatOf({ type }: PlannedGgufTensor): string {
  return typeof type.content === 'string' ? type.content : type.content.format;
}

function recordOf(tensor: PlannedGgufTensor): Ledger['tensors'][number] {
  const { name, role, type, shape, matrices, bytesIn } = tensor;
  return {
    name,
    role,
    before: matrices[0]?.tensor.stored ?? '',
    after: formatOf(tensor),
    parameters: elementCount(shape),
    bytesIn,
    bytesOut: ggufByteLength(type, shape),
    parts: [{ name }],
  };
}
