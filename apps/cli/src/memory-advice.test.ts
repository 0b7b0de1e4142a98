// What will not fit is said before a weight is read, with what would fit.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LoadPlan } from '@moeq/kernels';
import { type FileSet, openModelFiles } from '@moeq/loader';
import { folder } from '@moeq/loader/node';
import { createModel, layerStream, MemoryError, modelPlan } from '@moeq/runtime';
import { wasmBackend, wasmMemory } from '@moeq/wasm';
import { expect, test } from 'vitest';
import { memoryWarning, withAdvice } from './memory-advice.js';
import { moeq } from './testkit/capture.js';
import { temporaryFolder } from './testkit/folder.js';
import { writeSparseMixtral } from './testkit/sparse-mixtral.js';

/** The files, and the bytes that were read of them behind `headerBytes`. */
function counted(files: FileSet, headerBytes: number): { files: FileSet; weightBytes: () => number } {
  let bytes = 0;
  return {
    weightBytes: () => bytes,
    files: {
      name: files.name,
      list: () => files.list(),
      async open(name) {
        const source = await files.open(name);
        if (source === null) return null;
        const close = source.close?.bind(source);
        return {
          name: source.name,
          size: source.size,
          read(offset, length, ...rest) {
            bytes += Math.max(0, offset + length - Math.max(offset, headerBytes));
            return source.read(offset, length, ...rest);
          },
          ...(close !== undefined && { close }),
        };
      },
    },
  };
}

interface Case {
  readonly format: 'BF16' | 'nf4';
  readonly recipe?: string;
  readonly threads: number;
  readonly context?: number;
  readonly maxThreads: number;
  readonly says: string;
}

const cases: readonly Case[] = [
  { format: 'nf4', threads: 2, maxThreads: 16, says: 'it fits with --threads 8' },
  {
    format: 'nf4',
    threads: 2,
    maxThreads: 2,
    says: 'it does not fit the 2 threads of this machine, not even with --context 256; it would take 7 threads',
  },
  { format: 'BF16', threads: 2, maxThreads: 16, says: 'it fits with --recipe int8 --threads 13' },
  { format: 'BF16', recipe: 'nf4', threads: 2, maxThreads: 64, says: 'it fits with --threads 8' },
  { format: 'BF16', threads: 8, maxThreads: 8, says: 'it fits with --recipe mixed' },
  { format: 'nf4', threads: 8, context: 32768, maxThreads: 8, says: 'it fits with --context 16384' },
];

test.each(cases)(
  'Mixtral 8x7B in $format, recipe $recipe, $threads of $maxThreads threads, context $context',
  async ({ format, recipe, threads, context, maxThreads, says }) => {
    await using place = await temporaryFolder();
    const { headerBytes } = await writeSparseMixtral(place.path, format);
    const { files, weightBytes } = counted(folder(place.path), headerBytes);
    const source = await openModelFiles(files, recipe === undefined ? {} : { recipe });
    const backend = await wasmBackend({ threads });
    const size = context === undefined ? {} : { contextLength: context, kvCacheTokens: context };
    const asked = {
      recipe: recipe ?? null,
      takesRecipe: true,
      threads,
      context,
      inParts: false,
      cacheTokens: context,
      hasCacheOption: false,
    };
    try {
      const error: unknown = await createModel(source, { backend, ...size }).catch(
        (refusal: unknown) => refusal,
      );
      expect(error).toBeInstanceOf(MemoryError);
      const advised = withAdvice(error, source, asked, maxThreads);
      expect(advised).toMatchObject({ code: 'doesNotFit' });
      expect(String(advised).endsWith(`; ${says}`), String(advised)).toBe(true);
      expect(weightBytes()).toBe(0);
    } finally {
      await backend.destroy();
      await source.close();
    }
  },
);

test('the command says it at once, whatever threads this machine has', async () => {
  await using place = await temporaryFolder();
  const { bytes } = await writeSparseMixtral(place.path, 'nf4');
  expect(bytes).toBeGreaterThan(26e9);
  await writeFile(join(place.path, 'ids.json'), '[[1, 2, 3]]');
  for (const argv of [
    ['logits', place.path, '--token-ids', join(place.path, 'ids.json'), '--out', join(place.path, 'out')],
    ['bench', place.path],
  ]) {
    const { status, stdout, stderr } = await moeq([...argv, '--backend', 'cpu', '--threads', '2']);
    expect([status, stdout], argv[0]).toEqual([1, '']);
    expect(stderr).toMatch(
      /^moeq: .*: cannot load a model: expected at most 4\.29 GB in the memory of each of 2 threads, found 13\.8 GB each, 27\.6 GB in all, 1\.07 GB of it the KV cache; it (fits with|does not fit) .*\n$/m,
    );
  }
});

interface EvalCase {
  readonly threads: number;
  readonly window: number;
  readonly takesRecipe?: boolean;
  readonly maxThreads: number;
  readonly says: string;
}

const evalCases: readonly EvalCase[] = [
  { threads: 1, window: 32768, maxThreads: 16, says: 'it fits with --threads 5' },
  { threads: 2, window: 32768, maxThreads: 2, says: 'it fits with --recipe mixed' },
  {
    threads: 2,
    window: 32768,
    maxThreads: 2,
    takesRecipe: false,
    says: 'it does not fit the 2 threads of this machine, not even with --window 256; it would take 5 threads',
  },
];

test.each(evalCases)(
  'Mixtral 8x7B layer by layer in 1 GB a thread, a window of $window, $threads of $maxThreads threads, recipe $takesRecipe',
  async ({ threads, window, takesRecipe = true, maxThreads, says }) => {
    await using place = await temporaryFolder();
    await writeSparseMixtral(place.path, 'BF16');
    const source = await openModelFiles(folder(place.path));
    const backend = await wasmBackend({ threads });
    try {
      const limited = { ...backend, memoryFor: (plan: LoadPlan) => wasmMemory(plan, threads, 1e9) };
      let error: unknown = null;
      try {
        layerStream(source, { backend: limited, maxTokens: window });
      } catch (refusal) {
        error = refusal;
      }
      expect(error).toBeInstanceOf(MemoryError);
      const asked = { recipe: null, takesRecipe, threads, context: window, inParts: true };
      const advised = withAdvice(
        error,
        source,
        { ...asked, cacheTokens: undefined, hasCacheOption: false },
        maxThreads,
      );
      expect(String(advised).endsWith(`; ${says}`), String(advised)).toBe(true);
    } finally {
      await backend.destroy();
      await source.close();
    }
  },
);

test('at the very limit a model loads and runs; one byte below it nothing is read', async () => {
  const source = await openModelFiles(
    folder(fileURLToPath(new URL('../testdata/small-qwen3-moe', import.meta.url))),
  );
  const backend = await wasmBackend({ threads: 2 });
  const { largest } = wasmMemory(modelPlan(source, 4096), 2);
  const limited = (limit: number) => ({
    ...backend,
    memoryFor: (plan: LoadPlan) => wasmMemory(plan, backend.threads, limit),
  });
  try {
    await expect(createModel(source, { backend: limited(largest - 1) })).rejects.toThrow(MemoryError);
    expect(source.report().tensors).toEqual([]);
    const model = await createModel(source, { backend: limited(largest) });
    const { weightBytes, kvCacheBytes } = model.memory;
    // what is held is at most what was foreseen, which has records and room to the next 64 bytes besides
    expect(weightBytes + kvCacheBytes).toBeLessThanOrEqual(2 * largest);
    const { tokenIds } = await model.complete([1, 2, 3], {
      maxNewTokens: 2,
      temperature: 0,
      stopTokenIds: [],
    });
    expect(tokenIds).toHaveLength(2);
    await model.close();
  } finally {
    await backend.destroy();
    await source.close();
  }
});

test('a warning where the machine has less memory free', () => {
  const need = {
    bytes: 27e9,
    cacheBytes: 1e9,
    unit: 'thread',
    units: 8,
    largest: 3.4e9,
    limit: 4e9,
  } as const;
  expect(memoryWarning(need, 27e9)).toBeNull();
  expect(memoryWarning(need, 12e9)).toMatch(/^the model takes 27\.0 GB of memory, and 12\.0 GB are free/);
});
