import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MessageReader } from './reply.js';

const call = (name: string, args: object) =>
  `<tool_call>\n${JSON.stringify({ name, arguments: args })}\n</tool_call>`;
const marked = { tools: [], calls: 'marked', constraint: () => undefined } as const;

function read(text: string, cuts: readonly number[] = []): MessageReader {
  const reader = new MessageReader(marked);
  let shown = '';
  let at = 0;
  for (const cut of [...cuts.map((each) => each % (text.length + 1)).sort((a, b) => a - b), text.length]) {
    shown += reader.push(text.slice(at, cut));
    at = cut;
  }
  shown += reader.end();
  expect(shown).toBe(reader.content);
  return reader;
}

describe('marked calls', () => {
  test.each([
    ['a text', 'a text', []],
    [`Let me see.\n${call('find', { a: 1 })}`, 'Let me see.\n', [['find', '{"a":1}']]],
    [
      `${call('a', {})}\n${call('b', { c: '<tool_call>' })} end`,
      '\n end',
      [
        ['a', '{}'],
        ['b', '{"c":"<tool_call>"}'],
      ],
    ],
    ['2 < 3 <tool', '2 < 3 <tool', []],
    ['<tool_call>no json</tool_call>', '<tool_call>no json</tool_call>', []],
    ['<tool_call>{"name": 3}</tool_call>x', '<tool_call>{"name": 3}</tool_call>x', []],
    ['<tool_call>{"name": "cut", ', '<tool_call>{"name": "cut", ', []],
  ])('%s', (text, content, calls) => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 8 }), (cuts) => {
        const reader = read(text, cuts);
        expect(reader.toolCalls.map((each) => [each.function.name, each.function.arguments])).toEqual(calls);
        expect(reader.content).toBe(content);
        expect(reader.takeCalls()).toEqual(reader.toolCalls);
        expect(reader.takeCalls()).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  test('calls are numbered and have ids of their own', () => {
    const { toolCalls } = read(call('a', {}) + call('b', {}));
    expect(toolCalls.map(({ index }) => index)).toEqual([0, 1]);
    expect(new Set(toolCalls.map(({ id }) => id)).size).toBe(2);
  });
});
