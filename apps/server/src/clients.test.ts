// Unmodified clients of OpenAI's interface against the server: the table in README.md is what passes here.
import { describe, expect, test } from 'vitest';
import { aiSdkClient } from './testkit/clients/ai-sdk.js';
import type { TestedClient } from './testkit/clients/client.js';
import { langchainClient } from './testkit/clients/langchain.js';
import { llamaindexClient } from './testkit/clients/llamaindex.js';
import { openaiClient } from './testkit/clients/openai.js';
import { watchedServer } from './testkit/served.js';

const { shared, watch, notices } = watchedServer();

const question = 'In the beginning';
const maxTokens = 80;

/** What the model writes after the conversation that the template had last. */
async function expectedText(): Promise<string> {
  const messages = watch.rendered.at(-1)?.messages ?? [];
  const { options } = watch.rendered.at(-1) ?? {};
  const prompt = { messages, ...options };
  return (await shared.model.complete(prompt, { temperature: 0, maxNewTokens: maxTokens })).text;
}

async function aborted(): Promise<number> {
  const text = await (await fetch(`${shared.server.url}/metrics`)).text();
  return Number(/^moeq_requests_total\{reason="aborted"\} (\d+)$/m.exec(text)?.[1] ?? 0);
}

describe.each<[string, (baseURL: string) => TestedClient]>([
  ['openai', openaiClient],
  ['@ai-sdk/openai-compatible', aiSdkClient],
  ['@langchain/openai', langchainClient],
  ['@llamaindex/openai', llamaindexClient],
])('%s', (_, make) => {
  const client = () => make(`${shared.server.url}/v1`);

  test('chats, at once and streamed', async () => {
    const text = await client().chat(question, maxTokens);
    expect(watch.rendered.at(-1)?.messages).toMatchObject([{ role: 'user', content: question }]);
    expect(text).toBe(await expectedText());
    const pieces = await client().stream(question, maxTokens);
    expect(pieces.join('')).toBe(text);
    // More than one with a word in it: it came as it was written.
    expect(pieces.filter((piece) => piece !== '').length).toBeGreaterThan(5);
  });

  test('runs a tool that the model calls, and gets the answer to its result', async () => {
    const { called, text } = await client().loop(question, maxTokens);
    expect(called).toEqual({ city: 'Paris' });
    expect(watch.rendered.at(-1)?.messages).toMatchObject([
      { role: 'user', content: question },
      { role: 'assistant', tool_calls: [{ type: 'function', function: { name: 'get_weather' } }] },
      { role: 'tool', content: 'rain', tool_call_id: expect.stringMatching(/^call_[0-9a-f]{24}$/) },
    ]);
    expect(text).toBe(await expectedText());
  });

  test('gets an object of a JSON schema', async () => {
    expect(await client().object(question)).toEqual({ city: 'Paris', sky: 'rain' });
  });

  test('leaves a stream, whose text ends', async () => {
    const before = await aborted();
    await client().abort(question);
    await expect.poll(aborted, { timeout: 20_000 }).toBe(before + 1);
  });

  test('has the status and words of a refusal', async () => {
    const { status, message } = await client().refusal('word '.repeat(400));
    expect(status).toBe(400);
    expect(message).toContain('expected at most 255 tokens, by the context length, found');
  });
});

test('no client sends a field that the server does not know', () => {
  expect(notices).toEqual([]);
});
