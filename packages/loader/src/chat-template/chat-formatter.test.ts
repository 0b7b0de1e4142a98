// Templates in use, against what @huggingface/jinja itself renders with the globals that transformers gives.
import * as jinja from '@huggingface/jinja';
import { expect, test } from 'vitest';
import { memoryFiles } from '../testkit/memory-files.js';
import { readTextParts } from '../text-files.js';
import { chatFormatter } from './chat-formatter.js';

const { Template } = jinja as unknown as {
  Template: new (template: string) => { render(globals: Record<string, unknown>): string };
};

const templates = {
  chatml:
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are helpful.<|im_end|>\\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
  mistral:
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ ' [INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + ' ' + eos_token }}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}",
  tools:
    '{%- if tools is not none %}tools{% endif %}{%- if documents %}documents{% endif %}{%- set ns = namespace(last=messages|length - 1) %}{%- for message in messages[::-1] %}{%- set index = ns.last - loop.index0 %}{{ index }}{{ message.role | upper }}:{{ message.content.strip() | tojson }}{%- endfor %}',
};

const talk = [
  { role: 'user', content: ' What is a mixture of experts? ' },
  { role: 'assistant', content: 'A "team".\n' },
  { role: 'user', content: 'And a router?' },
];
const tokens = { bos_token: '<s>', eos_token: '</s>' };

test.each(Object.entries(templates))('%s', (_, template) => {
  const globals = { messages: talk, ...tokens, add_generation_prompt: true, tools: null, documents: null };
  const expected = new Template(template).render(globals);
  expect(chatFormatter(template, tokens, 'file')(talk)).toBe(expected);
  expect(expected).toContain('router');
});

test('by hand', () => {
  expect(chatFormatter(templates.mistral, tokens, 'file')(talk)).toBe(
    '<s> [INST]  What is a mixture of experts?  [/INST] A "team".\n </s> [INST] And a router? [/INST]',
  );
  expect(chatFormatter(templates.tools, tokens, 'file')(talk.slice(0, 1))).toBe(
    '0USER:"What is a mixture of experts?"',
  );
});

test('a role that the template does not take', () => {
  const system = [{ role: 'system', content: '' }];
  expect(() => chatFormatter(templates.mistral, tokens, 'file')(system)).toThrow(
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
