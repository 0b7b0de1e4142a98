import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { modelUrl } from '@moeq/tiny-moe';
import { describe, expect, test } from 'vitest';
import { folder } from '../node/folder.js';
import { readTextParts } from './text-files.js';

const parts = await readTextParts(folder(fileURLToPath(modelUrl)), 4096);
const { tokenizer, formatChat } = parts;
if (tokenizer === null || formatChat === null)
  throw new Error('tiny-moe has a tokenizer and a chat template');

/** Token counts of the model card. */
const counts = [
  ['scripture', 4438],
  ['drama', 5867],
  ['dictionary', 5240],
  ['encyclopedia', 4448],
  ['code', 4704],
] as const;

describe('the tokenizer of tiny-moe', () => {
  test.each(counts)('%s.txt is %d tokens and comes back whole', async (name, count) => {
    const text = await readFile(new URL(`eval/${name}.txt`, modelUrl), 'utf8');
    const ids = tokenizer.encode(text);
    expect(ids).toHaveLength(count);
    expect(ids[0]).toBe(1);
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(text);
    expect(tokenizer.encode(text, { addSpecialTokens: false })).toEqual(ids.slice(1));
  });

  test('bytes that are no text yet come as U+FFFD', () => {
    const ids = tokenizer.encode('🦉', { addSpecialTokens: false });
    expect(ids.length).toBeGreaterThan(1);
    expect(tokenizer.decode(ids)).toBe('🦉');
    expect(tokenizer.decode(ids.slice(0, 1))).toContain('\ufffd');
    expect(tokenizer.decode([])).toBe('');
  });

  test('has the vocabulary of the model', () => expect(tokenizer.vocabularySize).toBe(4096));
});

test('the chat template of tiny-moe joins the messages', () => {
  const messages = [
    { role: 'system', content: 'Speak as Hamlet.' },
    { role: 'user', content: 'To be' },
  ];
  expect(formatChat(messages)).toBe('<s>Speak as Hamlet.\n\nTo be\n');
});
