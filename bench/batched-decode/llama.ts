// llama.cpp through node-llama-cpp's prebuilt binary, on the CPU: a context of as many sequences as there are texts, whose
// tokens it evaluates in one batch.
import { getLlama, type Token } from 'node-llama-cpp';
import { type Contender, each } from './contender.ts';

/** @throws Error when there is no prebuilt binary for this platform */
export async function llamaContender(
  path: string,
  threads: number,
  texts: number,
  contextLength: number,
): Promise<Contender> {
  const llama = await getLlama({ build: 'never', gpu: false, maxThreads: threads });
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({
    contextSize: contextLength,
    sequences: texts,
    threads,
    batchSize: 512,
  });
  return {
    name: `llama.cpp, ${threads} threads`,
    write: (prompts, tokens, together) =>
      each(prompts, together, async (prompt, seed) => {
        const sequence = context.getSequence();
        let written = 0;
        for await (const token of sequence.evaluate(prompt as Token[], {
          temperature: 1,
          seed,
          yieldEogToken: true,
        })) {
          if (token < 0) throw new Error('llama.cpp yielded no token');
          written++;
          if (written === tokens) break;
        }
        await sequence.dispose();
      }),
    async close() {
      await context.dispose();
      await model.dispose();
    },
  };
}
