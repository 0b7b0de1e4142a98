// publint and Are The Types Wrong over every package as it would be published.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const bin = (name) => fileURLToPath(new URL(`node_modules/.bin/${name}`, root));
const folders = ['packages', 'apps']
  .filter((group) => existsSync(new URL(group, root)))
  .flatMap((group) => readdirSync(new URL(group, root)).map((name) => `${group}/${name}`));

const run = (command, ...args) => {
  const { status, stdout, stderr } = spawnSync(bin(command), args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) console.error(`${command} ${args.join(' ')}\n${stdout}${stderr}`);
  return status === 0;
};

let good = true;
for (const folder of folders) {
  const manifest = JSON.parse(readFileSync(new URL(`${folder}/package.json`, root), 'utf8'));
  if (manifest.private) continue;
  good = run('publint', '--strict', folder) && good;
  const hasTypes = manifest.exports?.['.'] !== undefined;
  if (hasTypes) good = run('attw', '--pack', folder, '--profile', 'esm-only', '--quiet') && good;
}
process.exitCode = good ? 0 : 1;
