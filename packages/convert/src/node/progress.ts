// How far a conversion has come, by bytes of its input.
import type { QuantizeProgress } from './options.js';

/** @returns what is called with the bytes that are done, and of which tensor they are */
export function progressOf(
  bytesTotal: number,
  onProgress: ((progress: QuantizeProgress) => void) | undefined,
): (bytes: number, tensor: string) => void {
  const started = performance.now();
  let bytesDone = 0;
  return (bytes, tensor) => {
    bytesDone += bytes;
    const bytesPerSecond = (1000 * bytesDone) / Math.max(performance.now() - started, 1);
    onProgress?.({ bytesDone, bytesTotal, tensor, bytesPerSecond });
  };
}
