// moeq's engine on the CPU.
import { openModel } from '@moeq/loader/node';
import { createEngine, createModel } from '@moeq/runtime';
import { wasmBackend } from '@moeq/wasm';
import { type Contender, each } from './contender.ts';

export async function moeqContender(
  path: string,
  threads: number,
  texts: number,
  contextLength: number,
): Promise<Contender> {
  const backend = await wasmBackend({ threads });
  const source = await openModel(path);
  const model = await createModel(source, { backend, contextLength, kvCacheTokens: texts * contextLength });
  await source.close();
  const engine = createEngine(model, { maxBatch: texts });
  return {
    name: `moeq, ${threads} threads`,
    write: (prompts, tokens, together) =>
      each(prompts, together, async (prompt, seed) => {
        const options = { seed, temperature: 1, topP: 1, topK: 0, maxNewTokens: tokens, stopTokenIds: [] };
        let written = 0;
        for await (const { tokenId } of engine.generate(prompt, options)) if (tokenId !== null) written++;
        if (written !== tokens) throw new Error(`moeq wrote ${written} tokens`);
      }),
    async close() {
      await engine.close();
      await model.close();
      await backend.destroy();
    },
  };
}
