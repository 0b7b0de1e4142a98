// The index of a sharded checkpoint, model.safetensors.index.json: {"weight_map": {tensor: shard file name}, "metadata": …}.
// The names come from an untrusted file, so a shard is a file beside the index and nothing else.
import { MoeqError, quote } from './errors.js';
import { JsonScanner } from './json-scanner.js';

/** One file name: no separator of any system, no drive or scheme, no control character, no leading dot. */
const plainFileName = /^[^./\\:\p{Cc}][^/\\:\p{Cc}]*\.safetensors$/u;

/**
 * @param text the index, decoded
 * @param name names the index in messages
 * @returns tensor name -> shard file name, in the order of the index
 * @throws MoeqError when it is no JSON, has no weight_map, names a tensor twice, or a shard is not a plain
 *   `*.safetensors` file name
 */
export function parseSafetensorsIndex(text: string, name: string): Map<string, string> {
  const fail = (expected: string, found: string): never => {
    throw new MoeqError({ operation: 'read the index of shards', subject: name, expected, found });
  };
  const scanner = new JsonScanner(text, fail);
  const shards = new Map<string, string>();
  let found = false;
  scanner.object('the index', (key) => {
    if (key !== 'weight_map') {
      scanner.skipValue();
      return;
    }
    found = true;
    scanner.object('weight_map', (tensor) => {
      const shard = scanner.string(`the file name of tensor ${quote(tensor)}`);
      if (!plainFileName.test(shard))
        fail(`a plain .safetensors file name for tensor ${quote(tensor)}`, quote(shard));
      shards.set(tensor, shard);
    });
  });
  scanner.end();
  if (!found) fail('a weight_map', 'none');
  return shards;
}
