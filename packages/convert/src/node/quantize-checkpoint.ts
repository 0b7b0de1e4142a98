// A checkpoint in, a quantized one out. Tensors stream through one matrix at a time, the folder appears when it is whole,
// and the report accounts for every byte.
import { realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { type Checkpoint, openCheckpoint } from '@moeq/loader';
import { resolveModel } from '@moeq/loader/node';
import { toBitsandbytes, toMoeq } from '@moeq/quantizers';
import { bitsPerWeight, MoeqError } from '@moeq/tensors';
import { createCheckpointWriter } from '@moeq/tensors/node';
import { type Account, openAccount } from '../account.js';
import { type FloatScratch, floatScratch, quantizeMatrices, readPieces } from '../matrices.js';
import { type ConversionPlan, type PlannedTensor, planConversion } from '../plan.js';
import type { QuantizeReport } from '../report.js';
import { checkOptions, type QuantizeOptions, recipeOf } from './options.js';
import { configText, otherFiles } from './other-files.js';

/**
 * Quantizes a checkpoint into a folder of its own, in bounded memory: one matrix, or 16 MiB of a tensor that is kept.
 * @throws MoeqError from opening, planning (see `planConversion`), reading, NaN or infinity in a weight, and writing; the
 *   signal's reason when it aborts. The output folder is then as it was before.
 */
export async function quantizeCheckpoint(options: QuantizeOptions): Promise<QuantizeReport> {
  checkOptions(options);
  const { model, allowRouterQuantization = false } = options;
  const recipe = recipeOf(options);
  const checkpoint = typeof model === 'string' ? await openCheckpoint(await resolveModel(model)) : model;
  try {
    await assertApart(checkpoint.name, options.out);
    const plan = planConversion(checkpoint, recipe, { allowRouterQuantization });
    return await convert(checkpoint, plan, options);
  } finally {
    if (typeof model === 'string') await checkpoint.close();
  }
}

/** The output must not take the place of its input, not even where another checkpoint may be replaced. */
async function assertApart(model: string, out: string): Promise<void> {
  const [input, output] = await Promise.all([model, out].map((path) => realpath(path).catch(() => null)));
  if (input == null || output == null || !`${input}${sep}`.startsWith(`${output}${sep}`)) return;
  throw new MoeqError({
    operation: 'quantize',
    subject: out,
    expected: 'a folder that is not, and does not hold, the model that is read',
    found: model,
  });
}

async function convert(
  checkpoint: Checkpoint,
  plan: ConversionPlan,
  options: QuantizeOptions,
): Promise<QuantizeReport> {
  const { out, maxShardBytes, overwrite = false, signal } = options;
  const started = performance.now();
  await using writer = await createCheckpointWriter({
    out,
    // The parts of one tensor stay in one file, as transformers wants them.
    tensors: plan.tensors.flatMap(({ source, parts }) =>
      parts.map((part) => ({ ...part, group: source.facts.name })),
    ),
    overwrite,
    ...(maxShardBytes !== undefined && { maxShardBytes }),
  });
  const account = openAccount(plan);
  const floats = floatScratch();
  const advance = progressOf(plan, options, started);
  for (const tensor of plan.tensors) {
    for await (const { parts, bytesRead } of convertTensor(tensor, { plan, account, floats, signal })) {
      for (const [name, data] of parts) {
        await writer.write(name, data);
        account.wrote(tensor, data.byteLength);
      }
      advance(bytesRead, tensor);
      signal?.throwIfAborted();
    }
  }
  account.check();
  await writer.writeFile('config.json', await configText(checkpoint, plan));
  for await (const [name, data] of otherFiles(checkpoint.files)) await writer.writeFile(name, data);
  signal?.throwIfAborted();
  const files = await writer.commit();
  const seconds = (performance.now() - started) / 1000;
  return account.report({ out, files, seconds, peakRssBytes: 1024 * process.resourceUsage().maxRSS });
}

/** What is to be written next, and the bytes of input that it comes from. */
interface Piece {
  readonly parts: readonly (readonly [name: string, data: Uint8Array])[];
  readonly bytesRead: number;
}

/** What the tensors of one conversion share. */
interface Conversion {
  readonly plan: ConversionPlan;
  readonly account: Account;
  readonly floats: FloatScratch;
  readonly signal: AbortSignal | undefined;
}

/** One tensor, quantized matrix by matrix or copied piece by piece. */
async function* convertTensor(
  { source, action }: PlannedTensor,
  { plan, account, floats, signal }: Conversion,
): AsyncGenerator<Piece> {
  const { name, role, shape } = source.facts;
  if (action === 'keep') {
    for await (const data of readPieces(source, signal))
      yield { parts: [[name, data]], bytesRead: data.byteLength };
    return;
  }
  for await (const { index, tensor, norms, bytes } of quantizeMatrices(source, action, floats, signal)) {
    const stored = plan.form === 'moeq' ? toMoeq(name, tensor) : toBitsandbytes(name, tensor);
    const parts = Object.entries(stored).map(([part, { data }]) => [part, data] as const);
    const matrix = shape.length === 3 ? { matrix: index } : {};
    account.errors.add(
      { name, role, format: tensor.format, ...matrix, bitsPerWeight: bitsPerWeight(tensor) },
      norms,
    );
    yield { parts, bytesRead: bytes };
  }
}

function progressOf(plan: ConversionPlan, { onProgress }: QuantizeOptions, started: number) {
  let bytesDone = 0;
  return (bytes: number, { source }: PlannedTensor): void => {
    bytesDone += bytes;
    const bytesPerSecond = (1000 * bytesDone) / Math.max(performance.now() - started, 1);
    onProgress?.({ bytesDone, bytesTotal: plan.bytesIn, tensor: source.facts.name, bytesPerSecond });
  };
}
