// Packages as npm would get them: packed, and installed in a folder that knows nothing of the workspace.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root = fileURLToPath(new URL('../', import.meta.url));

const execute = promisify(execFile);

/** Tools that the workspace lends to the folder, rather than have them installed once more. */
const lent = ['typescript', 'vitest', '@types/node'];

export interface Packed {
  readonly name: string;
  /** In the workspace. */
  readonly folder: string;
  readonly tarball: string;
  /** Paths in the tarball. */
  readonly files: readonly string[];
}

/** Runs a command; a failure shows what it printed. */
export async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  const { PATH = '' } = process.env;
  const path = [join(root, 'node_modules/.bin'), PATH].join(delimiter);
  const { stdout } = await execute(command, args, { cwd, env: { ...process.env, PATH: path } }).catch(
    (error: Error & { readonly stdout?: string; readonly stderr?: string }) => {
      throw new Error(`${command} ${args.join(' ')}\n${error.stdout ?? ''}${error.stderr ?? ''}`);
    },
  );
  return stdout;
}

/** Folders of the packages that are published. */
export function publishable(): string[] {
  return ['packages', 'apps']
    .flatMap((group) => readdirSync(join(root, group)).map((name) => `${group}/${name}`))
    .filter((folder) => existsSync(join(root, folder, 'package.json')) && !manifestOf(folder).private);
}

function manifestOf(folder: string): { readonly name: string; readonly private?: boolean } {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
}

interface PrintedPack {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** Packs what has been built, in one process: one for each package would take three times as long. */
export async function packAll(into: string): Promise<Packed[]> {
  const folders = publishable();
  const filters = folders.map((folder) => `--filter=./${folder}`);
  const options = ['--json', '--pack-destination', into];
  const printed = await run(root, 'pnpm', '--recursive', ...filters, 'pack', ...options);
  const tarballs: readonly PrintedPack[] = JSON.parse(printed);
  return folders.map((folder) => {
    const { name } = manifestOf(folder);
    const found = tarballs.find((tarball) => tarball.name === name);
    if (found === undefined) throw new Error(`pnpm pack: expected a tarball of ${name}, found none`);
    return { name, folder, tarball: found.filename, files: found.files.map(({ path }) => path) };
  });
}

/** Installs tarballs into a new project; the packages depend on each other by these tarballs only. */
export async function install(project: string, packed: readonly Packed[]): Promise<void> {
  const dependencies = Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`]));
  const overrides = Object.fromEntries(packed.map(({ name }) => [name, `$${name}`]));
  const manifest = { name: 'outside', private: true, type: 'module', dependencies, overrides };
  await mkdir(project);
  await writeFile(join(project, 'package.json'), JSON.stringify(manifest, null, 2));
  await run(project, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error');
  for (const name of lent) {
    const place = join(project, 'node_modules', name);
    await mkdir(join(place, '..'), { recursive: true });
    if (!existsSync(place)) await symlink(join(root, 'node_modules', name), place);
  }
}
