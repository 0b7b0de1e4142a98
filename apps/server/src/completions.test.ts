import type { Model } from '@moeq/runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Served, serve, tinyMoe } from './testkit/served.js';

let model: Model;
let server: Served;
beforeAll(async () => {
  model = await tinyMoe();
  server = await serve(model);
});
afterAll(async () => {
  await server.close();
  await model.backend.destroy();
});

const base = { model: 'tiny-moe', prompt: 'In the beginning', temperature: 0 } as const;

test('continues a text, or token ids, by 16 tokens unless told otherwise', async () => {
  const alone = await model.complete('In the beginning', { temperature: 0, maxNewTokens: 16 });
  for (const prompt of ['In the beginning', [...alone.promptTokenIds]]) {
    const answer = await server.client.completions.create({ ...base, prompt });
    expect(answer).toMatchObject({
      object: 'text_completion',
      choices: [{ index: 0, text: alone.text, finish_reason: 'length', logprobs: null }],
      usage: { prompt_tokens: alone.promptTokenIds.length, completion_tokens: 16 },
    });
  }
});

test('several prompts, n texts of each, in their order', async () => {
  const prompts = ['In the', 'And God'];
  const answer = await server.client.completions.create({
    ...base,
    prompt: prompts,
    n: 2,
    temperature: 1,
    seed: 9,
    max_tokens: 8,
  });
  expect(answer.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
  for (const [index, prompt] of prompts.entries()) {
    const alone = await server.client.completions.create({
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
    .map((prompt) => model.tokenizer?.encode(prompt).length ?? 0)
    .reduce((sum, count) => sum + count, 0);
  expect(answer.usage).toMatchObject({ prompt_tokens: tokens, completion_tokens: 32 });
});

test('streams the same text and usage', async () => {
  const whole = await server.client.completions.create({ ...base, logprobs: 2 });
  const stream = await server.client.completions.create({
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

test('metrics tell what was computed', async () => {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  expect(value('moeq_generated_tokens_total')).toBeGreaterThan(100);
  expect(value('moeq_prompt_tokens_total')).toBeGreaterThan(10);
  expect(value('moeq_reused_tokens_total')).toBeGreaterThanOrEqual(0);
  expect(value('moeq_steps_total')).toBeGreaterThan(16);
  expect(value('moeq_time_to_first_token_seconds_count')).toBeGreaterThan(8);
  expect(value('moeq_time_between_tokens_seconds_sum')).toBeGreaterThan(0);
  expect(value('moeq_texts_total{reason="length"}'.replace(/[{}"]/g, '\\$&'))).toBeGreaterThan(8);
  expect(
    value('moeq_http_requests_total{route="/v1/completions",status="200"}'.replace(/[{}"]/g, '\\$&')),
  ).toBeGreaterThan(4);
  const pages = ['used', 'kept', 'free'].map((use) => value(`moeq_kv_cache_pages\\{use="${use}"\\}`));
  expect(pages.reduce((sum, count) => sum + count, 0)).toBe(256);
  const experts = [...text.matchAll(/^moeq_expert_tokens\{layer="(\d)",expert="(\d)"\} (\d+)$/gm)];
  expect(experts).toHaveLength(6 * 8);
  const computed =
    value('moeq_generated_tokens_total') +
    value('moeq_prompt_tokens_total') -
    value('moeq_time_to_first_token_seconds_count');
  expect(experts.reduce((sum, [, , , count]) => sum + Number(count), 0)).toBe(6 * 2 * computed);
});
