import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSafetensorsIndex } from './safetensors-index.js';

const parse = (text: string) => parseSafetensorsIndex(text, 'model.safetensors.index.json');
const shard = (name: unknown) => JSON.stringify({ weight_map: { t: name } });

test('tensors and their files, in order, whatever else the index says', () => {
  const text = `{"metadata": {"total_size": 1.5e3, "x": [null, true, {"y": "z"}]},
    "weight_map": {"b": "model-00002-of-00002.safetensors", "__proto__": "model-00001-of-00002.safetensors"}}\n`;
  expect([...parse(text)]).toEqual([
    ['b', 'model-00002-of-00002.safetensors'],
    ['__proto__', 'model-00001-of-00002.safetensors'],
  ]);
});

describe('refused, naming the index', () => {
  test.each<[name: string, text: string, message: RegExp]>([
    ['an absolute path', shard('/etc/passwd.safetensors'), /tensor "t", found/],
    ['a path upwards', shard('../x.safetensors'), /plain .safetensors file name/],
    ['a folder', shard('a/x.safetensors'), /plain/],
    ['a path of Windows', shard('..\\x.safetensors'), /plain/],
    ['a drive', shard('C:x.safetensors'), /plain/],
    ['a URL', shard('https://host/x.safetensors'), /plain/],
    ['a scheme', shard('file:x.safetensors'), /plain/],
    ['another kind of file', shard('pytorch_model.bin'), /plain/],
    ['a hidden file', shard('.safetensors'), /plain/],
    ['two dots', shard('..'), /plain/],
    ['NUL', shard('a\0.safetensors'), /plain/],
    ['an empty name', shard(''), /plain/],
    ['a number', shard(3), /the file name of tensor "t", found "3/],
    ['null', shard(null), /the file name of tensor "t"/],
    ['no map', '{"metadata":{}}', /a weight_map, found none/],
    ['a map that is a list', '{"weight_map":[]}', /weight_map, found/],
    ['an array', '[]', /the index/],
    ['one tensor in two shards', '{"weight_map":{"t":"a.safetensors","t":"b.safetensors"}}', /"t" twice/],
    ['two maps', '{"weight_map":{},"weight_map":{}}', /twice/],
    ['cut text', '{"weight_map":{"t":"a.safe', /that ends/],
    [
      'metadata 100,000 deep',
      `{"metadata":${'['.repeat(1e5)}${']'.repeat(1e5)},"weight_map":{}}`,
      /levels of nesting/,
    ],
    ['text behind', '{"weight_map":{}}{}', /nothing after/],
    ['no JSON', 'Not Found', /the index, found "Not Found"/],
  ])('%s', (_, text, message) => {
    expect(() => parse(text)).toThrow(message);
    expect(() => parse(text)).toThrow(/^model\.safetensors\.index\.json: cannot read the index of shards/);
  });

  test('numbers that Python writes and JSON does not know are skipped', () => {
    const text = '{"metadata":{"a":[NaN,-Infinity],"b":Infinity},"weight_map":{"t":"a.safetensors"}}';
    expect([...parse(text)]).toEqual([['t', 'a.safetensors']]);
  });

  test('law: other JSON values are skipped exactly as JSON.parse would read them', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = `{"metadata":${JSON.stringify(value)},"weight_map":{"t":"a.safetensors"}}`;
        expect([...parse(text)]).toEqual([['t', 'a.safetensors']]);
      }),
    );
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), (junk) => {
        const text = `{"metadata":${junk},"weight_map":{}}`;
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        if (!valid) expect(() => parse(text)).toThrow(/cannot read the index/);
      }),
      { numRuns: 2000 },
    );
  });
});
