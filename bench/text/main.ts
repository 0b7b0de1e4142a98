// Tokenizing and rendering beside the libraries of the field, in one process, alternating: tiny-moe's tokenizer on its
// evaluation texts, and a chat template of forty messages. Median rates of --runs runs; the texts are equal on both sides.
//
//   node text/main.ts [--runs 9]
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Template } from '@huggingface/jinja';
import { Tokenizer } from '@huggingface/tokenizers';
import { openModel } from '@moeq/loader/node';
import { modelFiles } from '@moeq/tiny-moe';
import { median } from '../median.ts';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '9' } } });
const read = (name: string): unknown => JSON.parse(readFileSync(modelFiles[name] as URL, 'utf8'));
const config = read('tokenizer_config.json') as { readonly chat_template: string } & Record<string, unknown>;
const specialTokens = Object.fromEntries(Object.entries(config).filter(([name]) => name.endsWith('_token')));

const source = await openModel('tiny-moe');
const { tokenizer, formatChat } = source;
if (tokenizer === null || formatChat === null) throw new Error('tiny-moe has both');
const library = new Tokenizer(read('tokenizer.json') as object, config);
const template = new Template(config.chat_template);

const text = readFileSync(
  new URL('../../packages/loader/testdata/tokenizers/sample.txt', import.meta.url),
  'utf8',
)
  .repeat(20)
  .slice(0, 400_000);
const messages = Array.from({ length: 40 }, (_, index) => ({
  role: index % 2 === 0 ? 'user' : 'assistant',
  content: text.slice(100 * index, 100 * index + 100),
}));

const sides = {
  tokenizing: {
    work: text.length / 1e6,
    unit: 'million characters/s',
    moeq: () => String(tokenizer.encode(text, { addSpecialTokens: false })),
    library: () => String(library.encode(text, { add_special_tokens: false }).ids),
  },
  rendering: {
    work: 1,
    unit: 'conversations/s',
    moeq: () => formatChat(messages),
    library: () => template.render({ ...specialTokens, messages, add_generation_prompt: true }),
  },
};

for (const [name, { work, unit, moeq, library }] of Object.entries(sides)) {
  if (moeq() !== library()) throw new Error(`${name}: the sides differ`);
  const rates = { moeq: [] as number[], library: [] as number[] };
  for (let run = 0; run < Number(values.runs); run++) {
    for (const [side, action] of Object.entries({ moeq, library })) {
      const started = performance.now();
      action();
      rates[side as 'moeq' | 'library'].push((1000 * work) / (performance.now() - started));
    }
  }
  const [ours, theirs] = [median(rates.moeq), median(rates.library)];
  console.log(
    `${name}: moeq ${ours.toFixed(2)}, library ${theirs.toFixed(2)} ${unit}, ratio ${(ours / theirs).toFixed(2)}`,
  );
}
await source.close();
