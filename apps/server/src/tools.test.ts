// Functions that a model may call.
import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { serve, sharedServer, tinyMoe, toolTemplate } from './testkit/served.js';

const shared = sharedServer({}, toolTemplate);

const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'What?' }];
const base = { model: 'tiny-moe', messages, max_tokens: 12 };

describe('tools', () => {
  const weather = {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'The weather of a city',
      parameters: {
        type: 'object',
        properties: { city: { type: 'string', maxLength: 8 } },
        required: ['city'],
        additionalProperties: false,
      },
    },
  } as const;

  test('reach the chat template, with calls and their results', async () => {
    const plain = await shared.server.client.chat.completions.create(base);
    const withTools = await shared.server.client.chat.completions.create({ ...base, tools: [weather] });
    const silent = await shared.server.client.chat.completions.create({
      ...base,
      tools: [weather],
      tool_choice: 'none',
    });
    expect(withTools.usage?.prompt_tokens).toBeGreaterThan(plain.usage?.prompt_tokens ?? 0);
    expect(silent.usage?.prompt_tokens).toBe(plain.usage?.prompt_tokens);
    const talk: OpenAI.ChatCompletionMessageParam[] = [
      { role: 'user', content: 'Paris?' },
      {
        role: 'assistant',
        tool_calls: [
          {
            id: 'call_1',
            type: 'function',
            function: { name: 'get_weather', arguments: '{"city":"Paris"}' },
          },
        ],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'rain' },
    ];
    const answer = await shared.server.client.chat.completions.create({ ...base, messages: talk });
    const text = 'user: Paris?\nassistant: get_weather{"city": "Paris"}\ntool: rain\nassistant: ';
    const ids = shared.model.tokenizer?.encode(text, { addSpecialTokens: false }) ?? [];
    expect(answer.usage?.prompt_tokens).toBe(ids.length);
  });

  test('a template that takes none refuses them', async () => {
    const plain = await tinyMoe();
    await using other = await serve(plain);
    const asked = other.client.chat.completions.create({ ...base, tools: [weather] });
    await expect(asked).rejects.toMatchObject({ status: 400, param: 'tools' });
    await expect(asked).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await plain.backend.destroy();
  });

  test('an answer goes back as it came, from the client’s helper for streams too', async () => {
    const request = {
      ...base,
      tools: [weather],
      tool_choice: 'required',
      seed: 1,
      max_tokens: 80,
    } satisfies OpenAI.ChatCompletionCreateParams;
    const whole = await shared.server.client.chat.completions.create(request);
    const streamed = await shared.server.client.chat.completions.stream(request).finalChatCompletion();
    for (const { choices } of [whole, streamed]) {
      const message = choices[0]?.message;
      const id = message?.tool_calls?.[0]?.id;
      if (message === undefined || id === undefined) throw new Error('no call');
      const answer = await shared.server.client.chat.completions.create({
        ...base,
        messages: [...base.messages, message, { role: 'tool', tool_call_id: id, content: 'rain' }],
      });
      expect(answer.choices[0]?.message.role).toBe('assistant');
    }
    expect(Object.keys(whole.choices[0]?.message.tool_calls?.[0] ?? {})).toEqual(['id', 'type', 'function']);
  });

  test('a call streams: its head, then its arguments as they come, then why it ended', async () => {
    const stream = await shared.server.client.chat.completions.create({
      ...base,
      tools: [weather],
      tool_choice: { type: 'function', function: { name: 'get_weather' } },
      seed: 2,
      max_tokens: 80,
      stream: true,
    });
    const choices: OpenAI.ChatCompletionChunk.Choice[] = [];
    for await (const chunk of stream) choices.push(...chunk.choices);
    const parts = choices.flatMap(({ delta }) => delta.tool_calls ?? []);
    expect(parts[0]).toMatchObject({ index: 0, type: 'function', function: { name: 'get_weather' } });
    expect(parts[0]?.id).toMatch(/^call_[0-9a-f]{24}$/);
    expect(parts.length).toBeGreaterThan(2);
    expect(
      parts.slice(1).every(({ id, function: { name } = {} }) => id === undefined && name === undefined),
    ).toBe(true);
    const given = parts.map(({ function: part }) => part?.arguments ?? '').join('');
    expect(JSON.parse(given)).toHaveProperty('city');
    expect(choices.map(({ delta }) => delta.content ?? '').join('')).toBe('');
    expect(choices.at(-1)).toMatchObject({ delta: {}, finish_reason: 'tool_calls' });
  });

  test('the client’s helper for tools runs them', async () => {
    const asked: unknown[] = [];
    const runner = shared.server.client.chat.completions.runTools({
      ...base,
      max_tokens: 80,
      seed: 3,
      tool_choice: { type: 'function', function: { name: 'get_weather' } },
      tools: [
        {
          type: 'function',
          function: {
            ...weather.function,
            parameters: { ...weather.function.parameters, required: ['city'] },
            function: (given: string) => {
              asked.push(JSON.parse(given));
              return 'rain';
            },
          },
        },
      ],
    });
    await runner.done();
    expect(asked).toEqual([expect.objectContaining({ city: expect.any(String) })]);
    expect(runner.messages.at(-1)).toMatchObject({ role: 'tool', content: 'rain' });
  });
});
