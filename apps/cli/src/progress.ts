// A bar on stderr with rate and time left. Nothing is drawn where stderr is no terminal: a log has no use for it.
import { formatBytes } from '@moeq/tensors';
import { Presets, SingleBar } from 'cli-progress';
import { formatSeconds } from './format.js';
import { type Io, painter, widthOf } from './io.js';

export interface Progress {
  /** @param done units so far. @param total units in all. @param label what is being worked on. */
  update(done: number, total: number, label: string): void;
  stop(): void;
}

/**
 * @param verb what is going on, e.g. `quantizing`
 * @param unit what is counted
 */
export function progressBar(
  io: Io,
  verb: string,
  unit: 'bytes' | 'rows' | 'runs' | 'shaders' | 'tokens' | 'weights' = 'bytes',
): Progress {
  if (io.stderr.isTTY !== true) return { update: () => undefined, stop: () => undefined };
  const paint = painter(io.stderr);
  const show = unit === 'bytes' ? formatBytes : (count: number) => String(Math.round(count));
  const name = unit === 'bytes' ? '' : ` ${unit}`;
  const width = widthOf(io.stderr);
  const barWidth = 24;
  const started = performance.now();
  const bar = new SingleBar(
    {
      stream: io.stderr,
      hideCursor: true,
      clearOnComplete: true,
      fps: 12,
      gracefulExit: false,
      format: (
        _options,
        { progress },
        { done, total, label }: { done: number; total: number; label: string },
      ) => {
        const seconds = (performance.now() - started) / 1000;
        const rate = done / Math.max(seconds, 1e-3);
        const left = seconds < 0.3 ? '' : `  ${formatSeconds((total - done) / Math.max(rate, 1))} left`;
        const filled = Math.round(progress * barWidth);
        const drawn = paint('cyan', '█'.repeat(filled)) + paint('dim', '░'.repeat(barWidth - filled));
        const figures = `${show(done)} of ${show(total)}${name}  ${show(rate)}${name}/s${left}`;
        const room = width - verb.length - barWidth - figures.length - 8;
        const tail = label.length > room ? `…${label.slice(label.length - Math.max(room - 1, 0))}` : label;
        return `${verb}  ${drawn}  ${figures}${room > 8 ? `  ${paint('dim', tail)}` : ''}`;
      },
    },
    Presets.shades_classic,
  );
  let running = false;
  return {
    update(done, total, label) {
      if (!running) bar.start(total, done, { done, total, label });
      running = true;
      bar.update(done, { done, total, label });
    },
    stop() {
      if (running) bar.stop();
      running = false;
    },
  };
}
