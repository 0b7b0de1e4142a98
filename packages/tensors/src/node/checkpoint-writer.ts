// A checkpoint folder written as it is made: tensors stream into safetensors files of bounded size, in any order and in
// pieces, and are never held. The folder appears complete or not at all.
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MoeqError, quote } from '../errors.js';
import { checkOptions, checks, type OptionChecks } from '../options.js';
import { sha256, syncFolder, writeDurably } from './durable.js';
import { withFileErrors } from './file-error.js';
import { createOutputFolder } from './output-folder.js';
import { ShardFile, type WrittenFile } from './shard-file.js';
import { type PlannedShard, type PlannedTensor, planShards } from './shard-plan.js';

/** Bytes of tensors in one file: what the hub and transformers have long cut at. */
const defaultShardBytes = 5_000_000_000;

/** A file, or one in a folder; neither is `.` or `..`. */
const plainName = /^(?!\.{1,2}(?:\/|$))[^/\\]+(?:\/(?!\.{1,2}$)[^/\\]+)?$/;

const indexName = 'model.safetensors.index.json';

export interface CheckpointWriterOptions {
  /** The folder to make; absent or empty. */
  readonly out: string;
  /** Every tensor that will be written. Files are filled in this order. */
  readonly tensors: readonly PlannedTensor[];
  /** Of every safetensors file. `{ format: 'pt' }` by default, without which transformers 4 refuses a file. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Bytes of tensors in one file, 5e9 by default. */
  readonly maxShardBytes?: number;
  /** Replace a checkpoint that is in `out` already, once the new one is complete. */
  readonly overwrite?: boolean;
}

const known: OptionChecks<CheckpointWriterOptions> = {
  out: checks.text,
  tensors: checks.list,
  metadata: checks.objectWith('texts by name'),
  maxShardBytes: checks.integer({ min: 1 }),
  overwrite: checks.flag,
};

export interface CheckpointWriter extends AsyncDisposable {
  /** Names of the safetensors files in order, `model.safetensors` or `model-00001-of-0000N.safetensors`. */
  readonly shards: readonly string[];
  /**
   * The next bytes of a tensor: all of it, or piece after piece. One of open size (`maxBytes`) comes in one piece. The
   * data may be reused when the promise resolves. Tensors may come in any order, and at the same time.
   * @throws MoeqError when the tensor is not planned or becomes too long, or the system refuses
   */
  write(name: string, data: Uint8Array): Promise<void>;
  /**
   * Another file of the folder: config.json, tokenizer.json, …
   * @param name a file name, in a folder within at most: additional_chat_templates/tool_use.jinja
   * @param data text is written as UTF-8
   * @throws MoeqError when the name is taken or the system refuses
   */
  writeFile(name: string, data: Uint8Array | string): Promise<void>;
  /**
   * Finishes all files, makes them durable and moves the folder to `out`.
   * @returns every file with its size and hash
   * @throws MoeqError when a tensor is missing or the system refuses
   */
  commit(): Promise<WrittenFile[]>;
  /** Removes what was written. Does nothing after `commit`. */
  abort(): Promise<void>;
}

/**
 * Begins a checkpoint. Whatever throws, here or in the writer's methods, has removed what was written before it throws.
 * `await using` aborts a writer that was not committed.
 * @throws MoeqError when `out` is in the way, the plan is wrong, or the system refuses (no permission, no room)
 */
export async function createCheckpointWriter(options: CheckpointWriterOptions): Promise<CheckpointWriter> {
  checkOptions('write a checkpoint', options, known);
  const {
    out,
    tensors,
    metadata = { format: 'pt' },
    maxShardBytes = defaultShardBytes,
    overwrite = false,
  } = options;
  const refuse = (expected: string, found: string): never => {
    throw new MoeqError({ operation: 'write', subject: out, expected, found });
  };
  const plan = planShards(tensors, metadata, maxShardBytes);
  const bytes = plan.reduce((sum, shard) => sum + shard.headerBytes + (shard.tensors.at(-1)?.end ?? 0), 0);
  const folder = await createOutputFolder(out, bytes, overwrite);
  const shards = plan.map((shard) => new ShardFile(folder.path, shard));
  const shardOf = new Map(shards.flatMap((shard) => shard.names.map((name) => [name, shard] as const)));
  /** Files besides the weights, and names that are taken. */
  const files: WrittenFile[] = [];
  const names = new Set([...plan.map(({ file }) => file), ...(plan.length > 1 ? [indexName] : [])]);
  const running = new Set<Promise<unknown>>();
  let state: 'open' | 'committed' | 'aborted' = 'open';
  let aborting: Promise<void> | null = null;

  const abort = (): Promise<void> => {
    if (state === 'committed') return Promise.resolve();
    state = 'aborted';
    aborting ??= (async () => {
      await Promise.allSettled(running);
      for (const shard of shards) await shard.close().catch(() => {});
      await folder.abort();
    })();
    return aborting;
  };

  /** One operation on the folder; a failure ends the writer. */
  const run = async <T>(operation: string, path: string, action: () => Promise<T>): Promise<T> => {
    if (state !== 'open') {
      throw new MoeqError({
        operation,
        subject: path,
        expected: 'a writer at work',
        found: `one that has been ${state}`,
      });
    }
    const work = withFileErrors(operation, path, action);
    running.add(work);
    try {
      return await work;
    } catch (error) {
      // the first cause is what people need to hear
      await abort().catch(() => {});
      throw error;
    } finally {
      running.delete(work);
    }
  };

  const addFile = async (name: string, data: Uint8Array | string): Promise<void> => {
    const content = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    const path = join(folder.path, name);
    const within = name.includes('/') ? dirname(path) : null;
    if (within !== null) await mkdir(within, { recursive: true });
    await writeDurably(path, content);
    if (within !== null) await syncFolder(within);
    files.push({ path: name, bytes: content.byteLength, sha256: sha256(content) });
  };

  return {
    shards: plan.map(({ file }) => file),
    write: (name, data) =>
      run('write', join(out, shardOf.get(name)?.file ?? ''), async () => {
        const shard = shardOf.get(name) ?? refuse('a planned tensor', quote(name));
        await shard.write(name, data);
      }),
    writeFile: (name, data) =>
      run('write', join(out, name), async () => {
        if (!plainName.test(name) || names.has(name)) refuse('a free file name', quote(name));
        names.add(name);
        await addFile(name, data);
      }),
    commit: async () => {
      const before = [...running];
      const written = await run('finish', out, async () => {
        await Promise.all(before);
        assertComplete(out, shards, shardOf.size);
        const weights: WrittenFile[] = [];
        for (const shard of shards) weights.push(await shard.finish());
        if (shards.length > 1) await addFile(indexName, encodeIndex(plan, weights));
        await folder.commit();
        return [...weights, ...files];
      });
      state = 'committed';
      return written;
    },
    abort,
    [Symbol.asyncDispose]: abort,
  };
}

function assertComplete(out: string, shards: readonly ShardFile[], tensors: number): void {
  const missing = shards.flatMap((shard) => shard.missing());
  if (missing.length === 0) return;
  const some = missing.slice(0, 3).map((name) => quote(name));
  throw new MoeqError({
    operation: 'finish',
    subject: out,
    expected: `all ${tensors} tensors`,
    found: `${missing.length} missing: ${some.join(', ')}${missing.length > 3 ? ', …' : ''}`,
  });
}

/** As transformers writes it: sorted, two blanks deep. */
function encodeIndex(plan: readonly PlannedShard[], weights: readonly WrittenFile[]): string {
  const headers = plan.reduce((sum, { headerBytes }) => sum + headerBytes, 0);
  const total = weights.reduce((sum, { bytes }) => sum + bytes, -headers);
  const places = plan.flatMap(({ file, tensors }) => tensors.map(({ name }) => [name, file] as const));
  places.sort(([a], [b]) => (a < b ? -1 : 1));
  const index = { metadata: { total_size: total }, weight_map: Object.fromEntries(places) };
  return `${JSON.stringify(index, null, 2)}\n`;
}
