// Templates that would never end, grow without bound, or reach for the machine: one sentence each, quickly.
import { MoeqError } from '@moeq/tensors';
import { expect, test } from 'vitest';
import { chatFormatter } from './chat-formatter.js';

const messages = [{ role: 'user', content: 'Hello' }];
const render = (template: string) =>
  chatFormatter(template, { bos_token: '<s>' }, 'tokenizer_config.json')(messages);

const hostile = {
  'loops that multiply': '{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}',
  'loops over one list': '{% set l = range(99999) %}{% for a in l %}{% for b in l %}{% endfor %}{% endfor %}',
  'filters of a long text':
    "{% set ns = namespace(s='x') %}{% for i in range(21) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{% for i in range(99999) %}{% set t = ns.s | upper %}{% endfor %}",
  'a huge range': '{% for i in range(1000000000) %}x{% endfor %}',
  'a range that never arrives': '{% for i in range(0, 10, 0) %}x{% endfor %}',
  'a macro that calls itself': '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}',
  'macros that call each other':
    '{% macro f() %}{{ g() }}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}',
  'text that doubles':
    "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
  'text of a billion spaces': "{{ 'a\nb' | indent(1000000000) }}",
  'a list that doubles':
    '{% set ns = namespace(a=[1]) %}{% for i in range(99) %}{% set ns.a = ns.a + ns.a %}{% endfor %}',
  'a tree of shared branches':
    '{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a | tojson }}',
  'a namespace in itself': '{% set ns = namespace(a=1) %}{% set ns.a = [ns, ns] %}{{ ns.a | tojson }}',
  'parentheses without end': `{{ ${'('.repeat(100_000)}1${')'.repeat(100_000)} }}`,
  'a template of a megabyte': 'x'.repeat(1_000_000),
  'an unfinished block': '{% for m in messages %}',
  'a global of JavaScript': '{{ constructor.constructor("return process")() }}',
  'a prototype of a text': '{{ "".constructor.constructor("return process")() }}',
  'a prototype of a message': '{{ messages[0].__proto__.constructor("return process")() }}',
};

test.each(Object.entries(hostile))('%s', (_, template) => {
  const failure = (() => {
    try {
      return render(template);
    } catch (error) {
      return error;
    }
  })();
  expect(MoeqError.isInstance(failure)).toBe(true);
  expect((failure as MoeqError).message).toMatch(
    /^tokenizer_config\.json: cannot (?:read|run) the chat template: expected .+, found .+$/s,
  );
  expect((failure as MoeqError).message.length).toBeLessThan(500);
});

test('recursion ends at a depth of its own, long before the stack does', () => {
  const template = (depth: number) =>
    `{% macro f(n) %}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(${depth}) }}`;
  expect(render(template(50))).toBe('');
  expect(() => render(template(1000))).toThrow('at most 500 evaluations within each other, found more');
});

test('members of prototypes are undefined, not reachable', () => {
  expect(render('{{ messages.constructor is defined }} {{ "".__proto__ is defined }}')).toBe('False False');
  expect(render('{{ messages[0].toString is defined }}')).toBe('False');
});

test('a template may refuse messages, and its reason is the error', () => {
  expect(() => render("{{ raise_exception('System role not supported') }}")).toThrow(
    /System role not supported/,
  );
});

test('long conversations pass, also where the template looks around in them', () => {
  const template =
    "{% for m in messages %}{% if m.role == 'user' %}U{{ m.content | trim }}{% else %}A{{ m.content }}{% endif %}{% endfor %}";
  const long = Array.from({ length: 2000 }, (_, i) => ({
    role: i % 2 ? 'assistant' : 'user',
    content: 'word '.repeat(200),
  }));
  expect(chatFormatter(template, {}, 'f')(long)).toHaveLength(2000 * 1000 + 2000 - 1000);
});

test('globals: constants, dates, ranges', () => {
  expect(render('{{ none is none }}{{ True }}{% for i in range(3) %}{{ i }}{% endfor %}')).toBe(
    'TrueTrue012',
  );
  expect(render("{{ range(5, 0, -2) | join(',') }}")).toBe('5,3,1');
  expect(render("{{ strftime_now('%Y') }}")).toBe(String(new Date().getFullYear()));
  expect(render('{{ bos_token }}{{ messages[0].content }}')).toBe('<s>Hello');
});
