// What chatFormatter gives to a template: fields of messages, arguments of calls, parts, variables. By hand, in the words of
// transformers; golden.test.ts has the comparison.
import { exactJson, JsonNumber } from '@moeq/runtime';
import { expect, test } from 'vitest';
import { readTextParts } from '../files/text-files.js';
import { memoryFiles } from '../testkit/memory-files.js';
import { chatFormatter } from './chat-formatter.js';

const tokens = { bos_token: '<s>', eos_token: '</s>' };
const talk = [{ role: 'user', content: 'hi' }];

const called = (sent: unknown) => [
  { role: 'assistant', content: null, tool_calls: [{ id: 'a', function: { name: 'f', arguments: sent } }] },
];

test('a role that the template does not take', () => {
  const template = "{{ raise_exception('Only user and assistant roles are supported!') }}";
  expect(() => chatFormatter(template, tokens, 'file')(talk)).toThrow(
    'file: cannot run the chat template: expected messages that the template takes, found its refusal "Only user and assistant roles are supported!"',
  );
});

test('special tokens: tokenizer_config.json before special_tokens_map.json, as text or as object', async () => {
  const { formatChat } = await readTextParts(
    memoryFiles({
      'chat_template.jinja': '{{ bos_token }}{{ eos_token }}',
      'special_tokens_map.json': { bos_token: '<old>', eos_token: { content: '</s>' } },
      'tokenizer_config.json': { bos_token: '<s>' },
    }),
    10,
  );
  expect(formatChat?.(talk)).toBe('<s></s>');
});

test('every field of a message reaches the template', () => {
  const template = '{% for m in messages %}{{ m.reasoning_content }}|{{ m.name }}|{{ m }}{% endfor %}';
  const message = { role: 'tool', content: null, name: 'f', reasoning_content: 'because', more: [1.5, true] };
  expect(chatFormatter(template, tokens, 'file')([message])).toBe(
    "because|f|{'role': 'tool', 'content': None, 'name': 'f', 'reasoning_content': 'because', 'more': [1.5, True]}",
  );
});

test('arguments are the text that was sent where a template takes text', () => {
  const sent = '{"id":2512292042121000001, "ratio":1.0}';
  const of = (template: string) =>
    chatFormatter(
      `{% set a = messages[0].tool_calls[0].function.arguments %}${template}`,
      tokens,
      'f',
    )(called(sent));
  expect(of('{{ a }}')).toBe(sent);
  expect(of("{{ 'x' + a ~ a }}")).toBe(`x${sent}${sent}`);
  expect(of('{{ a if a is string else a | tojson }}')).toBe(sent);
  expect(of("{{ a.replace(' ', '') | trim }}")).toBe(sent.replace(' ', ''));
});

test('and a map where it takes a map: numbers as Python reads them', () => {
  const sent = '{"id":2512292042121000001, "ratio":1.0, "small": 1e-5}';
  const of = (template: string) =>
    chatFormatter(`{% set f = messages[0].tool_calls[0].function %}${template}`, tokens, 'f')(called(sent));
  expect(of('{{ f.arguments | tojson }}')).toBe('{"id": 2512292042121000001, "ratio": 1.0, "small": 1e-05}');
  expect(of('{{ f | tojson }}')).toBe(
    '{"name": "f", "arguments": {"id": 2512292042121000001, "ratio": 1.0, "small": 1e-05}}',
  );
  expect(of('{% for k, v in f.arguments | items %}{{ k }}={{ v }};{% endfor %}')).toBe(
    'id=2512292042121000001;ratio=1.0;small=1e-05;',
  );
  expect(of('{% if f.arguments is mapping %}{{ f.arguments.ratio }}{{ f.arguments["id"] }}{% endif %}')).toBe(
    '1.02512292042121000001',
  );
});

test.each([
  ['no JSON', '{"a": '],
  ['JSON that is no object', '[1]'],
])('arguments that are %s stay a text', (_, sent) => {
  const template = '{{ messages[0].tool_calls[0].function.arguments | tojson }}';
  expect(chatFormatter(template, tokens, 'f')(called(sent))).toBe(JSON.stringify(sent));
});

test('an empty text of arguments is an empty map', () => {
  const template = '{% for k in messages[0].tool_calls[0].function.arguments.items() %}x{% endfor %}';
  expect(chatFormatter(template, tokens, 'f')(called(''))).toBe('');
});

const parts = [
  { type: 'text', text: 'one ' },
  { type: 'text', text: 'two' },
];

test.each([
  ['a loop over it', "{% for p in messages[0]['content'] %}<{{ p.text }}>{% endfor %}", '<one ><two>'],
  [
    'a loop in a macro',
    '{% macro f(c) %}{% for p in c %}<{{ p.text }}>{% endfor %}{% endmacro %}{{ f(messages[0].content) }}',
    '<one ><two>',
  ],
  [
    'another name',
    '{% set c = messages[0].content %}{{ c | map(attribute="text") | join("+") }}',
    'one +two',
  ],
  ['an index', '{{ messages[0].content[1].text }}', 'two'],
  ['none of these', '{% if messages[0].content is string %}{{ messages[0].content }}{% endif %}', 'one two'],
])('parts of a content: %s', (_, template, text) => {
  expect(chatFormatter(template, tokens, 'f')([{ role: 'user', content: parts }])).toBe(text);
});

test('variables go before special tokens and the generation prompt; messages are no variable', () => {
  const format = chatFormatter(
    '{{ bos_token }}{{ add_generation_prompt }}{{ enable_thinking }}',
    tokens,
    'f',
  );
  expect(format(talk)).toBe('<s>True');
  expect(
    format(talk, { variables: { bos_token: 'B', add_generation_prompt: false, enable_thinking: 1 } }),
  ).toBe('BFalse1');
  expect(() => format(talk, { variables: { messages: [] } })).toThrow(
    'expected variables of other names, found one called messages',
  );
});

test('numbers of any form, and keys in their order', () => {
  const value = exactJson('{"b": 1.0, "10": 1e16, "2": 12345678901234567890, "a": 1e400, "z": -0.0}');
  const format = chatFormatter('{{ v }} {{ v | tojson }}', tokens, 'f');
  expect(format(talk, { variables: { v: value } })).toBe(
    "{'b': 1.0, '10': 1e+16, '2': 12345678901234567890, 'a': inf, 'z': -0.0} " +
      '{"b": 1.0, "10": 1e+16, "2": 12345678901234567890, "a": Infinity, "z": -0.0}',
  );
  expect(format(talk, { variables: { v: [1n, new JsonNumber('2.0'), undefined, 0.1] } })).toBe(
    '[1, 2.0, None, 0.1] [1, 2.0, null, 0.1]',
  );
});

test.each([
  ['break', '1e-2|'],
  ['continue', '1e-23e-|'],
])(
  '%s in the else of a loop without rounds is the outer loop’s, as Jinja2 3.1.6 renders it',
  (word, expected) => {
    const inner = `{% for b in [] %}x{% else %}{% if a == 2 %}{% ${word} %}{% endif %}e{% endfor %}`;
    const template = `{% for a in [1, 2, 3] %}{{ a }}${inner}-{% endfor %}|`;
    expect(chatFormatter(template, tokens, 'file')(talk)).toBe(expected);
  },
);
