// llama.cpp as a reference: node-llama-cpp's prebuilt binary on the CPU, one thread, greedy.
import { getLlama, LlamaLogLevel, NoBinaryFoundError, type Token } from 'node-llama-cpp';

export interface LlamaReference extends AsyncDisposable {
  encode(text: string): number[];
  /** Up to `count` tokens after the prompt. */
  greedy(prompt: readonly number[], count: number): Promise<number[]>;
}

/** Null, with what is missing printed by name, where there is no prebuilt binary for this machine. */
export async function loadLlama(): Promise<((path: string) => Promise<LlamaReference>) | null> {
  const llama = await getLlama({
    // never compile: a test does not install compilers
    build: 'never',
    gpu: false,
    logLevel: LlamaLogLevel.error,
    progressLogs: false,
    skipDownload: true,
  }).catch((error: unknown) => {
    const machine = `${process.platform}-${process.arch}`;
    // there is one where the tests run for every change, so its absence there is a failure
    if (!(error instanceof NoBinaryFoundError) || machine === 'linux-x64') throw error;
    console.warn(`llama.cpp: no prebuilt binary of node-llama-cpp for ${machine}`);
    return null;
  });
  if (llama === null) return null;
  return async (path) => {
    const model = await llama.loadModel({ modelPath: path });
    // its threads spin while they wait for one another, so more than one suffers from whatever else runs; a cache in F16
    // would round what float32 does not
    const context = await model.createContext({
      contextSize: 256,
      threads: 1,
      experimentalKvCacheKeyType: 'F32',
      experimentalKvCacheValueType: 'F32',
      flashAttention: false,
    });
    return {
      encode: (text) => [...model.tokenize(text)],
      async greedy(prompt, count) {
        const sequence = context.getSequence();
        try {
          const tokens: number[] = [];
          const written = sequence.evaluate([...prompt] as Token[], { temperature: 0, yieldEogToken: true });
          for await (const token of written) {
            tokens.push(token);
            if (tokens.length === count) break;
          }
          return tokens;
        } finally {
          await sequence.dispose();
        }
      },
      async [Symbol.asyncDispose]() {
        await context.dispose();
        await model.dispose();
      },
    };
  };
}
