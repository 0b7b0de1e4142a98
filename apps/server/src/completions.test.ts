import { expect, test } from 'vitest';
import { sharedServer } from './testkit/served.js';

const shared = sharedServer();

const base = { model: 'tiny-moe', prompt: 'In the beginning', temperature: 0 } as const;

test('continues a text, or token ids, by 16 tokens by default', async () => {
  const alone = await shared.model.complete('In the beginning', { temperature: 0, maxNewTokens: 16 });
  for (const prompt of ['In the beginning', [...alone.promptTokenIds]]) {
    const answer = await shared.server.client.completions.create({ ...base, prompt });
    expect(answer).toMatchObject({
      object: 'text_completion',
      choices: [{ index: 0, text: alone.text, finish_reason: 'length', logprobs: null }],
      usage: { prompt_tokens: alone.promptTokenIds.length, completion_tokens: 16 },
    });
  }
});

test('several prompts, n texts of each, in their order', async () => {
  const prompts = ['In the', 'And God'];
  const answer = await shared.server.client.completions.create({
    ...base,
    prompt: prompts,
    n: 2,
    temperature: 1,
    seed: 9,
    max_tokens: 8,
  });
  expect(answer.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
  for (const [index, prompt] of prompts.entries()) {
    const alone = await shared.server.client.completions.create({
      ...base,
      prompt,
      temperature: 1,
      seed: 9,
      max_tokens: 8,
      n: 2,
    });
    expect(answer.choices.slice(2 * index, 2 * index + 2).map(({ text }) => text)).toEqual(
      alone.choices.map(({ text }) => text),
    );
  }
  const tokens = prompts
    .map((prompt) => shared.model.tokenizer?.encode(prompt).length ?? 0)
    .reduce((sum, count) => sum + count, 0);
  expect(answer.usage).toMatchObject({ prompt_tokens: tokens, completion_tokens: 32 });
});

test('streams the same text and usage', async () => {
  const whole = await shared.server.client.completions.create({ ...base, logprobs: 2 });
  const stream = await shared.server.client.completions.create({
    ...base,
    logprobs: 2,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = '';
  const offsets: number[] = [];
  const reasons: unknown[] = [];
  let usage: unknown;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.text ?? '';
    offsets.push(...(chunk.choices[0]?.logprobs?.text_offset ?? []));
    if (chunk.choices[0] !== undefined) reasons.push(chunk.choices[0].finish_reason);
    usage = chunk.usage ?? usage;
  }
  const logprobs = whole.choices[0]?.logprobs;
  expect(text).toBe(whole.choices[0]?.text);
  expect(reasons.filter((reason) => reason !== null)).toEqual(['length']);
  expect(usage).toMatchObject({ prompt_tokens: whole.usage?.prompt_tokens, completion_tokens: 16 });
  expect(offsets).toEqual(logprobs?.text_offset);
  expect(logprobs?.tokens?.join('')).toBe(text);
  expect(
    logprobs?.text_offset?.map((offset, index) => text.startsWith(logprobs.tokens?.[index] ?? '', offset)),
  ).not.toContain(false);
  expect(logprobs?.top_logprobs?.every((top) => Object.keys(top).length === 2)).toBe(true);
  expect(logprobs?.token_logprobs).toHaveLength(16);
});

test('offsets hold where a stop text makes tokens wait', async () => {
  const free = await shared.server.client.completions.create(base);
  const stop = [...new Set(free.choices[0]?.text)].slice(0, 16).map((letter) => `${letter}@@`);
  const { choices } = await shared.server.client.completions.create({ ...base, logprobs: 0, stop });
  const { text = '', logprobs } = choices[0] ?? {};
  expect(logprobs?.tokens?.join('')).toBe(text);
  const stream = await shared.server.client.completions.create({ ...base, logprobs: 0, stop, stream: true });
  const offsets: number[] = [];
  for await (const chunk of stream) offsets.push(...(chunk.choices[0]?.logprobs?.text_offset ?? []));
  expect(offsets).toEqual(logprobs?.text_offset);
});
