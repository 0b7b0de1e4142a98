// Preloaded into the built command (`node --import`): kills the process, as kill -9 would, before the n-th operation that
// changes files, n being MOEQ_KILL_AT; between two such operations every instant leaves the same behind. The number of
// those that were made goes to the file MOEQ_CHANGES when the process ends by itself.
import { writeFileSync } from 'node:fs';
import { interceptFiles } from '../../../../packages/tensors/src/testkit/intercept-files.ts';

const kinds = ['mkdir', 'open', 'write', 'writeFile', 'rename', 'rm', 'rmdir'];
const { MOEQ_KILL_AT: last = '-1', MOEQ_CHANGES: file = '' } = process.env;

let changes = 0;
interceptFiles((operation) => {
  if (!kinds.includes(operation)) return;
  if (changes === Number(last)) process.kill(process.pid, 'SIGKILL');
  changes++;
});
if (file !== '') process.on('exit', () => writeFileSync(file, `${changes}`));
