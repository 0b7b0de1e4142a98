// The worker for prompts made from the sources, as tests run on them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** @returns the script, which is gone once it is disposed of */
export async function workerScript(): Promise<{ readonly url: URL } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'moeq-worker-'));
  const outfile = join(folder, 'text-worker.mjs');
  await build({
    entryPoints: [here('../text-worker.ts')],
    tsconfig: here('../../../../tsconfig.json'),
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
  });
  return {
    url: pathToFileURL(outfile),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
