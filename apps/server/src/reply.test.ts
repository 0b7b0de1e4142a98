import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Delta, MessageReader } from './reply.js';

const call = (name: string, args: string) =>
  `<tool_call>\n{"name": ${JSON.stringify(name)}, "arguments": ${args}}\n</tool_call>`;

/** Reads a text cut anywhere; what the deltas tell has to add up to the message. */
function read(
  calls: 'marked' | 'required' | 'none',
  text: string,
  cuts: readonly number[] = [],
): MessageReader {
  const reader = new MessageReader({ calls });
  const deltas: Delta[] = [];
  let at = 0;
  for (const cut of [...cuts.map((each) => each % (text.length + 1)).sort((a, b) => a - b), text.length]) {
    deltas.push(reader.push(text.slice(at, cut)));
    at = cut;
  }
  deltas.push(reader.end());
  expect(deltas.map(({ content = '' }) => content).join('')).toBe(reader.content);
  const joined: { id?: string; name?: string; arguments: string }[] = [];
  for (const { index, id, function: part } of deltas.flatMap(({ tool_calls: each = [] }) => each)) {
    const before = joined[index];
    if (before === undefined) joined[index] = { ...(id !== undefined && { id }), ...part };
    else before.arguments += part.arguments;
  }
  expect(joined).toEqual(reader.toolCalls.map(({ id, function: whole }) => ({ id, ...whole })));
  return reader;
}

const found = ({ toolCalls }: MessageReader) =>
  toolCalls.map(({ function: { name, arguments: given } }) => [name, given]);

const anyCuts = fc.array(fc.nat(), { maxLength: 8 });

describe('marked calls', () => {
  test.each<[string, string, [string, string][]]>([
    ['a text', 'a text', []],
    [`Let me see.\n${call('find', '{"a":1}')}`, 'Let me see.\n', [['find', '{"a":1}']]],
    [
      `${call('a', '{}')}\n${call('b', '{"c":"<tool_call>"}')} end`,
      '\n end',
      [
        ['a', '{}'],
        ['b', '{"c":"<tool_call>"}'],
      ],
    ],
    [
      call('exact', '{"n": 12345678901234567890, "x": 1.0}'),
      '',
      [['exact', '{"n": 12345678901234567890, "x": 1.0}']],
    ],
    [call('text', '"{\\"a\\": 1}"'), '', [['text', '{"a": 1}']]],
    ['<tool_call>{"arguments": {"a": 1}, "name": "turned"}</tool_call>', '', [['turned', '{"a":1}']]],
    ['<tool_call>{"name": "bare"}</tool_call>', '', [['bare', '{}']]],
    ['2 < 3 <tool', '2 < 3 <tool', []],
    ['<tool_call>no json</tool_call>', '<tool_call>no json</tool_call>', []],
    ['<tool_call>{"name": 3}</tool_call>x', '<tool_call>{"name": 3}</tool_call>x', []],
    ['<tool_call>{"name": "cut", ', '<tool_call>{"name": "cut", ', []],
  ])('%s', (text, content, calls) => {
    fc.assert(
      fc.property(anyCuts, (cuts) => {
        const reader = read('marked', text, cuts);
        expect(found(reader)).toEqual(calls);
        expect(reader.content).toBe(content);
      }),
      { numRuns: 30 },
    );
  });

  test('calls have ids of their own', () => {
    const { toolCalls } = read('marked', call('a', '{}') + call('b', '{}'));
    expect(new Set(toolCalls.map(({ id }) => id)).size).toBe(2);
  });
});

describe('a required call', () => {
  test.each<[string, string, [string, string][]]>([
    ['{"name": "f", "arguments": {"a": [1, {"b": "}\\"]"}]}}', '', [['f', '{"a": [1, {"b": "}\\"]"}]}']]],
    ['{ "name" : "f" , "arguments" : {} }', '', [['f', '{}']]],
    ['{"name": "f", "arguments": {"cut": "sho', '', [['f', '{"cut": "sho']]],
    ['{"name": "f", "argu', '{"name": "f", "argu', []],
  ])('%s', (text, content, calls) => {
    fc.assert(
      fc.property(anyCuts, (cuts) => {
        const reader = read('required', text, cuts);
        expect(found(reader)).toEqual(calls);
        expect(reader.content).toBe(content);
      }),
      { numRuns: 30 },
    );
  });

  test('arguments come as they are written', () => {
    const reader = new MessageReader({ calls: 'required' });
    const deltas = ['{"name": "f", ', '"arguments": {"a"', ': 1', '}}'].map((text) => reader.push(text));
    expect(deltas.map(({ tool_calls: [part] = [] }) => part?.function.arguments)).toEqual([
      undefined,
      '{"a"',
      ': 1',
      '}',
    ]);
  });
});
