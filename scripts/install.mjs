// Brings the workspace's dependencies to what pnpm-lock.yaml says, with nothing installed but npm and a Node from 20 on
// (the dependencies bring Node 24).
// Runs before every `npm start` and `npm test`; when everything is in place it returns at once.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const root = new URL('../', import.meta.url);
const lockfile = readFileSync(new URL('pnpm-lock.yaml', root), 'utf8');
const stamp = new URL('node_modules/.moeq-lockfile', root);
if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lockfile) process.exit(0);

console.log('Installing the dependencies (half a minute, with a fast network) …');
const { packageManager } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
const { status, error } = spawnSync('npx', ['--yes', packageManager, 'install', '--frozen-lockfile'], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
  shell: process.platform === 'win32',
  env: { ...process.env, CI: 'true' },
});
if (error) console.error(`npx could not be started: ${error.message}`);
if (status !== 0) process.exit(status ?? 1);
writeFileSync(stamp, lockfile);
