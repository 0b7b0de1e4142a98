// A model type that moeq does not know: a proposal of roles, a file that confirms them, and then the very bytes of the same
// weights under a type that it knows.
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { goldenPath } from '../../../packages/loader/src/testkit/golden.js';
import { moeq } from './testkit/capture.js';
import { temporaryFolder } from './testkit/folder.js';

/** A Qwen2-MoE, with a shared expert and its gate, whose model type is none. */
async function unknownModel(path: string): Promise<string> {
  await cp(goldenPath('qwen2_moe'), path, { recursive: true });
  const file = join(path, 'config.json');
  const config = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify({ ...config, model_type: 'of_tomorrow' }));
  return path;
}

test('inspect proposes roles and writes them; quantize wants them, and gives what it gives a type that it knows', async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const model = await unknownModel(at('model'));

  const refused = await moeq(['quantize', model, '--out', at('none')]);
  expect([refused.status, refused.stdout]).toEqual([1, '']);
  expect(refused.stderr).toMatch(/layers\.\{layer\}\.mlp\.gate\.weight +router /);
  expect(refused.stderr).toMatch(/expected --roles FILE .* found model_type "of_tomorrow" and no --roles\n$/);

  const shown = await moeq(['inspect', model, '--propose-roles', at('roles.json')]);
  expect([shown.status, shown.stderr]).toEqual([
    0,
    `wrote ${at('roles.json')}: read it, and quantize with --roles ${at('roles.json')}\n`,
  ]);
  expect(shown.stdout).toMatch(/shared_expert_gate\.weight +router +1 × 64/);
  const { proposedRoles } = JSON.parse((await moeq(['inspect', model, '--json'])).stdout);
  const { model_type, roles } = JSON.parse(await readFile(at('roles.json'), 'utf8'));
  expect(model_type).toBe('of_tomorrow');
  const listed: { pattern: string; role: string }[] = proposedRoles;
  expect(roles).toEqual(Object.fromEntries(listed.map(({ pattern, role }) => [pattern, role])));

  const quantize = (from: string, out: string, ...argv: string[]) =>
    moeq(['quantize', from, '--out', at(out), '--recipe', 'nf4-all', '--json', ...argv]);
  const own = await quantize(model, 'own', '--roles', at('roles.json'));
  expect(own.status, own.stderr).toBe(0);
  expect(JSON.parse(own.stdout).coverage.fraction).toBe(1);
  await quantize(goldenPath('qwen2_moe'), 'known');
  const weights = (name: string) => readFile(at(`${name}/model.safetensors`));
  const expected = await weights('known');
  expect(await weights('own')).toEqual(expected);
  expect(JSON.parse(await readFile(at('own/config.json'), 'utf8'))).toEqual({
    ...JSON.parse(await readFile(at('known/config.json'), 'utf8')),
    model_type: 'of_tomorrow',
  });

  await quantize(model, 'resumed', '--roles', at('roles.json'), '--resume');
  expect(await weights('resumed')).toEqual(expected);
  for (const part of ['1/2', '2/2'])
    await quantize(model, `part${part[0]}`, '--roles', at('roles.json'), '--shard', part);
  const merged = await moeq(['merge', at('part1'), at('part2'), '--out', at('merged')]);
  expect(merged.status, merged.stderr).toBe(0);
});

test.each([
  [
    'of another type',
    { model_type: 'other' },
    /expected model_type "other", as the roles say, found "of_tomorrow"/,
  ],
  ['without a tensor', { drop: 'model.norm.weight' }, /expected a role of "model\.norm\.weight", found none/],
  [
    'of no tensor',
    { more: { 'model.more': 'norm' } },
    /expected tensors "model\.more", as the roles say, found none/,
  ],
  [
    'that do not exist',
    { more: { 'lm_head.weight': 'heads' } },
    /lm_head\.weight to be one of expert, .*found "heads"/,
  ],
])('roles %s are refused in one sentence', async (_, { model_type, drop, more }: Changes, sentence) => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const model = await unknownModel(at('model'));
  await moeq(['inspect', model, '--propose-roles', at('roles.json')]);
  const file = JSON.parse(await readFile(at('roles.json'), 'utf8'));
  const roles = { ...file.roles, ...more };
  if (drop !== undefined) delete roles[drop];
  await writeFile(at('roles.json'), JSON.stringify({ model_type: model_type ?? file.model_type, roles }));
  const { status, stderr } = await moeq(['quantize', model, '--out', at('out'), '--roles', at('roles.json')]);
  expect(status).toBe(1);
  expect(stderr).toMatch(sentence);
});

interface Changes {
  readonly model_type?: string;
  readonly drop?: string;
  readonly more?: Readonly<Record<string, string>>;
}

test('roles of a type that moeq knows are refused, of inspect and of quantize', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'roles.json');
  await writeFile(path, JSON.stringify({ model_type: 'mixtral', roles: {} }));
  const argv = ['quantize', goldenPath('mixtral'), '--out', join(folder.path, 'out'), '--roles', path];
  expect((await moeq(argv)).stderr).toMatch(/expected a model type that is not known, .* found "mixtral"/);
  const proposed = await moeq([
    'inspect',
    goldenPath('mixtral'),
    '--propose-roles',
    join(folder.path, 'new'),
  ]);
  expect(proposed.stderr).toMatch(/expected a model type that is not known; the roles of this one are/);
});

test('a file of roles that is not there, and one that is already', async () => {
  await using folder = await temporaryFolder();
  const model = await unknownModel(join(folder.path, 'model'));
  const path = join(folder.path, 'roles.json');
  const argv = ['quantize', model, '--out', join(folder.path, 'out'), '--roles', path];
  expect((await moeq(argv)).stderr).toMatch(/cannot read the roles: expected a file, found ENOENT\n$/);
  await writeFile(path, '');
  const again = await moeq(['inspect', model, '--propose-roles', path]);
  expect(again.stderr).toMatch(/cannot write the roles: expected a new file .*, found EEXIST\n$/);
});
