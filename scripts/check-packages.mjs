// publint and Are The Types Wrong over every package as it would be published.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const bin = (name) => fileURLToPath(new URL(`node_modules/.bin/${name}`, root));

/** Resolves with whether the command found nothing wrong; what it did find is printed. */
const run = (command, ...args) =>
  new Promise((resolve) => {
    execFile(bin(command), args, { cwd: root, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (error) console.error(`${command} ${args.join(' ')}\n${stdout}${stderr}`);
      resolve(error === null);
    });
  });

const checks = ['packages', 'apps']
  .filter((group) => existsSync(new URL(group, root)))
  .flatMap((group) => readdirSync(new URL(group, root)).map((name) => `${group}/${name}`))
  .flatMap((folder) => {
    const manifest = JSON.parse(readFileSync(new URL(`${folder}/package.json`, root), 'utf8'));
    if (manifest.private) return [];
    const hasTypes = manifest.exports?.['.'] !== undefined;
    const types = ['attw', '--pack', folder, '--profile', 'esm-only', '--quiet'];
    return [['publint', '--strict', folder], ...(hasTypes ? [types] : [])];
  });

/** Takes one check after the other, beside others of its kind. */
async function work() {
  let good = true;
  for (let check = checks.shift(); check !== undefined; check = checks.shift()) {
    good = (await run(...check)) && good;
  }
  return good;
}

const results = await Promise.all(Array.from({ length: availableParallelism() }, work));
process.exitCode = results.every(Boolean) ? 0 : 1;
