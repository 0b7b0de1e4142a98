// Compiling ahead: what one generated token needs, and what a chunk of a prompt does. Nothing runs, so the pages belong to no
// sequence.
import { forward } from '../decoder/decoder.js';
import type { Executor } from './run-batch.js';

/**
 * @param chunk tokens of a prompt that one step takes
 * @param onProgress programs ready, and how many there are: of the prompt's, then of the others that a token needs
 */
export async function warmUp(
  { backend, decoder, caches }: Executor,
  chunk: number,
  onProgress?: (ready: number, total: number) => void,
): Promise<void> {
  for (const tokens of new Set([chunk, 1])) {
    const segments = caches.groups.map(({ kind, pageSize }) => {
      if (kind === 'state') return [{ tokens, from: -1, to: 0 }];
      const pages = Int32Array.from({ length: Math.ceil(tokens / pageSize) }, (_, page) => page);
      return [{ pages, start: 0, tokens }];
    });
    const batch = {
      ids: new Int32Array(tokens),
      places: caches.places(segments),
      rows: Int32Array.of(tokens - 1),
    };
    await backend.warmUp?.((step) => void forward(step, decoder, batch), onProgress);
  }
}
