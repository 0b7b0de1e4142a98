import type { ModelSource } from '@moeq/runtime';
import { expect, test } from 'vitest';
import { collectVariable, givenVariables, unreadVariables } from './template-variables.js';
import { moeq } from './testkit/capture.js';

test.each([
  ['a=false', false],
  ['a=2.5', 2.5],
  ['a={"b": [1]}', { b: [1] }],
  ['a="text"', 'text'],
  ['a=low', 'low'],
  ['a=x=y z', 'x=y z'],
  ['a=', ''],
])('%s', (text, value) => {
  expect(collectVariable(text, { b: 1 })).toEqual({ b: 1, a: value });
});

test('a number keeps the form that it was written in', () => {
  expect(collectVariable('a=1.0', undefined)).toMatchObject({ a: { source: '1.0' } });
});

test.each([
  ['a', 'It takes NAME=VALUE.'],
  ['=1', 'It takes NAME=VALUE.'],
  ['a b=1', 'It takes NAME=VALUE.'],
  ['messages=[]', 'The messages are those of the conversation.'],
])('%s is refused', (text, message) => {
  expect(() => collectVariable(text, undefined)).toThrow(message);
});

test('variables of a request go before those of the command', () => {
  const formatChat: ModelSource['formatChat'] = (_, options) => JSON.stringify(options);
  const source = { formatChat } as ModelSource;
  const given = givenVariables(source, { thinking: true, effort: 'low' });
  expect(given.formatChat?.([], { variables: { effort: 'high' } })).toBe(
    '{"variables":{"thinking":true,"effort":"high"}}',
  );
  expect(given.formatChat?.([])).toBe('{"variables":{"thinking":true,"effort":"low"}}');
  expect(givenVariables(source, undefined)).toBe(source);
});

test('variables that no template reads are named', () => {
  const source = { templateNames: () => new Set(['messages', 'enable_thinking']) };
  expect(unreadVariables(source, undefined)).toBeNull();
  expect(unreadVariables(source, { enable_thinking: false })).toBeNull();
  expect(unreadVariables(source, { enable_thinking: 1, thinking: 1 })).toBe(
    'no chat template of the model reads the variable thinking',
  );
  expect(unreadVariables(source, { a: 1, b: 2 })).toMatch(/the variables a, b$/);
  expect(unreadVariables({ templateNames: () => null }, { a: 1 })).toBeNull();
});

test('chat says so once, on stderr', async () => {
  const argv = ['chat', '--backend', 'reference', '--greedy', '-n', '2', '--template-variable', 'depth=1'];
  const { status, stderr } = await moeq(argv, { stdin: 'The sea\nThe land\n' });
  expect([status, stderr]).toEqual([0, 'note: no chat template of the model reads the variable depth\n']);
});
