// The whole command on a checkpoint of random weights: reading, quantizing, measuring what was lost, writing, hashing.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { quantizeCheckpoint } from '@moeq/convert/node';
import { median } from '../median.ts';
import { smallMixtral } from '../random-checkpoint/shape.ts';
import { writeRandomCheckpoint } from '../random-checkpoint/write.ts';

/** 2 GB, of which 92 % are experts of 29 MB. */
const shape = { ...smallMixtral, hidden: 2048, intermediate: 7168, layers: 3, experts: 7, vocabulary: 16384 };

export interface CommandRates {
  readonly gigabytes: number;
  /** GB/s of the input: the process from start to end; the report's seconds; the same in plain TypeScript. */
  readonly process: number;
  readonly report: number;
  readonly plain: number;
  readonly peakRssBytes: number;
}

interface QuantizeDocument {
  readonly seconds: number;
  readonly peakRssBytes: number;
}

/** @param folder where model and output go, a folder of its own in the system's temporary one unless given */
export async function commandRates(runs: number, folder: string | undefined): Promise<CommandRates> {
  const own = folder ?? (await mkdtemp(join(tmpdir(), 'moeq-quantize-rate-')));
  const model = join(own, 'model');
  const out = join(own, 'out');
  const bin = fileURLToPath(new URL('../../apps/cli/dist/bin.js', import.meta.url));
  try {
    if (!existsSync(model)) await writeRandomCheckpoint(model, shape, 1);
    const seconds: number[] = [];
    const documents: QuantizeDocument[] = [];
    let gigabytes = 0;
    for (let run = -1; run < runs; run++) {
      const before = performance.now();
      const text = execFileSync(
        process.execPath,
        [bin, 'quantize', model, '--out', out, '--overwrite', '--json'],
        {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        },
      );
      if (run < 0) continue;
      seconds.push((performance.now() - before) / 1000);
      documents.push(JSON.parse(text));
    }
    const plain = await quantizeCheckpoint({ model, out, overwrite: true });
    gigabytes = plain.bytes.in / 1e9;
    return {
      gigabytes,
      process: gigabytes / median(seconds),
      report: gigabytes / median(documents.map((document) => document.seconds)),
      plain: gigabytes / plain.seconds,
      peakRssBytes: Math.max(...documents.map(({ peakRssBytes }) => peakRssBytes)),
    };
  } finally {
    await rm(folder === undefined ? own : out, { recursive: true, force: true });
  }
}
