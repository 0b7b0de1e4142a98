// Tokenizers and chat templates that cannot be, or that would never end.
import type { Cases, Malformed } from './malformed.js';

/** A token for each of the small model's 160 ids. */
const vocab = Object.fromEntries(
  ['a', 'b', 'ab', ...Array.from({ length: 157 }, (_, i) => `t${i}`)].map((token, id) => [token, id]),
);
const parts = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };

/** What the small model lacks. */
export const goodTokenizer = { model: { type: 'BPE', vocab, merges: ['a b'] }, added_tokens: [], ...parts };

const tokenizer = (changes: object, sentence: RegExp): Malformed => ({
  spoil: (model) =>
    model.write('tokenizer.json', {
      model: { type: 'BPE', vocab, merges: ['a b'] },
      added_tokens: [],
      ...changes,
    }),
  sentence,
  commands: ['generate'],
});
const pattern = (regex: string) => ({
  pre_tokenizer: { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false },
});
const template = (text: string, sentence: RegExp): Malformed => ({
  spoil: (model) => model.write('chat_template.jinja', text),
  sentence: new RegExp(`chat_template\\.jinja: cannot (?:read|run) the chat template: .*${sentence.source}`),
  commands: ['generate'],
});

export const tokenizerCases: Cases = {
  'a tokenizer that is a page': {
    spoil: (model) => model.write('tokenizer.json', '<html>'),
    sentence: /tokenizer\.json: .*a JSON object/,
    commands: ['generate'],
  },
  'a tokenizer without a model': tokenizer({ model: undefined }, /tokenizer\.json: .*model/),
  'an id beyond the vocabulary': tokenizer(
    { model: { type: 'BPE', vocab: { a: 160 }, merges: [] } },
    /ids below 160, .*in a text, found .*a.* with id 160/,
  ),
  'an id below zero': tokenizer({ model: { vocab: { a: -1 }, merges: [] } }, /integers from 0 to \d+ as ids/),
  'an id of 1e308': tokenizer(
    { model: { vocab: { a: 1e308 }, merges: [] } },
    /integers from 0 to \d+ as ids/,
  ),
  'an added token beyond the vocabulary': tokenizer(
    { added_tokens: [{ id: 999, content: 'baba' }] },
    /ids below 160, .*in a text, found .*baba.* with id 160/,
  ),
  'a merge of one token': tokenizer({ model: { vocab, merges: ['ab'] } }, /pairs of tokens as merges/),
  'a merge of three': tokenizer({ model: { vocab, merges: [['a', 'b', 'a']] } }, /pairs of tokens as merges/),
  'an expression that takes for ever': tokenizer(
    pattern('(a+)+$'),
    /without repeated groups that repeat or choose/,
  ),
  'one that chooses for ever': tokenizer(
    pattern('(\\w|\\w\\w)+!'),
    /without repeated groups that repeat or choose/,
  ),
  'one that refers back': tokenizer(pattern('(a)\\1'), /without back references/),
  'one that is none': tokenizer(pattern('('), /tokenizer\.json: /),
  'an unknown part': tokenizer({ decoder: { type: 'Nonsense' } }, /tokenizer\.json: /),
  'a decoder 100,000 deep': {
    spoil: (model) => model.write('tokenizer.json', `{"decoder":${'['.repeat(1e5)}${']'.repeat(1e5)}}`),
    sentence: /tokenizer\.json: .*at most 64 levels/,
    commands: ['generate'],
  },
};

/** They show when a conversation is rendered: `moeq chat`. */
export const templateCases: Cases = {
  'loops that multiply': template(
    '{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}',
    /at most 1000000 steps, found more/,
  ),
  'a huge range': template('{% for i in range(1000000000) %}x{% endfor %}', /Range too big\. .*100000/),
  'a macro that calls itself': template(
    '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}',
    /at most 500 evaluations/,
  ),
  'text that doubles': template(
    "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
    /at most 4194304 characters/,
  ),
  'a way to JavaScript': template(
    '{{ "".constructor.constructor("return process")() }}',
    /no attribute 'constructor'/,
  ),
  'a way through a prototype': template('{{ messages[0].__proto__.constructor("x")() }}', /found/),
  'an unfinished block': template('{% for m in messages %}', /found/),
};

/** Merges that make what others take apart, or what no other merge needs, end all the same: each leaves a token less. */
export const acceptedTokenizers: Readonly<Record<string, Omit<Malformed, 'sentence'>>> = {
  'merges in a circle': {
    spoil: (model) =>
      model.write('tokenizer.json', {
        ...goodTokenizer,
        model: {
          type: 'BPE',
          vocab: { ...vocab, ab: 2, ba: 3, aba: 4 },
          merges: ['a b', 'b a', 'ab a', 'a ba', 'a b'],
        },
      }),
  },
};
