// What the libraries of the field make of the texts and conversations that packages/loader is held to, as long as our own
// tokenizers and templates are needed: once a version gives all that the references give, this test says so by failing.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import * as jinja from '@huggingface/jinja';
import * as tokenizers from '@huggingface/tokenizers';
import { expect, test } from 'vitest';

const testdata = new URL('../../packages/loader/testdata/', import.meta.url);
const bytes = (name: string) => readFileSync(new URL(name, testdata));
const json = (name: string): unknown => JSON.parse(bytes(name).toString());
const unpacked = (name: string): unknown => JSON.parse(gunzipSync(bytes(name)).toString());

type Json = Readonly<Record<string, unknown>>;

/** What it returns; undefined where it throws. */
function attempt<Result>(action: () => Result): Result | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

test('@huggingface/jinja 0.5.11: conversations and constructs as transformers renders them', () => {
  const { Template } = jinja as unknown as {
    Template: new (text: string) => { render(variables: object): string };
  };
  const render = (text: string, variables: object) =>
    attempt(() => new Template(text).render({ add_generation_prompt: true, ...variables }));

  const { tokens, conversations, options, rendered } = json('chat-templates/rendered.json') as {
    tokens: Json;
    conversations: Readonly<Record<string, readonly object[]>>;
    options: Readonly<Record<string, Json & { readonly variables?: Json }>>;
    rendered: readonly (readonly [string, string, string, string | null])[];
  };
  const equal = rendered.filter(([template, conversation, option, expected]) => {
    const { variables = {}, ...rest } = options[option] ?? {};
    const text = bytes(`chat-templates/templates/${template}.jinja`).toString();
    const given = { ...tokens, ...rest, ...variables, messages: conversations[conversation] };
    return (render(text, given) ?? null) === expected;
  });

  const constructs = json('chat-templates/constructs.json') as {
    messages: readonly object[];
    variables: Json;
    rendered: readonly (readonly [string, string | null])[];
  };
  const right = constructs.rendered.filter(([text, expected]) => {
    const given = { ...constructs.variables, messages: constructs.messages };
    return (render(text, given) ?? null) === expected;
  });
  expect([equal.length, rendered.length]).toEqual([337, 448]);
  expect([right.length, constructs.rendered.length]).toEqual([339, 897]);
});

test('@huggingface/tokenizers 0.2.0: ids as the tokenizers library gives them', () => {
  const { Tokenizer } = tokenizers as unknown as {
    Tokenizer: new (
      tokenizer: object,
      config: object,
    ) => { encode(text: string, options: object): { readonly ids: readonly number[] } };
  };
  const texts = json('tokenizers/texts.json') as string[];
  const { models, variants } = unpacked('tokenizers/variants.json.gz') as {
    models: Readonly<Record<string, Json>>;
    variants: readonly {
      readonly name: string;
      readonly model: string;
      readonly changes?: Json & { readonly without?: readonly string[] };
      readonly tokenizer: Json;
      readonly files?: Readonly<Record<string, Json>>;
    }[];
  };
  const references = unpacked('tokenizers/references.json.gz') as Readonly<
    Record<string, { readonly ids: readonly (readonly number[])[] }>
  >;
  let equal = 0;
  for (const { name, model, changes: { without = [], ...changes } = {}, tokenizer, files = {} } of variants) {
    const { vocab, ...own } = models[model] ?? {};
    const kept = Array.isArray(vocab)
      ? vocab
      : Object.fromEntries(Object.entries(vocab as Json).filter(([token]) => !without.includes(token)));
    const file = { added_tokens: [], ...tokenizer, model: { ...own, vocab: kept, ...changes } };
    const opened = attempt(() => new Tokenizer(file, files['tokenizer_config.json'] ?? {}));
    for (const [index, text] of texts.entries()) {
      const found = attempt(() => opened?.encode(text, { add_special_tokens: false }).ids);
      if (String(found) === String(references[name]?.ids[index]) && found !== undefined) equal++;
    }
  }
  expect([equal, variants.length * texts.length]).toEqual([6517, 8424]);
});
