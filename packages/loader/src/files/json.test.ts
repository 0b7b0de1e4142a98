// JSON as Python's json module writes it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openModelFiles } from '../model-source.js';
import { goldenConfig, goldenPath, readTensors } from '../testkit/golden.js';
import { checkpointFiles, memoryFiles } from '../testkit/memory-files.js';
import { parseJson, readJsonObject } from './json.js';

describe('parseJson', () => {
  test('NaN and infinities are numbers, except within strings and keys', () => {
    const text =
      '{"a": NaN, "b": [Infinity, -Infinity, 1e5], "NaN": "NaN, \\"Infinity", "c": {"-Infinity": null}}';
    expect(parseJson(text)).toEqual({
      a: Number.NaN,
      b: [Infinity, -Infinity, 1e5],
      NaN: 'NaN, "Infinity',
      c: { '-Infinity': null },
    });
  });

  test('any value beside them is as JSON.parse has it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(parseJson(`[NaN, ${text}, -Infinity]`)).toEqual([Number.NaN, JSON.parse(text), -Infinity]);
      }),
    );
  });

  test.each([
    '[-NaN]',
    '[+Infinity]',
    '[infinity]',
    '[NaNs]',
    '{NaN: 1}',
    '[Infinity',
    'NaN NaN',
    '["\\u0"]',
  ])('refuses %s', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });
});

test('a byte order mark at the beginning of a file is none of its text', async () => {
  const files = memoryFiles({ 'config.json': '\ufeff{"a": Infinity}' });
  expect(await readJsonObject(files, 'config.json', 100)).toEqual({ a: Infinity });
});

test('a checkpoint whose files hold such numbers opens', async () => {
  const tensors = await readTensors(`${goldenPath('mixtral')}/model.safetensors`);
  const special = (config: object) =>
    JSON.stringify({ ...config, x: 0 }).replace('"x":0', '"x":[NaN,-Infinity]');
  const files = checkpointFiles({}, tensors, {
    'config.json': special(goldenConfig('mixtral')),
    'generation_config.json': special({ top_k: 5, max_time: null }),
  });
  const source = await openModelFiles(files);
  expect(source.generation).toEqual({ topK: 5 });
  await source.close();
});
