import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { moeq } from '../testkit/capture.js';

const chat = ['chat', '--backend', 'reference', '--greedy', '-n', '6'];

test('every line is a question; answers alone are on stdout', async () => {
  const { status, stdout, stderr } = await moeq(chat, {
    stdin: 'Who art thou?\n\n  \nWhat is a tree?\n/exit\nnever asked\n',
  });
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout.split('\n').length).toBeGreaterThanOrEqual(3);
  expect(stdout.endsWith('\n')).toBe(true);
  const one = await moeq(chat, { stdin: 'Who art thou?' });
  expect(stdout.startsWith(one.stdout)).toBe(true);
  expect(stdout.length).toBeGreaterThan(one.stdout.length);
});

test('/reset forgets: the same question has the same answer again', async () => {
  const { stdout: once } = await moeq(chat, { stdin: 'The sea\n' });
  const { stdout, stderr } = await moeq(chat, { stdin: 'The sea\n/reset\nThe sea\n' });
  expect(stdout).toBe(`${once}\n${once}`);
  expect(stderr).toBe('the conversation is forgotten\n');
  const { stdout: remembered } = await moeq(chat, { stdin: 'The sea\nThe sea\n' });
  expect(remembered).not.toBe(stdout);
});

test('an empty line stands between two answers', async () => {
  const questions = ['Who art thou?', 'What is a tree?'];
  const alone = await Promise.all(questions.map((stdin) => moeq(chat, { stdin })));
  const { stdout } = await moeq(chat, { stdin: questions.join('\n/reset\n') });
  expect(stdout).toBe(alone.map((each) => each.stdout).join('\n'));
});

test('an unknown command and a conversation that has become too long are no end, but no answers either', async () => {
  const { stdout: once } = await moeq(chat, { stdin: 'The sea\n' });
  const long = `${'many words '.repeat(150)}\n`;
  const { status, stdout, stderr } = await moeq(chat, { stdin: `/foo\nThe sea\n${long}/reset\nThe sea\n` });
  expect(status).toBe(1);
  expect(stderr).toContain('no such command: /foo');
  expect(stderr).toContain('cannot read the prompt');
  expect(stderr).toMatch(/^moeq: standard input: cannot chat: .*found 2 questions without one\n$/m);
  expect(stdout).toBe(`${once}\n${once}`);
  const { status: unanswered } = await moeq(chat, { stdin: long });
  expect(unanswered).toBe(1);
});

test('a model without a tokenizer ends with one sentence', async () => {
  const golden = new URL('../../../../packages/loader/testdata/architectures/mixtral', import.meta.url);
  const { status, stderr } = await moeq(['chat', fileURLToPath(golden)], { stdin: 'The sea\n' });
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /^moeq: .*expected token ids, as there is no tokenizer, found text; moeq logits runs the model on token ids\n$/,
  );
});
