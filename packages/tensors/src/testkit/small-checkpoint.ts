// A checkpoint of two shards and a configuration, small enough to be written a hundred times in a test.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCheckpointWriter } from '../node/checkpoint-writer.js';
import { openSafetensorsFile } from '../node/file-source.js';

const names = ['a', 'b', 'c', 'd'];
const files = [
  'config.json',
  'model-00001-of-00002.safetensors',
  'model-00002-of-00002.safetensors',
  'model.safetensors.index.json',
];

/** @param content the byte that all tensors consist of, and the configuration */
export async function writeSmallCheckpoint(out: string, content: number, overwrite = false): Promise<void> {
  const tensors = names.map((name) => ({ name, dtype: 'U8' as const, shape: [100] }));
  await using writer = await createCheckpointWriter({ out, tensors, maxShardBytes: 200, overwrite });
  await writer.writeFile('config.json', `${content}`);
  for (const name of names) {
    const data = new Uint8Array(100).fill(content);
    await writer.write(name, data.subarray(0, 40));
    await writer.write(name, data.subarray(40));
  }
  await writer.commit();
}

/** The content of a checkpoint that is there from its first to its last byte; throws when anything is missing or mixed. */
export async function readSmallCheckpoint(out: string): Promise<number> {
  const found = await readdir(out);
  if (found.sort().join() !== files.join()) throw new Error(`incomplete: ${found.join()}`);
  const content = Number(await readFile(join(out, 'config.json'), 'utf8'));
  const index = JSON.parse(await readFile(join(out, 'model.safetensors.index.json'), 'utf8'));
  for (const name of names) {
    const file = await openSafetensorsFile(join(out, index.weight_map[name]));
    const { data } = await file.read(name);
    await file.close();
    if (data.length !== 100 || data.some((byte) => byte !== content))
      throw new Error(`tensor ${name} is torn`);
  }
  return content;
}
