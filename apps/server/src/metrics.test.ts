import { expect, test } from 'vitest';
import { sharedServer } from './testkit/served.js';

const shared = sharedServer();

const read = async () => (await fetch(`${shared.server.url}/metrics`)).text();

test('names and kinds are as Prometheus wants them, before any request too', async () => {
  const text = await read();
  const kinds = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(
    ([, name = '', kind = '']) => [name, kind] as const,
  );
  expect(kinds.length).toBeGreaterThan(15);
  for (const [name, kind] of kinds) {
    expect(name).toMatch(/^(moeq|process)_[a-z_]+$/);
    expect(name.endsWith('_total')).toBe(kind === 'counter');
    expect(text).toMatch(new RegExp(`^# HELP ${name} \\S`, 'm'));
  }
  expect(text).toMatch(
    /^moeq_model_info\{model="tiny-moe",architecture="mixtral",backend="WebAssembly.*"\} 1$/m,
  );
});

test('metrics tell what was computed', async () => {
  const ask = (n: number) =>
    shared.server.client.completions.create({
      model: 'tiny-moe',
      prompt: 'In the beginning',
      n,
      max_tokens: 16,
      logit_bias: { 2: -100 },
    });
  await ask(1);
  await Promise.all([ask(2), ask(4), ask(4)]);
  const text = await read();
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  expect(value('moeq_generated_tokens_total')).toBe(11 * 16);
  const prompt = shared.model.tokenizer?.encode('In the beginning').length ?? 0;
  expect(value('moeq_prompt_tokens_total') + value('moeq_prefix_cache_tokens_total')).toBe(11 * prompt);
  // A text takes a step for each of its tokens, alone or with others: the first text had to end before the others came.
  expect(value('moeq_steps_total')).toBeGreaterThanOrEqual(2 * 16);
  expect(value('moeq_steps_total')).toBeLessThanOrEqual(11 * 16);
  expect(value('moeq_time_to_first_token_seconds_count')).toBe(11);
  expect(value('moeq_batch_sequences_count')).toBe(value('moeq_steps_total'));
  // Tokens and steps agree: every text of a step feeds one token, or part of its prompt.
  expect(value('moeq_batch_sequences_sum')).toBeGreaterThanOrEqual(value('moeq_generated_tokens_total'));
  expect(value('moeq_step_seconds_count')).toBe(value('moeq_steps_total'));
  expect(value('moeq_time_between_tokens_seconds_count')).toBe(11 * 15);
  expect(value('moeq_requests_total{reason="length"}'.replace(/[{}"]/g, '\\$&'))).toBe(11);
  expect(
    value('moeq_http_requests_total{route="/v1/completions",status="200"}'.replace(/[{}"]/g, '\\$&')),
  ).toBe(4);
  const pages = ['used', 'cached', 'free'].map((use) => value(`moeq_kv_cache_pages\\{use="${use}"\\}`));
  expect(pages.reduce((sum, count) => sum + count, 0)).toBe(256);
  const experts = [...text.matchAll(/^moeq_expert_tokens_total\{layer="(\d)",expert="(\d)"\} (\d+)$/gm)];
  expect(experts).toHaveLength(6 * 8);
  const computed =
    value('moeq_generated_tokens_total') +
    value('moeq_prompt_tokens_total') -
    value('moeq_time_to_first_token_seconds_count');
  // the last of the six layers computes the tokens alone whose logits are wanted
  const wanted = value('moeq_generated_tokens_total');
  expect(experts.reduce((sum, [, , , count]) => sum + Number(count), 0)).toBe(2 * (5 * computed + wanted));
});
