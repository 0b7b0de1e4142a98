// Models whose files are links: a link to a snapshot of the hub's cache, and a folder of links to files elsewhere.
import { copyFile, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { moeq } from './testkit/capture.js';
import { temporaryFolder } from './testkit/folder.js';

const small = fileURLToPath(new URL('../testdata/small-qwen3-moe', import.meta.url));

/** A folder whose files are links to those of small-qwen3-moe. */
async function linkFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true });
  for (const name of await readdir(small)) await symlink(resolve(small, name), join(path, name));
  return path;
}

test('a folder of links is refused by every command with the option that allows it, and then runs', async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const model = await linkFolder(at('links'));
  await writeFile(at('ids.json'), '[[1, 2, 3]]');
  await writeFile(at('text.txt'), 'In the beginning was the word.');
  const commands: readonly (readonly string[])[] = [
    ['inspect', model],
    ['quantize', model, '--out', at('out')],
    ['quantize', model, '--out', at('out.gguf'), '--to', 'gguf'],
    ['generate', model, '-n', '1', '--backend', 'cpu'],
    ['logits', model, '--token-ids', at('ids.json'), '--out', at('logits.safetensors'), '--backend', 'cpu'],
    ['eval', model, '--text', at('text.txt'), '--backend', 'cpu'],
    ['eval', small, '--baseline', model, '--text', at('text.txt'), '--backend', 'cpu'],
    [
      'bench',
      model,
      '--prompt-tokens',
      '2',
      '--decode-tokens',
      '2',
      '--repetitions',
      '1',
      '--backend',
      'cpu',
    ],
    ['chat', model, '-n', '1', '--backend', 'cpu'],
    ['serve', model, '--port', '0', '--backend', 'cpu'],
  ];
  for (const argv of commands) {
    const refused = await moeq(argv);
    expect(refused.status, argv.join(' ')).toBe(1);
    expect(refused.stderr).toMatch(
      /^moeq: .*config\.json: cannot open the file: .*found a link to ".*config\.json"; --allow-links follows it$/m,
    );
    if (argv[0] === 'serve') continue;
    const allowed = await moeq([...argv, '--allow-links']);
    expect([allowed.status, allowed.stderr.includes('cannot')], argv.join(' ')).toEqual([0, false]);
  }
});

test('a link to a snapshot of the cache needs no option, a link to nothing is one sentence', async () => {
  await using folder = await temporaryFolder();
  const at = (...names: string[]) => join(folder.path, ...names);
  const snapshot = at('hub', 'models--org--m', 'snapshots', 'abc123');
  const blobs = at('hub', 'models--org--m', 'blobs');
  await mkdir(snapshot, { recursive: true });
  await mkdir(blobs);
  for (const name of await readdir(small)) {
    await copyFile(join(small, name), join(blobs, `blob-${name}`));
    await symlink(`../../blobs/blob-${name}`, join(snapshot, name));
  }
  await symlink('hub/models--org--m/snapshots/abc123', at('my-model'));
  await symlink('nowhere', at('dangling'));
  const linked = await moeq(['generate', at('my-model'), '-n', '1', '-p', 'a', '--backend', 'cpu']);
  expect(linked).toMatchObject({ status: 0 });
  const dangling = await moeq(['inspect', at('dangling')]);
  expect([dangling.status, dangling.stdout]).toEqual([1, '']);
  expect(dangling.stderr).toBe(
    `moeq: ${at('dangling')}: cannot open the model: expected a folder with a checkpoint, found a link to "nowhere", where there is nothing\n`,
  );
});
