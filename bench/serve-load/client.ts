// One request through the stock OpenAI client: its text, when each token came, and whether it was given up.
import type OpenAI from 'openai';

/** A request whose text is known: same prompt and seed, same text, whatever other requests run. */
export interface Task {
  readonly prompt: string;
  readonly seed: number;
  readonly tokens: number;
}

export interface Reply {
  readonly text: string;
  /** Seconds to the first token, and from each to the next. */
  readonly firstToken: number;
  readonly gaps: readonly number[];
  readonly tokens: number;
  readonly aborted: boolean;
}

/** @param abortAfter chunks after which the client leaves; null: never */
export async function ask(
  client: OpenAI,
  model: string,
  { prompt, seed, tokens }: Task,
  abortAfter: number | null = null,
): Promise<Reply> {
  const controller = new AbortController();
  const started = performance.now();
  const times: number[] = [];
  let text = '';
  let counted = 0;
  try {
    const stream = await client.completions.create(
      {
        model,
        prompt,
        seed,
        temperature: 1,
        max_tokens: tokens,
        stream: true,
        stream_options: { include_usage: true },
      },
      { signal: controller.signal },
    );
    for await (const { choices, usage } of stream) {
      counted = usage?.completion_tokens ?? counted;
      if (choices[0] === undefined) continue;
      times.push(performance.now());
      text += choices[0].text;
      if (times.length === abortAfter) controller.abort();
    }
  } catch (error) {
    if (!controller.signal.aborted) throw error;
  }
  const gaps = times.slice(1).map((time, index) => (time - (times[index] ?? time)) / 1000);
  return {
    text,
    firstToken: ((times[0] ?? performance.now()) - started) / 1000,
    gaps,
    tokens: counted === 0 ? times.length : counted,
    aborted: controller.signal.aborted,
  };
}
