// What a page of a consumer does, as a bundler gets it: tiny-moe is quantized while it loads, and writes on.
import { openModel } from '@moeq/loader';
import { createModel } from '@moeq/runtime';
import { modelFiles } from '@moeq/tiny-moe';
import { type WasmOptions, wasmBackend, wasmEncoder } from '@moeq/wasm';

interface Written {
  readonly text: string;
  readonly threads: number;
  readonly notices: readonly string[];
}

/** Twelve tokens after the prompt, each the most probable one. */
export async function write(options: WasmOptions): Promise<Written> {
  const notices: string[] = [];
  const backend = await wasmBackend({ ...options, onNotice: (notice) => notices.push(notice) });
  const encoder = wasmEncoder(options);
  const source = await openModel(modelFiles, { recipe: 'nf4', encoder });
  const model = await createModel(source, { backend });
  await source.close();
  await encoder.close();
  const { text } = await model.complete('In the beginning', { temperature: 0, maxNewTokens: 12 });
  const { threads } = backend;
  await model.close();
  await backend.destroy();
  return { text, threads, notices };
}

Object.assign(globalThis, { moeqWrite: write });
