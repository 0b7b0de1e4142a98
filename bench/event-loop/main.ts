// How long one request of each shape, up to the limit of 1 MiB, holds the event loop of `moeq serve`: the server in this
// process, its client in another, the longest delay of a timer of 1 ms while the request is answered.
//
//   node event-loop/main.ts [--model tiny-moe] [--context 256] [--repeat 3] [--here]
//
// --here reads prompts in the thread of the server, as a program without a TextThread does. Beside the delay stands the CPU
// time of the server's thread for the whole request: on a busy machine delays hold what the system gave to others as well.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openModel } from '@moeq/loader/node';
import { createModel } from '@moeq/runtime';
import { listen, TextThread } from '@moeq/server/node';
import { wasmBackend } from '@moeq/wasm';
import { shapes } from './shapes.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'tiny-moe' },
    context: { type: 'string' },
    repeat: { type: 'string', default: '3' },
    here: { type: 'boolean', default: false },
  },
});

const source = await openModel(values.model);
const model = await createModel(source, {
  backend: await wasmBackend({ threads: 1 }),
  ...(values.context !== undefined && { contextLength: Number(values.context) }),
});
const { contextLength, config } = model;
const { vocabularySize } = config;
const thread = { reference: values.model, name: 'model', contextLength, vocabularySize };
const reader = values.here ? undefined : new TextThread(thread);
const server = await listen();
server.app.serve({ model, reader });

const client = fork(fileURLToPath(new URL('./client.ts', import.meta.url)));
const ask = async (shape: string): Promise<{ status: number; seconds: number; bytes: number }> => {
  client.send({ url: server.url, shape });
  const [answer] = await once(client, 'message');
  return answer as { status: number; seconds: number; bytes: number };
};

console.log(
  `${values.model}, context ${contextLength}, prompts read ${values.here ? 'here' : 'in a thread'}\n`,
);
console.log('longest delay  CPU of server  answered in     bytes  status  shape');
await ask('a short one');
for (const shape of Object.keys(shapes)) {
  for (let times = 0; times < Number(values.repeat); times += 1) {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const before = process.threadCpuUsage();
    const { status, seconds, bytes } = await ask(shape);
    delay.disable();
    const { user, system } = process.threadCpuUsage(before);
    const cells = [
      `${(delay.max / 1e6).toFixed(0)} ms`.padStart(13),
      `${((user + system) / 1000).toFixed(0)} ms`.padStart(14),
      `${seconds.toFixed(2)} s`.padStart(12),
      String(bytes).padStart(10),
      String(status).padStart(7),
    ];
    console.log(`${cells.join(' ')}  ${shape}`);
  }
}
client.disconnect();
await reader?.[Symbol.asyncDispose]();
await server.close();
await model.backend.destroy();
