// Writes docs/router-sensitivity.md and its picture: what tiny-moe loses with the router, and with the experts, in fewer bits.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { modelUrl } from '@moeq/tiny-moe';
import { wasmBackend } from '@moeq/wasm';
import { measure } from './measure.ts';
import { picture } from './picture.ts';
import { page, tables } from './table.ts';
import { variants } from './variants.ts';

const { values } = parseArgs({ options: { 'max-tokens': { type: 'string' } } });
const maxTokens = values['max-tokens'] === undefined ? undefined : Number(values['max-tokens']);

const texts = await Promise.all(
  ['scripture', 'drama', 'dictionary', 'encyclopedia', 'code'].map(async (name) => ({
    name,
    text: await readFile(new URL(`eval/${name}.txt`, modelUrl), 'utf8'),
  })),
);
const backend = await wasmBackend();
let shown = -1;
const onProgress = (share: number): void => {
  const percent = Math.floor(100 * share);
  if (percent > shown && percent % 5 === 0) console.error(`${percent} %`);
  shown = Math.max(shown, percent);
};
const { rows, tokens } = await measure({ variants, texts, backend, maxTokens, onProgress }).finally(() =>
  backend.destroy(),
);
console.log(tables(rows));
if (maxTokens === undefined) {
  const docs = new URL('../../docs/', import.meta.url);
  await mkdir(docs, { recursive: true });
  await writeFile(new URL('router-sensitivity.svg', docs), picture(rows));
  await writeFile(new URL('router-sensitivity.md', docs), page(rows, tokens, 'router-sensitivity.svg'));
  console.log(`wrote ${fileURLToPath(new URL('router-sensitivity.md', docs))}`);
}
