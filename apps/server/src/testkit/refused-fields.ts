// Fields that are refused, and what the answer says. For a server of tiny-moe with at most 4 choices a request.

const messages = [{ role: 'user', content: 'Hi' }];

/** A field of a chat, as JSON text, so that it can hold what JavaScript cannot. */
export const chatFields: readonly (readonly [field: string, json: string, message: string])[] = [
  ['max_tokens', '-2', 'max_tokens: expected at least 1, found -2'],
  ['max_tokens', '0', 'max_tokens: expected at least 1, found 0'],
  ['max_tokens', '1.5', 'max_tokens: expected an integer, found 1.5'],
  ['max_tokens', '1e999', 'max_tokens: expected an integer, found Infinity'],
  ['max_tokens', '1e15', 'max_tokens: expected at most 256, found 1000000000000000'],
  ['max_tokens', '"10"', 'max_tokens: expected number, found "10"'],
  ['max_completion_tokens', '9007199254740993', 'max_completion_tokens: expected an integer'],
  ['n', '-2', 'n: expected at least 1, found -2'],
  ['n', '0', 'n: expected at least 1'],
  ['n', '5', 'n: expected at most 4 choices a request, found 5'],
  ['n', '1e300', 'n: expected an integer'],
  ['top_k', '-2', 'top_k: expected at least -1, found -2'],
  ['top_k', '1e12', 'top_k: expected at most 2147483647'],
  ['top_k', '1e999', 'top_k: expected an integer, found Infinity'],
  ['top_p', '-0.01', 'top_p: expected at least 0, found -0.01'],
  ['top_p', '1.01', 'top_p: expected at most 1'],
  ['min_p', '-0.5', 'min_p: expected at least 0'],
  ['temperature', '-0.1', 'temperature: expected at least 0, found -0.1'],
  ['temperature', '1e999', 'temperature: expected'],
  ['temperature', '[]', 'temperature: expected number, found []'],
  ['repetition_penalty', '0', 'repetition_penalty: expected above 0'],
  ['presence_penalty', '3', 'presence_penalty: expected at most 2'],
  ['frequency_penalty', '-3', 'frequency_penalty: expected at least -2'],
  ['logit_bias', '{"5": 101}', 'logit_bias: expected token ids with numbers from -100 to 100'],
  ['logit_bias', '{"5": -1e999}', 'logit_bias: expected token ids with numbers from -100 to 100'],
  ['logit_bias', '{"-5": 1}', 'logit_bias: expected token ids with numbers'],
  ['logit_bias', '{"4096": 1}', 'logit_bias: expected token ids below 4096, found 4096'],
  ['logit_bias', '{"99999999999": 1}', 'logit_bias: expected token ids with numbers'],
  ['logit_bias', '[1]', 'logit_bias: expected'],
  ['logit_bias', '{"__proto__": 1}', 'logit_bias: expected token ids with numbers'],
  [
    'logit_bias',
    JSON.stringify(Object.fromEntries(Array.from({ length: 1025 }, (_, id) => [id, 1]))),
    'logit_bias: expected at most 1024 tokens',
  ],
  ['seed', '-2', 'seed: expected at least -1'],
  ['seed', '1.5', 'seed: expected an integer'],
  ['stop', '""', 'stop: expected'],
  ['stop', '["a", ""]', 'stop: expected'],
  ['stop', JSON.stringify(Array.from({ length: 17 }, String)), 'stop: expected'],
  ['stop', JSON.stringify('x'.repeat(257)), 'stop: expected'],
  ['stream', '"yes"', 'stream: expected boolean'],
  ['stream_options', '{"include_usage": true}', 'stream_options: allowed only where stream is true'],
  ['logprobs', '3', 'logprobs: expected boolean'],
  ['top_logprobs', '3', 'top_logprobs: allowed only where logprobs is true'],
  ['top_logprobs', '21', 'top_logprobs: expected at most 20'],
  ['response_format', '{"type": "yaml"}', 'response_format.type: expected'],
  ['response_format', '{"type": "json_schema"}', 'response_format.json_schema: required and absent'],
  [
    'tools',
    '[{"type": "function", "function": {"name": "not a name"}}]',
    'tools[0].function.name: expected up to 64 letters',
  ],
  [
    'tools',
    '[{"type": "function", "function": {"name": "f"}}]',
    'tools: the chat template of tiny-moe takes no tools',
  ],
  ['tool_choice', '"always"', 'tool_choice: expected'],
  ['functions', '[{"name": "f"}]', 'functions: expected none; tools take their place'],
  ['function_call', '"auto"', 'function_call: expected none; tool_choice takes its place'],
  ['modalities', '["audio"]', 'modalities[0]: expected text, the only modality here'],
  ['user', '7', 'user: expected string, found 7'],
  ['user', JSON.stringify('x'.repeat(257)), 'user: expected at most 256 characters'],
  ['chat_template_kwargs', '[]', 'chat_template_kwargs: expected an object, found []'],
  ['messages', '[]', 'messages: expected at least one message'],
  ['messages', '"hi"', 'messages: expected'],
  ['messages', '[{"role": "wizard", "content": "x"}]', 'messages[0].role: expected'],
  ['messages', '[{"role": "user"}]', 'messages[0].content: required and absent'],
  [
    'messages',
    '[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]',
    'messages[0].content[0].type: expected text, as the model reads nothing else, found "image_url"',
  ],
  [
    'messages',
    '[{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]}]',
    'messages[0].content[0].type: expected text, as the model reads nothing else, found "input_audio"',
  ],
  [
    'messages',
    '[{"role": "user", "content": ["x"]}]',
    'messages[0].content[0]: expected an object with a type',
  ],
  [
    'messages',
    '[{"role": "user", "content": 7}]',
    'messages[0].content: expected a text or a list of text parts',
  ],
  [
    'messages',
    '[{"role": "user", "content": null}]',
    'messages[0].content: expected a text or a list of text',
  ],
  ['messages', '[{"role": "user", "content": "x", "name": 7}]', 'messages[0].name: expected string, found 7'],
  ['messages', '[{"role": "tool", "content": "x"}]', 'messages[0].tool_call_id: required and absent'],
  ['messages', '[{"role": "assistant", "audio": {"id": "a"}}]', 'messages[0].audio: expected none'],
  [
    'messages',
    '[{"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}]',
    'messages[0].function_call: expected none; tool_calls take its place',
  ],
  [
    'messages',
    '[{"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": 1}}]}]',
    'messages[0].tool_calls[0].function.arguments: expected string, found 1',
  ],
  [
    'messages',
    JSON.stringify([{ role: 'user', content: 'word '.repeat(400) }]),
    'expected at most 255 tokens, by the context length, found',
  ],
];

/** The body of a chat in which one field is as given. */
export function chatBody(field: string, json: string): string {
  const others = Object.entries({ model: 'tiny-moe', messages })
    .filter(([name]) => name !== field)
    .map(([name, value]) => `"${name}": ${JSON.stringify(value)}`);
  return `{${[...others, `"${field}": ${json}`].join(', ')}}`;
}

export const completionFields: readonly (readonly [field: string, body: object, message: string])[] = [
  ['prompt', {}, 'required and absent'],
  ['prompt', { prompt: [] }, 'prompt: expected'],
  ['prompt', { prompt: [1, 'a'] }, 'prompt: expected'],
  ['prompt', { prompt: [-1] }, 'prompt: expected'],
  ['prompt', { prompt: [4096] }, 'expected token ids from 0 to 4095, found 4096'],
  ['n', { prompt: ['a', 'b', 'c'], n: 2 }, 'n: expected at most 4 choices a request, found 6'],
  ['echo', { prompt: 'a', echo: true }, 'echo is not supported'],
  ['suffix', { prompt: 'a', suffix: 'b' }, 'suffix is not supported'],
  ['best_of', { prompt: 'a', best_of: 3 }, 'ranking is not supported'],
  ['logprobs', { prompt: 'a', logprobs: 6 }, 'expected at most 5'],
];
