// Whether an output folder is the result of this conversion already: it is carried out again against the files that are
// there, compared byte by byte instead of written. The first difference ends it.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint } from '@moeq/loader';
import { type ByteSource, counted, MoeqError, openSafetensors, quote, type TensorEntry } from '@moeq/tensors';
import { type CheckpointWriter, type CheckpointWriterOptions, fileSource } from '@moeq/tensors/node';
import type { ConversionPlan } from '../plan.js';
import type { WrittenFile } from '../report.js';
import { type Converted, convert, type Target } from './convert.js';

/**
 * @returns what the conversion did; null where `out` is absent or empty, or is to be replaced
 * @throws MoeqError when `out` holds anything else
 */
export async function finished(
  checkpoint: Checkpoint,
  plan: ConversionPlan,
  target: Target,
): Promise<Converted | null> {
  const names = await readdir(target.out).catch(() => []);
  if (names.length === 0 || target.overwrite) return null;
  return convert(checkpoint, plan, { ...target, createWriter: compareWithFolder });
}

interface Place {
  readonly source: ByteSource;
  readonly entry: TensorEntry;
  /** Bytes found equal so far. */
  done: number;
}

/** A writer that writes nothing. @throws MoeqError, itself and its methods, where the folder holds something else */
async function compareWithFolder({ out, tensors }: CheckpointWriterOptions): Promise<CheckpointWriter> {
  const names = (await readdir(out)).sort();
  const shards = names.filter((name) => name.endsWith('.safetensors'));
  const others: string[] = names.filter((name) => name === 'model.safetensors.index.json');
  const differs = (what: string): never => {
    throw new MoeqError({
      code: shards.length > 0 ? 'outputExists' : undefined,
      operation: 'write',
      subject: out,
      expected: 'a folder that is empty or absent, or the finished result of this very conversion',
      found: `one with ${counted(names.length, 'file')}, where ${what}`,
    });
  };
  const places = new Map<string, Place>();
  const sources: ByteSource[] = [];
  const abort = async () => {
    await Promise.all(sources.splice(0).map((source) => source.close?.()));
  };
  try {
    for (const shard of shards) {
      const source = await fileSource(join(out, shard));
      sources.push(source);
      for (const entry of (await openSafetensors(source)).tensors.values())
        places.set(entry.name, { source, entry, done: 0 });
    }
    const planned = new Set(tensors.map(({ name }) => name));
    const extra = [...places.keys()].find((name) => !planned.has(name));
    if (extra !== undefined) differs(`there is a tensor ${quote(extra, 200)}`);
    for (const tensor of tensors) {
      const entry = places.get(tensor.name)?.entry;
      const fits =
        'maxBytes' in tensor || (entry?.dtype === tensor.dtype && entry.shape.join() === tensor.shape.join());
      if (entry === undefined || !fits) differs(`tensor ${quote(tensor.name, 200)} is not as it would be`);
    }
  } catch (error) {
    await abort();
    throw error;
  }
  return {
    shards,
    async write(name, data) {
      const place = places.get(name) ?? differs(`there is no tensor ${quote(name, 200)}`);
      const fits = place.done + data.byteLength <= place.entry.bytes;
      const there = fits
        ? await place.source.read(place.entry.offset + place.done, data.byteLength)
        : new Uint8Array();
      if (!equal(there, data)) differs(`tensor ${quote(name, 200)} has other values`);
      place.done += data.byteLength;
    },
    async writeFile(name, data) {
      const there = await readFile(join(out, name)).catch(() => differs(`there is no ${name}`));
      if (!equal(there, Buffer.from(data))) differs(`${name} has another content`);
      others.push(name);
    },
    async commit() {
      const short = [...places.values()].find(({ done, entry }) => done < entry.bytes);
      if (short !== undefined) differs(`tensor ${quote(short.entry.name, 200)} is longer`);
      return Promise.all([...shards, ...others].map((name) => describeFile(out, name)));
    },
    abort,
    [Symbol.asyncDispose]: abort,
  };
}

const equal = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

async function describeFile(out: string, path: string): Promise<WrittenFile> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(join(out, path))) hash.update(piece);
  return { path, bytes: (await stat(join(out, path))).size, sha256: hash.digest('hex') };
}
