// One text as it is written: its pieces, how fast they come, and who computes them; drawn at most once a frame.
import type { GenerationResult } from '@moeq/runtime';
import { element, make, sentence } from './elements.ts';
import { ExpertWindow } from './expert-window.ts';
import { seconds } from './format.ts';
import { showExperts } from './heat-map.ts';
import type { Loaded } from './load-model.ts';
import { sampling } from './sampling.ts';

const endings: Readonly<Record<GenerationResult['finishReason'], string>> = {
  stop: 'the end',
  length: 'cut at the length asked for',
  stopString: 'the end',
  aborted: 'stopped',
};

export class Writing {
  readonly #loaded: Loaded;
  readonly #experts = new ExpertWindow();
  #controller: AbortController | null = null;

  constructor(loaded: Loaded) {
    this.#loaded = loaded;
    showExperts(this.#experts.add(loaded.engine.statistics().expertLoads));
  }

  stop(): void {
    this.#controller?.abort();
  }

  /** Writes on from the prompt until the text ends or is stopped; an error is shown as a sentence. */
  async write(prompt: string): Promise<void> {
    const { engine } = this.#loaded;
    const controller = new AbortController();
    this.#controller = controller;
    const text = element('text', HTMLElement);
    const rate = element('rate', HTMLElement);
    const began = make('span', prompt);
    const body = make('b');
    text.replaceChildren(began, body);
    text.classList.add('writing');
    element('write-error', HTMLElement).textContent = '';
    rate.textContent = 'reading the prompt…';
    rate.removeAttribute('role');

    const clock = { start: performance.now(), first: 0, tokens: 0 };
    let written = '';
    let waiting = false;
    const draw = () => {
      waiting = false;
      body.textContent = written;
      if (controller === this.#controller) rate.textContent = pace(clock);
    };
    try {
      for await (const piece of engine.generate(prompt, { ...sampling(), signal: controller.signal })) {
        written += piece.text;
        if (piece.result !== null) {
          this.#controller = null;
          rate.setAttribute('role', 'status');
          rate.textContent = `${pace(clock)} · ${endings[piece.result.finishReason]}`;
          break;
        }
        clock.tokens += 1;
        if (clock.tokens === 1) clock.first = performance.now();
        showExperts(this.#experts.add(engine.statistics().expertLoads));
        if (!waiting) requestAnimationFrame(draw);
        waiting = true;
      }
    } catch (error) {
      rate.textContent = '';
      element('write-error', HTMLElement).textContent = sentence(error);
    } finally {
      this.#controller = null;
      body.textContent = written;
      text.classList.remove('writing');
    }
  }
}

function pace({ start, first, tokens }: { start: number; first: number; tokens: number }): string {
  if (tokens === 0) return 'no token';
  const elapsed = (performance.now() - first) / 1000;
  const rate = tokens > 1 && elapsed > 0 ? `${((tokens - 1) / elapsed).toFixed(1)} tokens/s · ` : '';
  return `${tokens} tokens · ${rate}first after ${seconds(first - start)}`;
}
