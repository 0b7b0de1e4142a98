// The two sides in a page: moeq's built packages, and wllama, llama.cpp in WebAssembly: what a browser user would pick instead.
// Both read the same .gguf file, as a Blob.
import { ggufFiles, openModelFiles } from '@moeq/loader';
import { createModel } from '@moeq/runtime';
import { blobSource } from '@moeq/tensors';
import { wasmBackend } from '@moeq/wasm';
import { LogLevel, Wllama } from '@wllama/wllama';
import type { Rates } from '../llama-cpp/contender.ts';
import { modelRates } from '../model-rates.ts';

export interface Settings {
  readonly gguf: string;
  readonly threads: number;
  readonly contextLength: number;
}

/** A loaded model that reads a prompt and writes on, greedily, and says how fast. */
interface Contender {
  readonly name: string;
  /** @param prompt a text of one token a character */
  measure(prompt: string, decodeTokens: number): Promise<Rates>;
  close(): Promise<void>;
}

async function download(url: string): Promise<Blob> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.blob();
}

export async function openMoeq({ gguf, threads, contextLength }: Settings): Promise<Contender> {
  const blob = await download(gguf);
  const backend = await wasmBackend({ threads });
  const source = await openModelFiles(await ggufFiles(gguf, async (name) => blobSource(name, blob)));
  const model = await createModel(source, { backend, contextLength, kvCacheTokens: contextLength });
  await source.close();
  const { tokenizer } = source;
  return {
    name: `moeq, ${backend.description}`,
    async measure(prompt, decodeTokens) {
      const ids = Int32Array.from(tokenizer?.encode(prompt, { addSpecialTokens: false }) ?? []);
      assertCount('moeq', prompt.length, ids.length);
      return modelRates(model, ids, decodeTokens);
    },
    async close() {
      await model.close();
      await backend.destroy();
    },
  };
}

export async function openWllama({ gguf, threads, contextLength }: Settings): Promise<Contender> {
  const wllama = new Wllama({ default: '/wllama.wasm' }, { suppressNativeLog: true });
  await wllama.loadModel([await download(gguf)], {
    n_ctx: contextLength,
    n_threads: threads,
    n_batch: 512,
    n_parallel: 1,
    n_gpu_layers: 0,
    log_level: LogLevel.ERROR,
  });
  return {
    name: `wllama, ${Wllama.getLibllamaVersion()}, ${wllama.getNumThreads()} threads`,
    async measure(prompt, decodeTokens) {
      const request = {
        prompt,
        max_tokens: decodeTokens,
        temperature: 0,
        ignore_eos: true,
        cache_prompt: false,
      };
      const { timings } = await wllama.createCompletion(request);
      assertCount('wllama', prompt.length, timings?.prompt_n);
      assertCount('wllama', decodeTokens, timings?.predicted_n);
      return {
        prefill: timings?.prompt_per_second ?? Number.NaN,
        decode: timings?.predicted_per_second ?? Number.NaN,
      };
    },
    close: () => wllama.exit(),
  };
}

function assertCount(side: string, expected: number, found: number | undefined): void {
  if (found !== expected) throw new Error(`${side}: expected ${expected} tokens, found ${found}`);
}
