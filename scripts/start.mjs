// What `npm start` shows once everything is built: tiny-moe quantized, the report of it, a text that it generates, and a page
// on what quantizing has cost it.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';

const root = fileURLToPath(new URL('../', import.meta.url));
const out = 'out/tiny-moe-nf4';
const report = 'out/report';

/**
 * Runs the built command as a reader would, through npm: a script of its own finds the workspace's Node, while this one was
 * started by the machine's, from before the installation.
 */
function moeq(...words) {
  const typed = words.map((word) => (/^[\w./=-]+$/.test(word) ? word : `"${word}"`)).join(' ');
  console.log(`\n${styleText('bold', `$ npm run -s moeq -- ${typed}`)}`);
  const { status, error } = spawnSync('npm', ['run', '-s', 'moeq', '--', ...words], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (error) console.error(`npm could not be started: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

moeq('quantize', 'tiny-moe', '--out', out, '--overwrite');
moeq('generate', out, '-p', 'In the beginning', '-n', '120', '--seed', '7');
moeq('eval', out, '--baseline', 'tiny-moe', '--max-tokens', '512', '--report', report);

console.log(`
${styleText('bold', 'Next, try')}
  npm run -s moeq -- generate ${out} -p "KING RICHARD III:" --seed 7
  npm run -s moeq -- chat ${out}
  npm run -s moeq -- inspect ${out} --tensors
  npm run -s moeq -- quantize tiny-moe --out out/tiny-moe-int4 --recipe int4
  npm run -s moeq -- --help

${styleText('bold', 'Look at')} ${join(root, report, 'index.html')} in a browser: memory, error, routing and divergence of what was made.
`);
