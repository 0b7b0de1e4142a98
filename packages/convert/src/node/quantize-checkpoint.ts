// A checkpoint in, a quantized one out, and a report that accounts for every byte.
import { realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { type Checkpoint, openCheckpoint } from '@moeq/loader';
import { resolveModel } from '@moeq/loader/node';
import { MoeqError } from '@moeq/tensors';
import { reportOf } from '../ledger.js';
import { type ConversionPlan, planConversion, planPart } from '../plan.js';
import type { QuantizeReport } from '../report.js';
import { convert, type Target } from './convert.js';
import { checkOptions, type QuantizeOptions, recipeOf } from './options.js';
import { describePart, fingerprint } from './part.js';
import { convertInParts } from './resume.js';

/**
 * Quantizes a checkpoint into a folder of its own, in bounded memory: one matrix, or 16 MiB of a tensor that is kept.
 * @throws MoeqError from opening, planning (see `planConversion`), reading, NaN or infinity in a weight, and writing; the
 *   signal's reason when it aborts. The output folder is then as it was before.
 */
export async function quantizeCheckpoint(options: QuantizeOptions): Promise<QuantizeReport> {
  checkOptions(options);
  const { model, out, allowRouterQuantization = false, allowLinks = false } = options;
  const recipe = recipeOf(options);
  const checkpoint =
    typeof model === 'string' ? await openCheckpoint(await resolveModel(model, { allowLinks })) : model;
  try {
    await assertApart(checkpoint.name, out);
    const plan = planConversion(checkpoint, recipe, { allowRouterQuantization });
    return await carryOut(checkpoint, plan, options);
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

/** All of the plan at once, in parts that survive, or one part of several. */
async function carryOut(
  checkpoint: Checkpoint,
  whole: ConversionPlan,
  options: QuantizeOptions,
): Promise<QuantizeReport> {
  const {
    out,
    maxShardBytes,
    overwrite = false,
    encoder,
    signal,
    shard,
    resume = false,
    partBytes,
  } = options;
  const started = performance.now();
  const plan = shard === undefined ? whole : planPart(whole, shard.index, shard.of);
  const target: Target = {
    out,
    maxShardBytes,
    overwrite,
    encoder,
    signal,
    advance: progressOf(plan, options, started),
  };
  if (resume) return convertInParts(checkpoint, plan, target, partBytes);
  const part = shard === undefined ? null : { ...shard, fingerprint: await fingerprint(checkpoint, whole) };
  const { ledger, files } = await convert(checkpoint, plan, {
    ...target,
    ...(part !== null && { describe: (ledger, shards) => describePart({ ...part, ledger, shards }) }),
  });
  const seconds = (performance.now() - started) / 1000;
  return reportOf(ledger, { out, files, seconds, peakRssBytes: 1024 * process.resourceUsage().maxRSS });
}

function progressOf(
  plan: ConversionPlan,
  { onProgress }: QuantizeOptions,
  started: number,
): Target['advance'] {
  let bytesDone = 0;
  return (bytes, tensor) => {
    bytesDone += bytes;
    const bytesPerSecond = (1000 * bytesDone) / Math.max(performance.now() - started, 1);
    onProgress?.({ bytesDone, bytesTotal: plan.bytesIn, tensor, bytesPerSecond });
  };
}
