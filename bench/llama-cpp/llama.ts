// llama.cpp through node-llama-cpp's prebuilt binary, on the CPU: what a Node user would pick instead.
import { getLlama, type LlamaContext, type LlamaModel, type Token } from 'node-llama-cpp';
import type { Contender, Rates } from './contender.ts';

/** @throws Error when there is no prebuilt binary for this platform */
export async function llamaContender(path: string, threads: number, contextSize: number): Promise<Contender> {
  const llama = await getLlama({ build: 'never', gpu: false, maxThreads: threads });
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({ contextSize, threads, batchSize: 512 });
  return {
    name: `llama.cpp, ${threads} thread${threads === 1 ? '' : 's'}`,
    measure: (prompt, decodeTokens) => measure(context, prompt, decodeTokens),
    close: () => dispose(context, model),
  };
}

async function measure(context: LlamaContext, prompt: Int32Array, decodeTokens: number): Promise<Rates> {
  const sequence = context.getSequence();
  try {
    const last = prompt[prompt.length - 1] as Token;
    const before = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens([...prompt.subarray(0, -1)] as Token[]);
    const prefilled = performance.now();
    let written = 0;
    for await (const token of sequence.evaluate([last], { temperature: 0, yieldEogToken: true })) {
      if (token < 0) throw new Error('llama.cpp yielded no token');
      written++;
      if (written === decodeTokens) break;
    }
    const end = performance.now();
    return {
      prefill: (1000 * (prompt.length - 1)) / (prefilled - before),
      decode: (1000 * written) / (end - prefilled),
    };
  } finally {
    await sequence.dispose();
  }
}

async function dispose(context: LlamaContext, model: LlamaModel): Promise<void> {
  await context.dispose();
  await model.dispose();
}
