import type OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { sharedServer, toolTemplate } from './testkit/served.js';

const shared = sharedServer({}, toolTemplate);

const messages: OpenAI.ChatCompletionMessageParam[] = [
  { role: 'system', content: 'You are a book.' },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'In the ' },
      { type: 'text', text: 'beginning' },
    ],
  },
  { role: 'assistant', content: 'God created' },
  { role: 'user', content: 'What?' },
];
const rendered =
  'system: You are a book.\nuser: In the beginning\nassistant: God created\nuser: What?\nassistant: ';
const base = { model: 'tiny-moe', messages, max_tokens: 12 } as const;

describe('chat completions', () => {
  test('answers what the model writes after the conversation', async () => {
    const expected = await shared.model.complete(
      { messages: [{ role: 'user', content: '' }] },
      { maxNewTokens: 1 },
    );
    expect(expected.tokenIds).toHaveLength(1);
    const alone = await shared.model.complete(
      shared.model.tokenizer?.encode(rendered, { addSpecialTokens: false }) ?? [],
      {
        temperature: 0,
        maxNewTokens: 12,
      },
    );
    const answer = await shared.server.client.chat.completions.create({ ...base, temperature: 0 });
    expect(answer).toMatchObject({
      object: 'chat.completion',
      model: 'tiny-moe',
      system_fingerprint: 'moeq-wasm',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: alone.text, refusal: null },
          logprobs: null,
          finish_reason: 'length',
        },
      ],
      usage: {
        prompt_tokens: alone.promptTokenIds.length,
        completion_tokens: 12,
        total_tokens: alone.promptTokenIds.length + 12,
      },
    });
    expect(answer.id).toMatch(/^chatcmpl-[0-9a-f]{32}$/);
    expect(Math.abs(answer.created - Date.now() / 1000)).toBeLessThan(60);
  });

  test('streams the same text, then usage', async () => {
    const request = { ...base, seed: 7, temperature: 1 };
    const whole = await shared.server.client.chat.completions.create(request);
    const stream = await shared.server.client.chat.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    const deltas = chunks.flatMap(({ choices }) => choices);
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: '', refusal: null });
    expect(deltas.map(({ delta }) => delta.content ?? '').join('')).toBe(whole.choices[0]?.message.content);
    expect(deltas.map(({ finish_reason }) => finish_reason).filter((reason) => reason !== null)).toEqual([
      'length',
    ]);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      // The same prompt was computed before: all of its pages of 16 tokens but the one with its last token.
      usage: {
        ...whole.usage,
        prompt_tokens_details: {
          cached_tokens: 16 * Math.floor(((whole.usage?.prompt_tokens ?? 0) - 1) / 16),
        },
      },
    });
    const silent = await shared.server.client.chat.completions.create({ ...request, stream: true });
    for await (const chunk of silent) expect(chunk.usage).toBe(undefined);
  });

  test('the client’s helper for streams finds the whole message', async () => {
    const runner = shared.server.client.chat.completions.stream({ ...base, temperature: 0 });
    const events: string[] = [];
    runner.on('content', (delta) => events.push(delta));
    const final = await runner.finalChatCompletion();
    const whole = await shared.server.client.chat.completions.create({ ...base, temperature: 0 });
    expect(final.choices[0]?.message.content).toBe(whole.choices[0]?.message.content);
    expect(events.join('')).toBe(whole.choices[0]?.message.content);
  });

  test('a seed gives its text again, among others and alone; n texts differ and each is repeatable', async () => {
    const ask = (seed: number, n = 1) =>
      shared.server.client.chat.completions.create({
        ...base,
        seed,
        n,
        temperature: 1.2,
        max_completion_tokens: 16,
        max_tokens: null,
      });
    const texts = ({ choices }: OpenAI.ChatCompletion) => choices.map(({ message }) => message.content);
    const alone = texts(await ask(3));
    const together = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => ask(seed)));
    expect(together.map((answer) => texts(answer)[0])[2]).toBe(alone[0]);
    const three = await ask(3, 3);
    expect(three.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(texts(three)[0]).toBe(alone[0]);
    expect(new Set(texts(three)).size).toBe(3);
    expect(texts(await ask(3, 3))).toEqual(texts(three));
    expect(three.usage?.completion_tokens).toBe(48);
    expect(three.usage?.prompt_tokens).toBe(together[0]?.usage?.prompt_tokens);

    const stream = await shared.server.client.chat.completions.create({
      ...base,
      seed: 3,
      n: 3,
      temperature: 1.2,
      max_tokens: 16,
      stream: true,
    });
    const streamed = ['', '', ''];
    for await (const { choices } of stream) {
      for (const { index, delta } of choices) streamed[index] += delta.content ?? '';
    }
    expect(streamed).toEqual(texts(three));
  });

  test('stop texts end the answer before them', async () => {
    const free = await shared.server.client.chat.completions.create({
      ...base,
      temperature: 0,
      max_tokens: 24,
    });
    const text = free.choices[0]?.message.content ?? '';
    const stop = text.slice(8, 11);
    for (const given of [stop, ['@@@', stop]]) {
      const cut = await shared.server.client.chat.completions.create({
        ...base,
        temperature: 0,
        max_tokens: 24,
        stop: given,
      });
      expect(cut.choices[0]).toMatchObject({
        finish_reason: 'stop',
        message: { content: text.slice(0, text.indexOf(stop)) },
      });
    }
  });

  test('log probabilities of tokens and their rivals', async () => {
    const request = { ...base, temperature: 0, logprobs: true, top_logprobs: 3 };
    const { choices } = await shared.server.client.chat.completions.create(request);
    const content = choices[0]?.logprobs?.content ?? [];
    expect(content).toHaveLength(12);
    expect(content.map(({ token }) => token).join('')).toBe(choices[0]?.message.content);
    for (const { token, logprob, bytes, top_logprobs: top } of content) {
      expect(new TextDecoder().decode(Uint8Array.from(bytes ?? []))).toBe(token);
      expect(top).toHaveLength(3);
      // Greedy takes the likeliest.
      expect(top[0]).toEqual({ token, logprob, bytes });
      expect(top.map((each) => each.logprob)).toEqual(
        top.map((each) => each.logprob).toSorted((a, b) => b - a),
      );
      expect(top.reduce((sum, each) => sum + Math.exp(each.logprob), 0)).toBeLessThanOrEqual(1);
    }
    const stream = await shared.server.client.chat.completions.create({ ...request, stream: true });
    const streamed = [];
    for await (const chunk of stream) streamed.push(...(chunk.choices[0]?.logprobs?.content ?? []));
    expect(streamed).toEqual(content);
  });

  test('log probabilities of tokens that may begin a stop text wait with them, and none is lost', async () => {
    const free = await shared.server.client.chat.completions.create({
      ...base,
      temperature: 0,
      max_tokens: 40,
    });
    const text = free.choices[0]?.message.content ?? '';
    // Ends of tokens that look like the beginning of a stop text again and again, and one that ends the text.
    const end = text.slice(-6);
    const request = {
      ...base,
      temperature: 0,
      max_tokens: 40,
      logprobs: true,
      stop: [...new Set(text)]
        .slice(0, 15)
        .map((letter) => `${letter}@@`)
        .concat(end),
    };
    const whole = (await shared.server.client.chat.completions.create(request)).choices[0];
    const content = text.slice(0, text.indexOf(end));
    expect([whole?.message.content, whole?.finish_reason]).toEqual([content, 'stop']);
    const tokens = whole?.logprobs?.content?.map(({ token }) => token).join('') ?? '';
    // The last token may reach into the stop text.
    expect(text.startsWith(tokens) && tokens.startsWith(content)).toBe(true);
    const stream = await shared.server.client.chat.completions.create({ ...request, stream: true });
    const streamed = [];
    for await (const chunk of stream) streamed.push(...(chunk.choices[0]?.logprobs?.content ?? []));
    expect(streamed).toEqual(whole?.logprobs?.content);
  });

  test('a logit bias forbids or forces a token; penalties change the text', async () => {
    const ask = async (more: object) => {
      const answer = await shared.server.client.chat.completions.create({ ...base, temperature: 0, ...more });
      return answer.choices[0]?.message.content ?? '';
    };
    const free = await ask({ max_tokens: 40 });
    const [id = -1] = shared.model.tokenizer?.encode('zeal', { addSpecialTokens: false }) ?? [];
    const forced = await ask({ max_tokens: 3, logit_bias: { [id]: 100 } });
    expect(forced).toBe(shared.model.tokenizer?.decode([id, id, id]));
    expect(await ask({ max_tokens: 40, frequency_penalty: 2 })).not.toBe(free);
    expect(await ask({ max_tokens: 40, presence_penalty: 2 })).not.toBe(free);
    expect(await ask({ max_tokens: 40, top_p: 0.5, temperature: 1, seed: 1 })).not.toBe(free);
    expect(await ask({ max_tokens: 40, top_p: 0, temperature: 2, seed: 1 })).toBe(free);
  });

  test('what OpenAI takes and means nothing here changes nothing', async () => {
    const request = { ...base, temperature: 0 };
    const plain = await shared.server.client.chat.completions.create(request);
    const full = await shared.server.client.chat.completions.create({
      ...request,
      metadata: { a: 'b' },
      store: false,
      service_tier: 'auto',
      reasoning_effort: 'low',
      verbosity: 'low',
      modalities: ['text'],
      prediction: { type: 'content', content: 'God' },
      prompt_cache_key: 'a',
      safety_identifier: 'b',
      parallel_tool_calls: true,
      logit_bias: null,
      stop: null,
      tools: [],
    });
    expect(full.choices).toEqual(plain.choices);
  });

  test('a conversation continued finds its beginning in the cache', async () => {
    const first = await shared.server.client.chat.completions.create({ ...base, temperature: 0 });
    const reply = first.choices[0]?.message.content ?? '';
    const next = await shared.server.client.chat.completions.create({
      ...base,
      messages: [...messages, { role: 'assistant', content: reply }, { role: 'user', content: 'Go on.' }],
    });
    expect(next.usage?.prompt_tokens_details?.cached_tokens).toBeGreaterThanOrEqual(16);
  });

  test('an aborted stream ends its text', async () => {
    const stream = await shared.server.client.chat.completions.create({
      ...base,
      max_tokens: 200,
      stream: true,
    });
    let count = 0;
    for await (const { choices } of stream) {
      count += choices.length;
      if (count === 3) stream.controller.abort();
    }
    await expect
      .poll(
        async () =>
          (await (await fetch(`${shared.server.url}/metrics`)).text()).match(
            /moeq_requests_running (\d+)/,
          )?.[1],
      )
      .toBe('0');
  });
});
