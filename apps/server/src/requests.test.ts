// Requests as clients send them, with whatever they have added: what reaches the template, what is ignored and named.
import { describe, expect, test } from 'vitest';
import { serve, watchedServer } from './testkit/served.js';

const { shared, watch, notices } = watchedServer();

const user = { role: 'user', content: 'Hi' };

/** A chat of one token; `message` is the error's. */
async function ask(body: object, { url } = shared.server): Promise<{ status: number; message: string }> {
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o', messages: [user], max_tokens: 1, ...body }),
  });
  const { error } = (await answer.json()) as { error?: { message: string } };
  return { status: answer.status, message: error?.message ?? '' };
}

/** The last conversation that the template had. */
const rendered = () => watch.rendered.at(-1);

const call = { id: 'call_1', type: 'function', function: { name: 'find', arguments: '{"a": 1}' } };
/** A text of parts, which templates may iterate. */
const parts = (...texts: string[]) => texts.map((text) => ({ type: 'text', text }));

describe('messages', () => {
  test.each<[string, object, object]>([
    ['a name', { ...user, name: 'Ann' }, { ...user, name: 'Ann' }],
    ['an id', { ...user, id: 'msg_1' }, { ...user, id: 'msg_1' }],
    ['a developer', { role: 'developer', content: 'Be brief' }, { role: 'system', content: 'Be brief' }],
    [
      'parts of a system message',
      {
        role: 'system',
        content: [
          { type: 'text', text: 'Be ' },
          { type: 'text', text: 'brief' },
        ],
      },
      { role: 'system', content: parts('Be ', 'brief') },
    ],
    [
      'cache_control in a part',
      { role: 'user', content: [{ type: 'text', text: 'Hi', cache_control: { type: 'ephemeral' } }] },
      { role: 'user', content: parts('Hi') },
    ],
    [
      'the name of a tool, and parts of its result',
      { role: 'tool', tool_call_id: 'call_1', name: 'find', content: [{ type: 'text', text: 'rain' }] },
      { role: 'tool', tool_call_id: 'call_1', name: 'find', content: parts('rain') },
    ],
    [
      'an answer as it came',
      {
        ...{ role: 'assistant', id: 'msg_1', content: 'Yes', refusal: null, annotations: [], audio: null },
        ...{ function_call: null, tool_calls: null, reasoning_content: 'because' },
      },
      { role: 'assistant', id: 'msg_1', content: 'Yes', annotations: [], reasoning_content: 'because' },
    ],
    [
      'a refusal in parts',
      { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
      { role: 'assistant', content: parts('No.') },
    ],
    [
      'a refusal in a field',
      { role: 'assistant', content: null, refusal: 'No.' },
      { role: 'assistant', content: 'No.', refusal: 'No.' },
    ],
    [
      'calls with an index and more',
      { role: 'assistant', content: null, tool_calls: [{ ...call, index: 0, extra_content: { a: 1 } }] },
      { role: 'assistant', content: null, tool_calls: [{ ...call, index: 0, extra_content: { a: 1 } }] },
    ],
    [
      'a call without arguments',
      { role: 'assistant', tool_calls: [{ ...call, function: { name: 'find', arguments: '' } }] },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ ...call, function: { name: 'find', arguments: '{}' } }],
      },
    ],
    [
      'fields that only the template may know',
      { ...user, weight: 0, metadata: { a: ['b'] } },
      { ...user, weight: 0, metadata: { a: ['b'] } },
    ],
  ])('%s', async (_, sent, expected) => {
    expect(await ask({ messages: [sent, user] })).toEqual({ status: 200, message: '' });
    expect(rendered()?.messages).toEqual([expected, user]);
  });
});

test('no number of a call, a tool or a variable is rounded on its way to the template', async () => {
  const given = '{"user_id": 2512292042121000001, "ratio": 1.0}';
  const called = { ...call, function: { name: 'find', arguments: given } };
  await ask({ messages: [user, { role: 'assistant', content: null, tool_calls: [called] }, user] });
  expect(watch.tokenised.at(-1)).toContain(`find${given}`);
  const body = JSON.stringify({
    ...{ model: '', max_tokens: 1, messages: [user], chat_template_kwargs: { id: 'ID' } },
    tools: [{ type: 'function', function: { name: 'find', parameters: { type: 'object', default: 'ID' } } }],
  }).replaceAll('"ID"', '2512292042121000001');
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${shared.server.url}/v1/chat/completions`, { method: 'POST', headers, body });
  expect(answer.status).toBe(200);
  const id = { source: '2512292042121000001' };
  expect(rendered()?.options).toMatchObject({
    variables: { id },
    tools: [{ function: { parameters: { default: id } } }],
  });
});

describe('fields', () => {
  test.each<[string, object]>([
    ['seed -1', { seed: -1 }],
    ['max_tokens -1', { max_tokens: -1, stop: 'e' }],
    ['max_completion_tokens -1', { max_tokens: null, max_completion_tokens: -1, stop: 'e' }],
    ['top_k -1 and 0', { top_k: -1 }],
    ['top_k 0', { top_k: 0 }],
    ['an empty user', { user: '' }],
    ['empty lists', { stop: [], tools: [], logit_bias: {} }],
    ['a format of text', { response_format: { type: 'text' } }],
    ['top_logprobs 0', { logprobs: false, top_logprobs: 0 }],
    [
      'null for all that may be absent',
      Object.fromEntries(
        [
          ...[
            'temperature',
            'top_p',
            'top_k',
            'min_p',
            'repetition_penalty',
            'presence_penalty',
            'n',
            'seed',
          ],
          ...['frequency_penalty', 'logit_bias', 'stop', 'stream', 'stream_options', 'user', 'logprobs'],
          ...[
            'max_completion_tokens',
            'top_logprobs',
            'response_format',
            'tools',
            'tool_choice',
            'functions',
          ],
          ...[
            'parallel_tool_calls',
            'chat_template_kwargs',
            'metadata',
            'store',
            'service_tier',
            'modalities',
          ],
          ...['prediction', 'reasoning_effort', 'verbosity', 'function_call', 'prompt_cache_key'],
        ].map((name) => [name, null]),
      ),
    ],
  ])('%s', async (_, fields) => {
    expect(await ask(fields)).toEqual({ status: 200, message: '' });
  });

  test('-1 is no limit: the answer ends with the context', async () => {
    const never = { logit_bias: { 2: -100 }, temperature: 0 };
    const { choices, usage } = await shared.server.client.chat.completions.create({
      model: '',
      messages: [{ role: 'user', content: 'Hi' }],
      max_tokens: -1,
      ...never,
    });
    expect([choices[0]?.finish_reason, usage?.total_tokens]).toEqual(['length', shared.model.contextLength]);
    const text = await shared.server.client.completions.create({
      model: '',
      prompt: 'Hi',
      max_tokens: -1,
      ...never,
    });
    expect(text.usage?.total_tokens).toBe(shared.model.contextLength);
  });

  test('variables reach the template', async () => {
    const variables = { enable_thinking: false, tags: ['a'] };
    expect((await ask({ chat_template_kwargs: variables })).status).toBe(200);
    expect(rendered()?.options).toMatchObject({ variables });
  });

  test('what nothing here knows is ignored and named once; a strict server refuses it', async () => {
    const unknown = {
      keep_alive: '5m',
      ['__proto__']: { polluted: true },
      stream_options: { include_usage: true, continuous_usage_stats: true },
      stream: true,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi', cache_control: {} }], mood: 'good' }],
    };
    const body = JSON.stringify({ model: '', max_tokens: 1, ...unknown }).replace(
      '{',
      '{"__proto__":{"a":1},',
    );
    const noticed: string[] = [];
    await using other = await serve(shared.model, { onNotice: (text) => noticed.push(text) });
    for (let times = 0; times < 2; times += 1) {
      const answer = await fetch(`${other.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      expect([answer.status, (await answer.text()).endsWith('data: [DONE]\n\n')]).toEqual([200, true]);
    }
    expect(noticed).toEqual(
      [
        '__proto__',
        'keep_alive',
        'stream_options.continuous_usage_stats',
        'messages[].content[].cache_control',
      ].map((path) => `requests have a field that is not used: "${path}"`),
    );
    await using strict = await serve(shared.model, { strict: true });
    const named = { model: 'tiny-moe' };
    expect(await ask({ ...named, temprature: 1 }, strict)).toEqual({
      status: 400,
      message: 'temprature: an unknown field',
    });
    expect(await ask({ ...named, messages: [{ ...user, mood: 'good' }] }, strict)).toEqual({
      status: 400,
      message: 'messages[].mood: an unknown field',
    });
    expect(await ask({ ...named, messages: [{ ...user, name: 'Ann' }] }, strict)).toMatchObject({
      status: 200,
    });
  });

  test('names in the log end: clients make them up', async () => {
    notices.length = 0;
    const fields = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`made_up_${index}`, 1]));
    expect((await ask(fields)).status).toBe(200);
    expect((await ask({ another: 1 })).status).toBe(200);
    expect(notices.length).toBeLessThanOrEqual(100);
  });
});

describe('the work for a request', () => {
  const tool = {
    type: 'function',
    function: { name: 'find', parameters: { type: 'object' }, examples: [1] },
  };

  test('a chat with tools is rendered once and tokenised once, however many texts it asks for', async () => {
    await ask({ tools: [tool] }); // whether the template takes tools is found out once for the model
    watch.rendered.length = 0;
    watch.tokenised.length = 0;
    expect(await ask({ tools: [tool], n: 3 })).toMatchObject({ status: 200 });
    expect([watch.rendered.length, watch.tokenised.length]).toEqual([1, 1]);
    // As it was sent, with what the server does not know.
    expect(rendered()?.options?.tools).toEqual([tool]);
  });

  test('a prompt that was refused is not read again', async () => {
    watch.rendered.length = 0;
    const { status, message } = await ask({ messages: [{ ...user, content: 'word '.repeat(400) }] });
    expect([status, watch.rendered.length]).toEqual([400, 1]);
    expect(message).toContain('at most 255 tokens, by the context length');
  });
});
