// A process that writes a small checkpoint and kills itself, as kill -9 would, before the n-th operation that changes
// files: between two such operations every instant leaves the same behind.
// Arguments: output folder, content, `true` to overwrite, n.
import { interceptFiles } from './intercept-files.js';
import { writeSmallCheckpoint } from './small-checkpoint.js';

const changes = ['mkdir', 'open', 'write', 'writeFile', 'rename', 'rm', 'rmdir'];

const [out = '', content, overwrite, last] = process.argv.slice(2);
let left = Number(last);
interceptFiles((operation) => {
  if (changes.includes(operation) && left-- === 0) process.kill(process.pid, 'SIGKILL');
});
await writeSmallCheckpoint(out, Number(content), overwrite === 'true');
