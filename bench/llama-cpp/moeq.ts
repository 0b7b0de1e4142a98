// moeq on the CPU: the WebAssembly backend over the same shape and bits.
import { openModel } from '@moeq/loader/node';
import { createModel } from '@moeq/runtime';
import { wasmBackend } from '@moeq/wasm';
import type { Contender } from './contender.ts';

export async function moeqContender(
  path: string,
  threads: number,
  contextLength: number,
): Promise<Contender> {
  const backend = await wasmBackend({ threads });
  const source = await openModel(path);
  const model = await createModel(source, { backend, contextLength, kvCacheTokens: contextLength });
  await source.close();
  return {
    name: `moeq, ${threads} thread${threads === 1 ? '' : 's'}`,
    async measure(prompt, decodeTokens) {
      const { timings } = await model.complete(prompt, {
        maxNewTokens: decodeTokens,
        stopTokenIds: [],
        temperature: 0,
      });
      return { prefill: timings.prefillTokensPerSecond, decode: timings.decodeTokensPerSecond };
    },
    async close() {
      await model.close();
      await backend.destroy();
    },
  };
}
