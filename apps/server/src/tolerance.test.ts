// Requests that are not quite as OpenAI documents them: read as they are meant, each kind named once, refused by a strict
// server.
import { describe, expect, test } from 'vitest';
import { serve, watchedServer } from './testkit/served.js';

const { shared, watch, notices } = watchedServer();

const user = { role: 'user', content: 'Hi' };
const tool = { type: 'function', function: { name: 'find', parameters: { type: 'object' } } };

interface Answer {
  readonly status: number;
  readonly message: string;
}

async function send(json: string, url = shared.server.url, path = 'chat/completions'): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${url}/v1/${path}`, { method: 'POST', headers, body: json });
  const { error } = (await answer.json()) as { error?: { message: string } };
  return { status: answer.status, message: error?.message ?? '' };
}

const asked = (fields: object) =>
  JSON.stringify({ model: 'tiny-moe', messages: [user], max_tokens: 1, ...fields });
const fine: Answer = { status: 200, message: '' };

const fields: readonly (readonly [what: string, fields: object, notice: string | null, strict: string])[] = [
  ['no model', { model: undefined }, 'model: absent', 'model: required and absent'],
  ['a model of null', { model: null }, 'model: absent', 'model: expected string, found null'],
  ['max_tokens beyond the context', { max_tokens: 100_000, stop: ['e'] }, null, 'expected at most 256'],
  [
    'max_completion_tokens beyond the context',
    { max_completion_tokens: 100_000, stop: 'e' },
    null,
    'expected at most 256',
  ],
  ['an empty stop', { stop: '' }, 'stop: empty texts', 'stop: expected'],
  ['an empty stop in a list', { stop: [''] }, 'stop: empty texts', 'stop: expected'],
  ['a list of biases', { logit_bias: [] }, 'logit_bias: an empty list', 'logit_bias: expected'],
  ['functions []', { functions: [] }, 'functions: asks for nothing', 'functions: expected none'],
  ['function_call none', { function_call: 'none' }, 'function_call: asks', 'function_call: expected none'],
  ['top_p -1', { top_p: -1 }, 'top_p: -1', 'top_p: expected at least 0'],
  ['min_p -1', { min_p: -1 }, 'min_p: -1', 'min_p: expected at least 0'],
  ['a seed below -1', { seed: -7 }, 'seed: beyond', 'seed: expected at least -1'],
  ['tool_choice any', { tools: [tool], tool_choice: 'any' }, 'tool_choice: ', 'tool_choice: expected'],
  ['a typed choice', { tools: [tool], tool_choice: { type: 'auto' } }, 'tool_choice: ', 'tool_choice: '],
  [
    'a choice of Responses',
    { tools: [tool], tool_choice: { type: 'function', name: 'find' } },
    'tool_choice: ',
    'tool_choice: ',
  ],
  [
    'a name with a dot',
    { tools: [{ ...tool, function: { name: 'files.read' } }] },
    null,
    'tools[0].function.name: expected up to 64 letters',
  ],
  [
    'a long name',
    { tools: [{ ...tool, function: { name: 'a'.repeat(65) } }] },
    null,
    'tools[0].function.name: expected up to 64 letters',
  ],
];

test.each(fields)('%s', async (_, sent, notice, refusal) => {
  expect(await send(asked(sent))).toEqual(fine);
  if (notice !== null) {
    expect(await send(asked(sent))).toEqual(fine);
    const named = notices.filter((text) => text.startsWith(`requests are not as documented: ${notice}`));
    expect(named).toHaveLength(1);
  }
  await using strict = await serve(shared.model, { strict: true });
  const refused = await send(asked(sent), strict.url);
  expect(refused.status).toBe(400);
  expect(refused.message).toContain(refusal);
});

test('a format that is not known holds no text, and is named; a strict server refuses it', async () => {
  const schema = { type: 'string', format: 'tax-number', maxLength: 4 };
  const sent = { response_format: { type: 'json_schema', json_schema: { name: 'x'.repeat(65), schema } } };
  expect(await send(asked(sent))).toEqual(fine);
  expect(notices).toContain('requests have a format in a schema that holds no text: "tax-number"');
  await using strict = await serve(shared.model, { strict: true });
  const name = await send(asked(sent), strict.url);
  expect(name.message).toContain('response_format.json_schema.name');
  const short = { response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } };
  const refused = await send(asked(short), strict.url);
  expect(refused).toMatchObject({ status: 400 });
  expect(refused.message).toContain('response_format.json_schema.schema#/format: cannot compile the schema');
});

test('completions are read alike', async () => {
  const body = JSON.stringify({ prompt: 'Hi', max_tokens: 1e6, stop: ['', 'e'], top_p: -1, logit_bias: [] });
  expect(await send(body, undefined, 'completions')).toEqual(fine);
});

test('a seed of 64 bits is read exactly: neighbours that a double cannot tell apart give other texts', async () => {
  const textOf = async (seed: string) => {
    const headers = { 'content-type': 'application/json' };
    const body = `{"messages": [{"role": "user", "content": "Hi"}], "temperature": 2, "max_tokens": 24, "seed": ${seed}}`;
    const answer = await fetch(`${shared.server.url}/v1/chat/completions`, { method: 'POST', headers, body });
    expect(answer.status).toBe(200);
    const { choices } = (await answer.json()) as { choices: { message: { content: string } }[] };
    return choices[0]?.message.content;
  };
  const seeds = ['18446744073709551615', '18446744073709551614', '9007199254740993', '-9223372036854775808'];
  const texts: (string | undefined)[] = [];
  for (const seed of seeds) texts.push(await textOf(seed));
  expect(new Set(texts).size).toBe(seeds.length);
  expect(await textOf('18446744073709551615')).toBe(texts[0]);
});

describe('messages as the template gets them', () => {
  const call = { id: 'call_1', type: 'function', function: { name: 'find', arguments: '{"a":1}' } };
  const called = { role: 'assistant', content: null, tool_calls: [call] };
  const result = { role: 'tool', tool_call_id: 'call_1', content: 'rain' };
  const text = (of: string) => ({ type: 'text', text: of });
  const withArguments = (given: unknown) => ({ ...call, function: { name: 'find', arguments: given } });

  test.each<[string, object[], object[], string]>([
    [
      'a result of null',
      [called, { ...result, content: null }],
      [called, { ...result, content: '' }],
      'messages[2].content',
    ],
    [
      'results without the ids of their calls',
      [
        { ...called, tool_calls: [call, { ...call, id: 'call_2' }] },
        { role: 'tool', content: 'rain' },
        { role: 'tool', content: 'sun' },
      ],
      [
        { ...called, tool_calls: [call, { ...call, id: 'call_2' }] },
        result,
        { role: 'tool', tool_call_id: 'call_2', content: 'sun' },
      ],
      'messages[2].tool_call_id: required and absent',
    ],
    [
      'a result without a call',
      [{ role: 'tool', content: 'rain' }],
      [{ ...result, tool_call_id: '' }],
      'messages[1].tool_call_id: required and absent',
    ],
    [
      'arguments that are an object',
      [{ ...called, tool_calls: [withArguments({ a: 1 })] }],
      [{ ...called, tool_calls: [withArguments('{"a":1}')] }],
      'messages[1].tool_calls[0].function.arguments: expected string',
    ],
    [
      'a call and its result from before tools',
      [
        { role: 'assistant', content: null, function_call: { name: 'find', arguments: '{"a":1}' } },
        { role: 'function', name: 'find', content: 'rain' },
      ],
      [
        { ...called, tool_calls: [{ ...call, id: 'call_find' }] },
        { role: 'tool', name: 'find', tool_call_id: 'call_find', content: 'rain' },
      ],
      'messages[1].function_call: expected none',
    ],
    [
      'parts of Responses',
      [
        { role: 'assistant', content: [{ type: 'output_text', text: 'A', annotations: [] }] },
        { role: 'user', content: [{ type: 'input_text', text: 'B' }] },
      ],
      [
        { role: 'assistant', content: [text('A')] },
        { role: 'user', content: [text('B')] },
      ],
      'messages[1].content[0].type: expected text',
    ],
    [
      'thoughts in parts',
      [{ role: 'assistant', content: [{ type: 'thinking', thinking: 'hm', signature: 'x' }, text('A')] }],
      [{ role: 'assistant', content: [text('A')], reasoning_content: 'hm' }],
      'messages[1].content[0].type: expected text',
    ],
    [
      'nothing but a thought',
      [{ role: 'assistant', content: [{ type: 'reasoning', summary: [{ text: 'a' }, { text: 'b' }] }] }],
      [{ role: 'assistant', content: '', reasoning_content: 'a\nb' }],
      'messages[1].content[0].type: expected text',
    ],
    [
      'a thought of one who is no assistant, and a field beside it',
      [{ role: 'assistant', reasoning: 'r', content: [{ type: 'thinking', thinking: 'hm' }, text('A')] }],
      [{ role: 'assistant', reasoning: 'r', content: [text('A')] }],
      'messages[1].content[0].type: expected text',
    ],
  ])('%s', async (_, sent, expected, refusal) => {
    expect(await send(asked({ messages: [user, ...sent, user] }))).toEqual(fine);
    expect(watch.rendered.at(-1)?.messages).toEqual([user, ...expected, user]);
    await using strict = await serve(shared.model, { strict: true });
    const refused = await send(asked({ messages: [user, ...sent, user] }), strict.url);
    expect(refused.status).toBe(400);
    expect(refused.message).toContain(refusal);
  });

  test('no number of arguments is rounded where they are an object', async () => {
    const calls = [withArguments({ id: 'ID', ratio: 'RATIO', 7: [] })];
    const body = asked({ messages: [user, { ...called, tool_calls: calls }, user] });
    await send(body.replace('"ID"', '2512292042121000001').replace('"RATIO"', '1.0'));
    const [, answer] = watch.rendered.at(-1)?.messages ?? [];
    expect(answer).toMatchObject({
      tool_calls: [withArguments('{"7":[],"id":2512292042121000001,"ratio":1.0}')],
    });
  });
});

test.each<[string, object]>([
  ['an image', { messages: [{ role: 'user', content: [{ type: 'input_image', image_url: 'x' }] }] }],
  ['a user without a text', { messages: [{ role: 'user', content: null }] }],
  ['functions to call', { functions: [{ name: 'f' }] }],
  ['a tool without a name', { tools: [{ type: 'function', function: { name: '' } }] }],
  ['a stop of no text', { stop: ['', 7] }],
  ['top_p -0.5', { top_p: -0.5 }],
  ['a seed that is no integer', { seed: 1.5 }],
  ['biases in a list', { logit_bias: [1] }],
  ['any of no tools', { tool_choice: 'any' }],
])('%s is refused all the same', async (_, sent) => {
  expect((await send(asked(sent))).status).toBe(400);
});
