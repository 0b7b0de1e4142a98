// A part of a conversion: a folder with some of the tensors and a file that says which, so that machines can share the work
// and a crash costs one part. Parts belong together when their fingerprints are equal.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Checkpoint, partFileName } from '@moeq/loader';
import { MoeqError, quote, type SquaredNorms } from '@moeq/tensors';
import type { Ledger, PartRecord } from '../ledger.js';
import type { ConversionPlan } from '../plan.js';

export interface ConversionPart {
  /** Of the plan and the input. */
  readonly fingerprint: string;
  /** 1 to `of`. */
  readonly index: number;
  readonly of: number;
  /** The safetensors files of the folder. */
  readonly shards: readonly string[];
  readonly ledger: Ledger;
}

const formatVersion = 2;

/** @returns the name and the text of the file that says what the folder holds */
export function describePart(part: ConversionPart): readonly [name: string, text: string] {
  return [partFileName, `${JSON.stringify({ version: formatVersion, ...part })}\n`];
}

/** @throws MoeqError when the folder is no part; null in its stead where there is no such folder */
export async function readPart(folder: string): Promise<ConversionPart | null> {
  const path = join(folder, partFileName);
  const fail = (found: string, cause?: unknown): never => {
    const expected = 'a part of a conversion';
    throw new MoeqError({ operation: 'read the part', subject: folder, expected, found, cause });
  };
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    return fail(`no readable ${partFileName}`, cause);
  });
  if (text === null) return null;
  try {
    const part: unknown = JSON.parse(text);
    return isPart(part) ? withInfinities(part) : fail(`another content or version of ${partFileName}`);
  } catch (cause) {
    if (MoeqError.isInstance(cause)) throw cause;
    return fail(`${partFileName} with ${quote(text, 24)}`, cause);
  }
}

/** The one number of a ledger that may be infinite, which JSON writes as null. */
function withInfinities(part: ConversionPart): ConversionPart {
  const worst = part.ledger.worst.map((error) => ({
    ...error,
    relativeError: error.relativeError ?? Number.POSITIVE_INFINITY,
  }));
  return { ...part, ledger: { ...part.ledger, worst } };
}

/** What merging relies on; the rest of the ledger is numbers for the report. */
function isPart(value: unknown): value is ConversionPart {
  const fields = new Map(Object.entries(value ?? {}));
  const [index, of, shards, ledger] = ['index', 'of', 'shards', 'ledger'].map((key) => fields.get(key));
  const tensors: unknown = ledger?.tensors;
  return (
    fields.get('version') === formatVersion &&
    typeof fields.get('fingerprint') === 'string' &&
    Number.isInteger(index) &&
    Number.isInteger(of) &&
    index >= 1 &&
    index <= of &&
    Array.isArray(shards) &&
    shards.every((name) => typeof name === 'string' && /^[\w-]+\.safetensors$/.test(name)) &&
    Array.isArray(tensors) &&
    tensors.every(({ parts }) => Array.isArray(parts) && parts.every(isPartRecord)) &&
    Object.values(Object(ledger.norms)).every(isNorms) &&
    Array.isArray(ledger.worst)
  );
}

/** JSON has no NaN and no infinity: sums that are none come back as null, and are refused. */
function isNorms(value: unknown): value is SquaredNorms {
  const { weights, difference }: Partial<Record<string, unknown>> = Object(value);
  return [weights, difference].every((sum) => Number.isFinite(sum) && Number(sum) >= 0);
}

function isPartRecord(value: unknown): value is PartRecord {
  const { name, maxBytes = 0 }: Partial<Record<string, unknown>> = Object(value);
  return typeof name === 'string' && Number.isSafeInteger(maxBytes) && Number(maxBytes) >= 0;
}

/** Bytes of each tensor that go into the fingerprint: enough to tell one training run from another. */
const sampleBytes = 1024;

/** Hexadecimal SHA-256 of the plan, config.json and a sample of every tensor of the input. */
export async function fingerprint(checkpoint: Checkpoint, plan: ConversionPlan): Promise<string> {
  const { recipe, form, config } = plan;
  const hash = createHash('sha256');
  hash.update(JSON.stringify([formatVersion, recipe.data, form, config, checkpoint.config]));
  for (const { source, parts } of plan.tensors) {
    const { name, shape } = source.facts;
    hash.update(JSON.stringify([name, source.stored, shape, parts]));
    for (const { bytes, readBytes } of source.parts ?? [source])
      hash.update(await readBytes(0, Math.min(sampleBytes, bytes)));
  }
  return hash.digest('hex');
}
