// Rates of quantizing matrices that are in memory, GB/s of their bfloat16: with kernels, in plain TypeScript, by bitsandbytes.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { encodeWith, type Quantizer } from '@moeq/quantizers';
import { assertFinite, toFloat32 } from '@moeq/tensors';
import { wasmEncoder } from '@moeq/wasm';
import { median } from '../median.ts';
import { fillRandom, normalTable, seedOf } from '../random-checkpoint/normal.ts';

const rows = 4096;
const columns = 4096;

const weights = new Uint16Array(rows * columns);
fillRandom(weights, normalTable(0, 0.02), seedOf('matrix', 1));
const bytes = new Uint8Array(weights.buffer);
const gigabytes = bytes.byteLength / 1e9;

/** @param matrices quantized in each run, one behind the other or beside each other, as the encoder likes */
export async function encoderRate(
  quantizer: Quantizer,
  threads: number,
  runs: number,
  matrices: number,
): Promise<number> {
  const encoder = wasmEncoder({ threads });
  const read = async (offset: number, length: number) => bytes.subarray(offset, offset + length);
  const work = async () => {
    const encoded = await encodeWith(encoder, quantizer, { dtype: 'BF16', shape: [rows, columns], read });
    if (encoded === null) throw new Error(`no kernel for ${quantizer.name}`);
  };
  const rates: number[] = [];
  for (let run = -1; run < runs; run++) {
    const before = performance.now();
    await Promise.all(Array.from({ length: matrices }, work));
    if (run >= 0) rates.push((1000 * matrices * gigabytes) / (performance.now() - before));
  }
  await encoder.close();
  return median(rates);
}

/** Widened, checked and quantized; what was lost is not measured. */
export function plainRate(quantizer: Quantizer, runs: number): number {
  const floats = new Float32Array(rows * columns);
  const rates: number[] = [];
  for (let run = -1; run < runs; run++) {
    const before = performance.now();
    toFloat32(bytes, 'BF16', floats);
    assertFinite(floats, { operation: 'quantize', subject: 'matrix' });
    quantizer.quantize(floats, [rows, columns], { name: 'matrix', dtype: 'BF16' });
    if (run >= 0) rates.push((1000 * gigabytes) / (performance.now() - before));
  }
  return median(rates);
}

export interface Peer {
  readonly version: string;
  readonly rate: number;
}

/** @param python an interpreter that has bitsandbytes */
export function bitsandbytesRate(python: string, threads: number, runs: number): Peer {
  const script = fileURLToPath(new URL('peer.py', import.meta.url));
  const text = execFileSync(python, [script, `${threads}`, `${runs}`, `${rows}`, `${columns}`], {
    encoding: 'utf8',
  });
  const { version, torch, seconds }: { version: string; torch: string; seconds: number[] } = JSON.parse(text);
  return { version: `bitsandbytes ${version}, torch ${torch}`, rate: gigabytes / median(seconds) };
}
