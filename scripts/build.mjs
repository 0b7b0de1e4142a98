// Builds what has changed, and says so: a line for each package that is built, and what a build prints only where it fails.
// `npm start` and `npm test` begin with it.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const turbo = spawn('turbo', ['run', 'build', '--log-order=stream', '--output-logs=full', '--ui=stream'], {
  cwd: fileURLToPath(new URL('../', import.meta.url)),
  stdio: ['ignore', 'pipe', 'inherit'],
  shell: process.platform === 'win32',
});

/** Lines of packages, in the order in which they came. */
const lines = [];
const started = performance.now();
let built = 0;
for await (const line of createInterface({ input: turbo.stdout })) {
  lines.push(line);
  const [, name] = /^(\S+?):build: cache (?:miss|bypass)/.exec(line) ?? [];
  if (name === undefined) continue;
  if (built === 0) console.log('Building (a minute or two from nothing, later only what has changed) …');
  built += 1;
  console.log(`  ${name}`);
}
const status = await new Promise((resolve) => {
  turbo.on('error', ({ message }) => {
    console.error(`turbo could not be started: ${message}`);
    resolve(1);
  });
  if (turbo.exitCode === null) turbo.on('close', (code) => resolve(code ?? 1));
  else resolve(turbo.exitCode);
});
if (status !== 0) {
  console.error(lines.join('\n'));
  process.exit(status);
}
if (built > 0) console.log(`Built in ${((performance.now() - started) / 1000).toFixed(0)} s.`);
