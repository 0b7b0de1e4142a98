// A conversion that can be resumed after a crash: it is done in parts beside the output, each complete or absent, which are
// merged at the end. Run again, it continues after the parts that are there.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint } from '@moeq/loader';
import { MoeqError } from '@moeq/tensors';
import { reportOf } from '../ledger.js';
import { type ConversionPlan, planPart } from '../plan.js';
import type { QuantizeReport } from '../report.js';
import { convert, type Target } from './convert.js';
import { finished } from './finished.js';
import { mergeParts } from './merge.js';
import { type ConversionPart, describePart, fingerprint, readPart } from './part.js';

/** Bytes of the input in one part: what a crash costs at most. Minutes of work, and few enough parts. */
const defaultPartBytes = 2e9;

/** Where the parts are until the output is complete, and what is removed then. */
export const partsFolder = (out: string): string => `${out}.parts`;

/**
 * Carries out a plan in parts in the folder `<out>.parts`, which is removed when `out` is complete. An `out` that holds every
 * byte of the result before is left as it is, and the report says so.
 * @throws MoeqError when that folder holds parts of another conversion, or `out` holds anything else
 */
export async function convertInParts(
  checkpoint: Checkpoint,
  plan: ConversionPlan,
  target: Target,
  partBytes: number = defaultPartBytes,
): Promise<QuantizeReport> {
  const started = performance.now();
  const { out, maxShardBytes, overwrite, signal } = target;
  const folder = partsFolder(out);
  const print = await fingerprint(checkpoint, plan);
  const found = await finishedParts(folder);
  if (found.some((part) => part.fingerprint !== print)) throw otherConversion(folder, out);
  const before = await finished(checkpoint, plan, target);
  if (before !== null) {
    await rm(folder, { recursive: true, force: true });
    const seconds = (performance.now() - started) / 1000;
    const peakRssBytes = 1024 * process.resourceUsage().maxRSS;
    const report = reportOf(before.ledger, { out, files: before.files, seconds, peakRssBytes });
    const note = `done already: ${out} holds every byte of this conversion, so nothing was written`;
    return { ...report, notes: [...report.notes, note] };
  }
  // Parts that are there say how many there are to be, whatever their size was meant to be this time.
  const of = found[0]?.of ?? Math.max(1, Math.ceil(plan.bytesIn / partBytes));
  const complete = new Set(found.filter((part) => part.of === of).map(({ index }) => index));
  const parts = Array.from({ length: of }, (_, i) => join(folder, partName(i + 1, of)));
  for (const [i, path] of parts.entries()) {
    const index = i + 1;
    const own = planPart(plan, index, of);
    if (complete.has(index)) {
      target.advance(own.bytesIn, own.tensors.at(-1)?.source.facts.name ?? '');
      continue;
    }
    await convert(checkpoint, own, {
      ...target,
      out: path,
      overwrite: false,
      describe: (ledger, shards) => describePart({ fingerprint: print, index, of, shards, ledger }),
    });
  }
  const report = await mergeParts({ parts, out, overwrite, maxShardBytes, signal });
  await rm(folder, { recursive: true, force: true });
  return { ...report, seconds: (performance.now() - started) / 1000 };
}

const partName = (index: number, of: number): string => `part-${index}-of-${of}`;

/** The parts in a folder, complete as they are or they would not be there. */
async function finishedParts(folder: string): Promise<ConversionPart[]> {
  const names = await readdir(folder).catch(() => []);
  const parts = await Promise.all(
    names.filter((name) => /^part-\d+-of-\d+$/.test(name)).map((name) => readPart(join(folder, name))),
  );
  return parts.filter((part) => part !== null);
}

function otherConversion(folder: string, out: string): MoeqError {
  return new MoeqError({
    operation: 'resume',
    subject: folder,
    expected: `parts of this conversion into ${out}`,
    found: 'parts of another model or recipe; remove the folder to begin anew',
  });
}
