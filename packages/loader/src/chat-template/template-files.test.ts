// Where templates are found and which one is taken, as transformers' get_chat_template.
import { MoeqError } from '@moeq/tensors';
import { expect, test } from 'vitest';
import { readTextParts } from '../files/text-files.js';
import { memoryFiles } from '../testkit/memory-files.js';

const messages = [{ role: 'user', content: 'hi' }];
const tools = [{ type: 'function', function: { name: 'f' } }];

async function formatOf(config: Record<string, unknown>, files: Record<string, string | object> = {}) {
  const parts = await readTextParts(memoryFiles({ ...files, 'tokenizer_config.json': config }), 100);
  return parts.formatChat;
}

test('files of their own, then the field, then the file of processors', async () => {
  const json = { 'chat_template.json': { chat_template: 'processor' } };
  const jinja = { 'chat_template.jinja': 'file' };
  expect((await formatOf({ chat_template: 'field' }, { ...json, ...jinja }))?.(messages)).toBe('file');
  expect((await formatOf({ chat_template: 'field' }, json))?.(messages)).toBe('field');
  expect((await formatOf({ chat_template: null }, json))?.(messages)).toBe('processor');
  expect(await formatOf({ chat_template: null })).toBeNull();
});

test('of several the one called tool_use where there are tools, default else, or the one that is asked for', async () => {
  const named = ['default', 'tool_use', 'rag'].map((name) => ({ name, template: `{{ bos_token }}${name}` }));
  const format = await formatOf({ chat_template: named, bos_token: { content: '<s>' } });
  expect(format?.(messages)).toBe('<s>default');
  expect(format?.(messages, { tools })).toBe('<s>tool_use');
  expect(format?.(messages, { tools, template: 'rag' })).toBe('<s>rag');
  expect(() => format?.(messages, { template: 'other' })).toThrow(
    'memory: cannot choose the chat template: expected one of "default", "tool_use", "rag", found "other"',
  );
});

test('additional_chat_templates beside chat_template.jinja, in place of the field', async () => {
  const files = { 'chat_template.jinja': 'own', 'additional_chat_templates/tool_use.jinja': 'with tools' };
  const format = await formatOf({ chat_template: 'field' }, files);
  expect(format?.(messages)).toBe('own');
  expect(format?.(messages, { tools })).toBe('with tools');
  const { 'chat_template.jinja': _, ...additional } = files;
  const bare = await formatOf({ chat_template: 'field' }, additional);
  expect(() => bare?.(messages)).toThrow('expected one of "tool_use", found "default"');
});

test.each([
  ['a field that is no text', { chat_template: 5 }, 'texts with names, found "5"'],
  ['an empty list', { chat_template: [] }, 'texts with names, found "[]"'],
  ['a template without end', { chat_template: '{% for' }, 'cannot read the chat template'],
  ['a template that is too long', { chat_template: 'x'.repeat(300_000) }, 'at most 262144 characters'],
])('%s is an error when a chat is formatted, not before', async (_, config, message) => {
  const format = await formatOf(config);
  const failure = (() => {
    try {
      return format?.(messages);
    } catch (error) {
      return error;
    }
  })();
  expect(MoeqError.isInstance(failure)).toBe(true);
  expect((failure as MoeqError).message).toMatch(/^memory\/tokenizer_config\.json: /);
  expect((failure as MoeqError).message).toContain(message);
});

test('so is a file that is no UTF-8', async () => {
  const { formatChat: format } = await readTextParts(
    memoryFiles({ 'chat_template.jinja': new Uint8Array([0xff, 0xfe]) }),
    100,
  );
  expect(() => format?.(messages)).toThrow(
    'memory/chat_template.jinja: cannot read the file: expected text in UTF-8',
  );
});

test('the names that templates mention, of all of them; none where one cannot be read', async () => {
  const namesOf = async (config: Record<string, unknown>) =>
    (await readTextParts(memoryFiles({ 'tokenizer_config.json': config }), 100)).templateNames();
  const text = '{% if not enable_thinking %}{{ messages[0].content }}{% elif deep is defined %}{% endif %}';
  expect(await namesOf({ chat_template: text })).toEqual(new Set(['enable_thinking', 'messages', 'deep']));
  const named = [
    { name: 'default', template: '{{ one }}' },
    { name: 'rag', template: '{{ two }}' },
  ];
  expect(await namesOf({ chat_template: named })).toEqual(new Set(['one', 'two']));
  expect(await namesOf({ chat_template: '{% for %}' })).toBeNull();
  expect(await namesOf({ chat_template: 7 })).toBeNull();
});
