// moeq on the CPU: the WebAssembly backend over the same shape and bits.
import { openModel } from '@moeq/loader/node';
import { createModel } from '@moeq/runtime';
import { wasmBackend } from '@moeq/wasm';
import { modelRates } from '../model-rates.ts';
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
    measure: (prompt, decodeTokens) => modelRates(model, prompt, decodeTokens),
    async close() {
      await model.close();
      await backend.destroy();
    },
  };
}
