// A checkpoint in, a quantized one out, and a report that accounts for every byte.
import type { Checkpoint } from '@moeq/loader';
import { reportOf } from '../ledger.js';
import { type ConversionPlan, planConversion, planPart } from '../plan.js';
import type { QuantizeReport } from '../report.js';
import { assertApart } from './apart.js';
import { convert, type Target } from './convert.js';
import { checkQuantizeOptions, type QuantizeOptions, recipeOf } from './options.js';
import { describePart, fingerprint } from './part.js';
import { progressOf } from './progress.js';
import { convertInParts, partsFolder } from './resume.js';
import { withCheckpoint } from './with-checkpoint.js';

/**
 * Quantizes a checkpoint into a folder of its own, in bounded memory: one matrix, or 16 MiB of a tensor that is kept.
 * @throws MoeqError from opening, planning (see `planConversion`), reading, NaN or infinity in a weight, and writing; the
 *   signal's reason when it aborts. The output folder is then as it was before.
 */
export async function quantizeCheckpoint(options: QuantizeOptions): Promise<QuantizeReport> {
  checkQuantizeOptions(options);
  const { out, quantizers = [], allowRouterQuantization = false, requantize = false, roles } = options;
  const recipe = recipeOf(options);
  return withCheckpoint(options, { quantizers, decodesFp8: true, roles }, async (checkpoint) => {
    await assertApart('quantize', checkpoint.name, out);
    if (options.resume === true) await assertApart('resume', checkpoint.name, partsFolder(out));
    const plan = planConversion(checkpoint, recipe, { allowRouterQuantization, requantize });
    return carryOut(checkpoint, plan, options);
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
    quantizers = [],
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
    quantizers,
    signal,
    advance: progressOf(plan.bytesIn, options.onProgress),
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
