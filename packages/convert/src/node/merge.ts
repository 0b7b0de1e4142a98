// The parts of one conversion as the checkpoint that they are parts of. Bytes are copied as they are.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { folder } from '@moeq/loader/node';
import { type ByteSource, counted, MoeqError, openSafetensors, quote, type TensorEntry } from '@moeq/tensors';
import { createCheckpointWriter, fileSource, type PlannedTensor } from '@moeq/tensors/node';
import { joinLedgers, type PartRecord, reportOf } from '../ledger.js';
import type { QuantizeReport } from '../report.js';
import type { QuantizeProgress } from './options.js';
import { otherFiles } from './other-files.js';
import { type ConversionPart, readPart } from './part.js';

export interface MergeOptions {
  /** The folders of all parts, in any order. */
  readonly parts: readonly string[];
  /** The folder to make. */
  readonly out: string;
  /** Bytes of tensors in one file; 5e9 unless given. */
  readonly maxShardBytes?: number | undefined;
  /** Replace a checkpoint that is in `out` already, once the new one is complete. */
  readonly overwrite?: boolean | undefined;
  readonly onProgress?: ((progress: QuantizeProgress) => void) | undefined;
  /** Ends the merging; nothing of it is left. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Puts the parts of a conversion together.
 * @returns the report of the whole, with the time that merging took
 * @throws MoeqError when a folder is no part, the parts are of different conversions, or one is missing or there twice
 */
export async function mergeParts(options: MergeOptions): Promise<QuantizeReport> {
  const { out, maxShardBytes, overwrite = false, signal, onProgress } = options;
  const started = performance.now();
  const parts = await readParts(options.parts, out);
  await using tensors = await openTensors(parts);
  const [first, ...others] = parts.map(({ part }) => part.ledger);
  if (first === undefined) throw new Error('unreachable: no parts at all are refused');
  const ledger = joinLedgers(first, ...others);
  await using writer = await createCheckpointWriter({
    out,
    tensors: ledger.tensors.flatMap((record) => record.parts.map((part) => tensors.plan(part, record.name))),
    overwrite,
    ...(maxShardBytes !== undefined && { maxShardBytes }),
  });
  const bytesTotal = ledger.tensors.reduce((sum, { bytesOut }) => sum + bytesOut, 0);
  let bytesDone = 0;
  for (const record of ledger.tensors) {
    for (const part of record.parts) {
      for await (const piece of tensors.read(part, signal)) {
        signal?.throwIfAborted();
        await writer.write(part.name, piece);
        bytesDone += piece.byteLength;
        const bytesPerSecond = (1000 * bytesDone) / Math.max(performance.now() - started, 1);
        onProgress?.({ bytesDone, bytesTotal, tensor: record.name, bytesPerSecond });
      }
    }
  }
  const from = parts[0]?.folder ?? '';
  await writer.writeFile('config.json', await readFile(join(from, 'config.json')));
  for await (const [name, data] of otherFiles(folder(from))) await writer.writeFile(name, data);
  const files = await writer.commit();
  const seconds = (performance.now() - started) / 1000;
  return reportOf(ledger, { out, files, seconds, peakRssBytes: 1024 * process.resourceUsage().maxRSS });
}

interface FoundPart {
  readonly folder: string;
  readonly part: ConversionPart;
}

/** The parts in their order. @throws MoeqError unless they are the parts of one conversion, each of them once */
async function readParts(folders: readonly string[], out: string): Promise<FoundPart[]> {
  const fail = (subject: string, expected: string, found: string): never => {
    throw new MoeqError({ operation: 'merge', subject, expected, found });
  };
  const found: FoundPart[] = [];
  for (const folder of folders) {
    const part = (await readPart(folder)) ?? fail(folder, 'a part of a conversion', 'none');
    const [first] = found;
    if (first !== undefined && (first.part.fingerprint !== part.fingerprint || first.part.of !== part.of)) {
      fail(folder, `a part of the same conversion as ${first.folder}`, 'a part of another one');
    }
    const duplicate = found.find((other) => other.part.index === part.index);
    if (duplicate !== undefined)
      fail(folder, 'each part once', `part ${part.index} again, as in ${duplicate.folder}`);
    found.push({ folder, part });
  }
  const of = found[0]?.part.of ?? fail(out, 'the folders of all parts', 'none');
  const all = Array.from({ length: of }, (_, index) => index + 1);
  const missing = all.filter((index) => !found.some(({ part }) => part.index === index));
  if (missing.length > 0)
    fail(out, `all ${counted(of, 'part')}`, `${found.length}, without ${missing.join(', ')}`);
  return found.sort((a, b) => a.part.index - b.part.index);
}

/** Bytes copied at a time. */
const pieceBytes = 16 * 2 ** 20;

interface Tensors extends AsyncDisposable {
  /**
   * As it was planned before it was quantized, so that the files are laid out as one run lays them out.
   * @param group the tensor of the model that it is a part of
   */
  plan(part: PartRecord, group: string): PlannedTensor;
  /** A tensor of open size comes in one piece. */
  read(part: PartRecord, signal?: AbortSignal): AsyncGenerator<Uint8Array>;
}

async function openTensors(parts: readonly FoundPart[]): Promise<Tensors> {
  const sources: ByteSource[] = [];
  const places = new Map<string, { source: ByteSource; entry: TensorEntry }>();
  const close = async () => {
    await Promise.all(sources.map((source) => source.close?.()));
  };
  const find = (name: string) => {
    const place = places.get(name);
    if (place !== undefined) return place;
    throw new MoeqError({
      operation: 'merge',
      subject: parts.map(({ folder }) => folder).join(', '),
      expected: `tensor ${quote(name, 200)}`,
      found: 'no such tensor in any of them',
    });
  };
  try {
    for (const { folder, part } of parts) {
      for (const shard of part.shards) {
        const source = await fileSource(join(folder, shard));
        sources.push(source);
        for (const entry of (await openSafetensors(source)).tensors.values())
          places.set(entry.name, { source, entry });
      }
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    plan({ name, maxBytes }, group) {
      const { dtype, shape } = find(name).entry;
      return maxBytes === undefined ? { name, group, dtype, shape } : { name, group, maxBytes };
    },
    async *read({ name, maxBytes = pieceBytes }, signal) {
      const { source, entry } = find(name);
      for (let done = 0; done < entry.bytes; done += maxBytes) {
        yield await source.read(entry.offset + done, Math.min(maxBytes, entry.bytes - done), signal);
      }
    },
    [Symbol.asyncDispose]: close,
  };
}
