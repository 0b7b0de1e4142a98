import type OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { sharedServer, toolTemplate } from './testkit/served.js';

const shared = sharedServer({}, toolTemplate);

const base = {
  model: 'tiny-moe',
  messages: [{ role: 'user', content: 'Who?' }],
  max_tokens: 150,
} satisfies OpenAI.ChatCompletionCreateParams;

const person = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 12 },
    age: { type: 'integer', minimum: 0, maximum: 150 },
    kind: { enum: ['king', 'prophet'] },
    sons: { type: 'array', items: { $ref: '#/$defs/son' }, maxItems: 2 },
  },
  required: ['name', 'age', 'kind', 'sons'],
  additionalProperties: false,
  $defs: { son: { type: 'string', pattern: '^[A-Z][a-z]{1,5}$' } },
};

function assertPerson(text: string | null | undefined): void {
  const value = JSON.parse(text ?? '') as { name: string; age: number; kind: string; sons: string[] };
  expect(Object.keys(value)).toEqual(['name', 'age', 'kind', 'sons']);
  expect([...value.name].length).toBeLessThanOrEqual(12);
  expect(Number.isInteger(value.age) && value.age >= 0 && value.age <= 150).toBe(true);
  expect(['king', 'prophet']).toContain(value.kind);
  expect(value.sons.length <= 2 && value.sons.every((son) => /^[A-Z][a-z]{1,5}$/.test(son))).toBe(true);
}

describe('response_format', () => {
  const response_format = {
    type: 'json_schema',
    json_schema: { name: 'person', schema: person, strict: true },
  } as const;

  test.each([1, 2, 3, 4])('json_schema holds the text to the schema, seed %i', async (seed) => {
    const { choices } = await shared.server.client.chat.completions.create({
      ...base,
      seed,
      temperature: 1.3,
      response_format,
    });
    expect(choices[0]?.finish_reason).toBe('stop');
    assertPerson(choices[0]?.message.content);
  });

  test('streamed, and several texts at once', async () => {
    const stream = await shared.server.client.chat.completions.create({
      ...base,
      seed: 5,
      n: 2,
      stream: true,
      response_format,
    });
    const texts = ['', ''];
    for await (const { choices } of stream)
      for (const { index, delta } of choices) texts[index] += delta.content ?? '';
    for (const text of texts) assertPerson(text);
  });

  test('json_object', async () => {
    const { choices } = await shared.server.client.chat.completions.create({
      ...base,
      temperature: 0,
      response_format: { type: 'json_object' },
      max_tokens: 60,
    });
    const { content } = choices[0]?.message ?? {};
    if (choices[0]?.finish_reason === 'stop') expect(typeof JSON.parse(content ?? '')).toBe('object');
    expect(content?.trimStart().startsWith('{')).toBe(true);
  });

  test('a schema that cannot be held is refused by the name of the keyword', async () => {
    const schema = { type: 'object', properties: { a: { foo: 1 } } };
    const asked = shared.server.client.chat.completions.create({
      ...base,
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
    });
    await expect(asked).rejects.toMatchObject({
      status: 400,
      param: 'response_format',
      message: expect.stringContaining('response_format.json_schema.schema#/properties/a/foo'),
    });
  });
});

describe('tool_choice', () => {
  const tools = [
    {
      type: 'function',
      function: {
        name: 'find',
        parameters: {
          properties: { who: person },
          required: ['who'],
          additionalProperties: false,
          $defs: person.$defs,
        },
      },
    },
    {
      type: 'function',
      function: { name: 'stop', parameters: { type: 'object', additionalProperties: false } },
    },
  ] as const satisfies OpenAI.ChatCompletionTool[];

  test.each<[OpenAI.ChatCompletionToolChoiceOption, readonly string[]]>([
    ['required', ['find', 'stop']],
    [{ type: 'function', function: { name: 'find' } }, ['find']],
    [{ type: 'function', function: { name: 'stop' } }, ['stop']],
  ])('%j makes a call of it, at once and streamed', async (tool_choice, names) => {
    const request = { ...base, seed: 3, temperature: 1, tools: [...tools], tool_choice };
    const { choices } = await shared.server.client.chat.completions.create(request);
    const [call] = choices[0]?.message.tool_calls ?? [];
    if (call?.type !== 'function') throw new Error('no call');
    expect([choices[0]?.finish_reason, choices[0]?.message.content]).toEqual(['tool_calls', null]);
    expect(names).toContain(call.function.name);
    const given = JSON.parse(call.function.arguments) as { who?: unknown };
    if (call.function.name === 'find') assertPerson(JSON.stringify(given.who));
    else expect(given).toEqual({});

    const final = await shared.server.client.chat.completions.stream(request).finalChatCompletion();
    const [streamed] = final.choices[0]?.message.tool_calls ?? [];
    if (streamed?.type !== 'function') throw new Error('no call in the stream');
    expect(streamed.function).toMatchObject({ name: call.function.name, arguments: call.function.arguments });
    expect(final.choices[0]?.finish_reason).toBe('tool_calls');
  });

  test.each([
    [{ tool_choice: 'required' as const }, 'tool_choice'],
    [
      { tools: [...tools], tool_choice: { type: 'function' as const, function: { name: 'unknown' } } },
      'tool_choice',
    ],
  ])('%j is refused', async (more, param) => {
    await expect(shared.server.client.chat.completions.create({ ...base, ...more })).rejects.toMatchObject({
      status: 400,
      param,
    });
  });
});
