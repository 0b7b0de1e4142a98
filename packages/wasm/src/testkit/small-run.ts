// A small run of the backend and of the encoder, for places in which workers or WebAssembly may be forbidden: what came out, or
// the message of the error.

import type { Backend } from '@moeq/kernels';
import { referenceBackend } from '@moeq/kernels';
import { randomMatrix, seededRandom } from '@moeq/kernels/conformance';
import { fromFloat32 } from '@moeq/tensors';
import { type WasmOptions, wasmBackend, wasmEncoder } from '@moeq/wasm';

export interface SmallRun {
  readonly threads: number;
  readonly notices: readonly string[];
  /** The largest difference from the reference backend. */
  readonly difference: number;
  /** Codes of sixteen weights in signed 8 bits, by blocks of sixteen. */
  readonly codes: readonly number[];
}

const [rows, columns] = [24, 32];

async function multiply(backend: Backend): Promise<Float32Array> {
  const random = seededRandom('small run');
  const weight = await backend.loadWeight([randomMatrix('F32', [rows, columns], random).data]);
  const input = random.normals(columns);
  return backend.step(async (step) => step.read(step.linear(step.input(input, 1), weight)));
}

async function encode(options: Omit<WasmOptions, 'onNotice'>): Promise<number[]> {
  const encoder = wasmEncoder(options);
  try {
    const bytes = fromFloat32(
      Float32Array.from({ length: 16 }, (_, i) => i - 8),
      'F32',
    );
    const encoded = await encoder.encode(
      {
        shape: [1, 16],
        dtype: 'F32',
        read: async (offset, length) => bytes.subarray(offset, offset + length),
      },
      { rule: { kind: 'signed8', blockSize: 16 }, nested: null },
    );
    return [...new Int8Array(encoded?.planes['codes']?.data.slice().buffer ?? new ArrayBuffer(0))];
  } finally {
    await encoder.close();
  }
}

/** @returns a text for an error: its message */
export async function smallRun(options: WasmOptions): Promise<SmallRun | string> {
  const notices: string[] = [];
  try {
    const backend = await wasmBackend({ ...options, onNotice: (notice) => notices.push(notice) });
    const [actual, expected] = [await multiply(backend), await multiply(referenceBackend())];
    const { threads } = backend;
    await backend.destroy();
    const difference = Math.max(...actual.map((value, i) => Math.abs(value - (expected[i] as number))));
    return { threads, notices, difference, codes: await encode(options) };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
