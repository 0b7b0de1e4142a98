// Conversations over templates of the large families, and templates of one construct each, against what transformers
// renders; provenance in testdata/README.md. What transformers refuses, an error of the template or of Python, is refused
// here.
import { readFile } from 'node:fs/promises';
import { type ChatMessage, type ChatOptions, exactJson } from '@moeq/runtime';
import { MoeqError } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import { chatFormatter } from './chat-formatter.js';

const folder = new URL('../../testdata/chat-templates/', import.meta.url);
const read = async (name: string) => exactJson(await readFile(new URL(name, folder), 'utf8'));

interface Conversations {
  readonly tokens: Readonly<Record<string, string>>;
  readonly conversations: Readonly<Record<string, readonly ChatMessage[]>>;
  readonly options: Readonly<Record<string, ChatOptions>>;
  readonly rendered: readonly (readonly [string, string, string, string | null])[];
}

interface Constructs {
  readonly messages: readonly ChatMessage[];
  readonly variables: Readonly<Record<string, unknown>>;
  readonly rendered: readonly (readonly [string, string | null])[];
}

const { tokens, conversations, options, rendered } = (await read('rendered.json')) as Conversations;
const constructs = (await read('constructs.json')) as Constructs;

const templates = [...new Set(rendered.map(([template]) => template))];
const texts = new Map(
  await Promise.all(
    templates.map(
      async (name) => [name, await readFile(new URL(`templates/${name}.jinja`, folder), 'utf8')] as const,
    ),
  ),
);

/** The text; null where the template refuses. */
function attempt(text: string, messages: readonly ChatMessage[], given: ChatOptions): string | null {
  try {
    return chatFormatter(text, tokens, 'template')(messages, given);
  } catch (error) {
    if (MoeqError.isInstance(error)) return null;
    throw error;
  }
}

describe.each(templates)('%s', (template) => {
  const cases = rendered.filter(([name]) => name === template);
  test.each(cases)('%s: %s, %s', (_, conversation, choice, expected) => {
    const messages = conversations[conversation] ?? [];
    expect(attempt(texts.get(template) ?? '', messages, options[choice] ?? {})).toBe(expected);
  });
});

test('a template renders for most conversations', () => {
  expect(rendered.filter(([, , , text]) => text !== null)).toHaveLength(405);
  expect(rendered).toHaveLength(448);
});

test.each(constructs.rendered)('%j', (template, expected) => {
  expect(attempt(template, constructs.messages, { variables: constructs.variables })).toBe(expected);
});

test.each([
  ["{{ 'a'.encode() }}", 'the method encode of a text'],
  ['{{ messages | pprint }}', 'the filter pprint'],
  ['{{ [1] | random }}', 'the filter random'],
  ["{{ 'a' | wordwrap }}", 'the filter wordwrap'],
  ['{{ (-8) ** 0.5 }}', 'a power that is a complex number'],
  ['{{ messages[0].items }}', 'the text of a function'],
  ["{{ messages | map('length') }}", 'the text of a generator'],
  ['{{ lipsum() }}', 'the function lipsum'],
  ["{% include 'a' %}", 'the statement include'],
  ['{% autoescape true %}{% endautoescape %}', 'the statement autoescape'],
  ['{{ dict.fromkeys }}', 'the text of a function'],
  ["{{ ['\\ud83d\\ude00'] }}", 'two escapes that are a surrogate pair'],
  ["{{ '\\N{BULLET}' }}", 'the escape \\N{...}'],
])('%s is refused by the name of the part', (template, part) => {
  expect(() => chatFormatter(template, {}, 'f')(constructs.messages)).toThrow(
    `the chat template: expected parts of Jinja that are known here, found ${part}`,
  );
});

/** As Jinja 3.1 renders them. */
test.each([
  ["{{ ('<{}>' | safe).format('<b>') }}", '<&lt;b&gt;>'],
  ["{{ ('<{}>' | safe).format('<b>' | safe) }}", '<<b>>'],
  ["{{ ('<{:>5}{!r}>' | safe).format('<b>', '<') }}", '<  &lt;b&gt;&#39;&lt;&#39;>'],
  ["{{ ('<{a[0]}{b}>' | safe).format(a=['&'], b=1) }}", '<&amp;1>'],
  ["{{ '<{}>'.format('<b>') }}", '<<b>>'],
  ["{{ ['\\ud83d', '\\ude00'] }}", "['\\ud83d', '\\ude00']"],
  ["{{ dict.fromkeys(['a', 'b'], 1) }} {{ dict.fromkeys('ab') }}", "{'a': 1, 'b': 1} {'a': None, 'b': None}"],
])('%s is %s', (template, text) => {
  expect(chatFormatter(template, {}, 'f')([])).toBe(text);
});
