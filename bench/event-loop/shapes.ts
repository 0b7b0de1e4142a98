// Requests of just below 1 MiB, the limit of a body, each with another part of it large.

interface Sent {
  readonly path: string;
  readonly body: object;
}

const most = 2 ** 20 - 1000;
const user = { role: 'user', content: 'Hi' };
const chat = (fields: object): Sent => ({
  path: '/v1/chat/completions',
  body: { model: '', max_tokens: 1, messages: [user], ...fields },
});
const text = (fields: object): Sent => ({
  path: '/v1/completions',
  body: { model: '', max_tokens: 1, ...fields },
});
/** As many of `item` as fit. */
const many = <Item>(item: Item, bytes = most): Item[] =>
  Array.from({ length: Math.floor(bytes / (JSON.stringify(item).length + 1)) }, () => item);
const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
const fieldsOf = (count: number, value: (index: number) => unknown) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, value(index)]));
/** A schema that the answer is held to. */
const held = (schema: object) =>
  chat({ response_format: { type: 'json_schema', json_schema: { name: 's', schema } } });
const words = 'In the beginning God created the heaven and the earth. ';

export const shapes: Readonly<Record<string, () => Sent>> = {
  'a short one': () => chat({}),
  'a text of words': () => chat({ messages: [{ role: 'user', content: words.repeat(most / words.length) }] }),
  'a text of 16 kB': () => chat({ messages: [{ role: 'user', content: words.repeat(300) }] }),
  'a text of one letter': () => chat({ messages: [{ role: 'user', content: 'a'.repeat(most) }] }),
  'a text of blanks': () => chat({ messages: [{ role: 'user', content: ' '.repeat(most) }] }),
  'a text of escapes': () => chat({ messages: [{ role: 'user', content: '\u0001'.repeat(most / 6) }] }),
  'a text of digits and signs': () => chat({ messages: [{ role: 'user', content: "1'2".repeat(most / 3) }] }),
  'a plain prompt': () => text({ prompt: words.repeat(most / words.length) }),
  '16 plain prompts': () =>
    text({ prompt: Array.from({ length: 16 }, () => words.repeat(most / words.length / 16)) }),
  '15,000 messages': () => chat({ messages: Array.from({ length: 15_000 }, () => user) }),
  'messages of 4 kB': () => chat({ messages: many(user, 3900) }),
  'parts of a message': () =>
    chat({ messages: [{ role: 'user', content: many({ type: 'text', text: '' }) }] }),
  'calls of a message': () =>
    chat({
      messages: [
        {
          role: 'assistant',
          tool_calls: many({ id: '', type: 'function', function: { name: 'f', arguments: '{}' } }),
        },
        user,
      ],
    }),
  'nested 100 deep': () => chat({ metadata: { a: '' }, prediction: many(nested(100)) }),
  'unknown fields': () => chat(fieldsOf(80_000, () => 1)),
  'unknown fields of messages': () => chat({ messages: [{ ...user, ...fieldsOf(80_000, () => 1) }] }),
  '50,000 stop strings': () => chat({ stop: Array.from({ length: 50_000 }, String) }),
  '1,024 biases of 16 texts': () =>
    chat({ logit_bias: Object.fromEntries(Array.from({ length: 1024 }, (_, id) => [id, 1])), n: 16 }),
  '80,000 biases': () =>
    chat({ logit_bias: Object.fromEntries(Array.from({ length: 80_000 }, (_, id) => [id, 1])) }),
  '128 tools of 8 kB': () =>
    chat({
      tools: Array.from({ length: 128 }, (_, index) => ({
        type: 'function',
        function: { name: `f${index}`, parameters: { type: 'object', description: 'x'.repeat(7900) } },
      })),
    }),
  '10,000 tools': () => chat({ tools: many({ type: 'function', function: { name: 'f' } }) }),
  '500,000 token ids': () => text({ prompt: many(1) }),
  '100,000 lists of token ids': () => text({ prompt: many([1, 2, 3]) }),
  'variables of the template': () => chat({ chat_template_kwargs: fieldsOf(80_000, () => 1) }),
  'a schema of one long value': () => held({ enum: ['x'.repeat(800_000)] }),
  'a schema of 60,000 values': () => held({ enum: Array.from({ length: 60_000 }, (_, id) => `value ${id}`) }),
  'a schema of 20,000 properties': () =>
    held({ type: 'object', properties: fieldsOf(20_000, () => ({ type: 'null' })) }),
  'a schema of 800 tagged objects': () =>
    held({
      oneOf: Array.from({ length: 800 }, (_, index) => ({
        type: 'object',
        properties: { kind: { const: `k${index}` }, ...fieldsOf(20, () => ({ type: 'string' })) },
        required: ['kind'],
        additionalProperties: false,
      })),
    }),
  'a schema of 20,000 excluded values': () =>
    held({ type: 'string', not: { enum: Array.from({ length: 20_000 }, (_, id) => `value ${id}`) } }),
  'no JSON': () => ({ path: '/v1/chat/completions', body: many([[]]) }),
};
