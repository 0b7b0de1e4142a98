// A page stays alive while a model computes: timers of the main thread fire during a step.
import type { Activations, Step } from '@moeq/kernels';
import { randomMatrix, seededRandom } from '@moeq/kernels/conformance';
import { wasmBackend } from '@moeq/wasm';
import { test } from 'vitest';

/** Sizes of a step that takes a good part of a second on a laptop. */
const [hidden, tokens, layers] = [1024, 128, 24];

/** Timers that have to fire in that step; none does while a thread is blocked. */
const enough = 3;

export function testMainThread(options: Parameters<typeof wasmBackend>[0]): void {
  test('a step leaves the main thread free', async () => {
    const random = seededRandom('main thread');
    const backend = await wasmBackend(options);
    let fired = 0;
    const timer = setInterval(() => fired++, 1);
    try {
      const weight = await backend.loadWeight([randomMatrix('BF16', [hidden, hidden], random).data]);
      const inputs = random.normals(tokens * hidden);
      const sum = (step: Step): Activations => {
        const x = step.input(inputs, tokens);
        let y = step.linear(x, weight);
        for (let layer = 1; layer < layers; layer++) y = step.add(y, step.linear(x, weight));
        return y;
      };
      await backend.step(async (step) => {
        const before = fired;
        await step.read(sum(step));
        if (fired - before < enough) throw new Error(`timers fired ${fired - before} times during a step`);
      });
    } finally {
      clearInterval(timer);
      await backend.destroy();
    }
  });
}
