// `moeq serve` under load: clients in growing numbers, some of whom leave in the midst of an answer. Every answer is held
// against the text that its prompt and seed gave alone, so that one lost or mixed up with another is found.
//
//   node serve-load/main.ts [--model tiny-moe] [--threads 2] [--clients 1,4,16,64] [--seconds 150] [--aborts 0.1]
//     [--cache-tokens 16384] [--parallel 64] [--url http://127.0.0.1:8080]
//
// --seconds is the time of each number of clients. Loopback only; the built command is measured, or the server at --url,
// which several runs can share.
import { parseArgs } from 'node:util';
import { formatBytes } from '@moeq/tensors';
import OpenAI from 'openai';
import { ask, type Reply, type Task } from './client.ts';
import { attach, startServer } from './server.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'tiny-moe' },
    threads: { type: 'string', default: '2' },
    clients: { type: 'string', default: '1,4,16,64' },
    seconds: { type: 'string', default: '150' },
    aborts: { type: 'string', default: '0.1' },
    'cache-tokens': { type: 'string', default: '16384' },
    parallel: { type: 'string', default: '64' },
    url: { type: 'string' },
  },
});
const { model } = values;
const [seconds, aborts] = [Number(values.seconds), Number(values.aborts)];

const beginnings = [
  'In the beginning',
  'The king said',
  'And it came to pass',
  'The word',
  'A house',
  'function',
];
const tasks: Task[] = Array.from({ length: 24 }, (_, index) => ({
  prompt: `${beginnings[index % beginnings.length]} ${'of the land '.repeat(index % 4)}`.trim(),
  seed: index,
  tokens: 24 + 4 * (index % 12),
}));

const argv = [
  ...[model, '--threads', values.threads],
  ...['--cache-tokens', values['cache-tokens'], '--parallel', values.parallel],
];
await using server = values.url === undefined ? await startServer(argv) : attach(values.url);
const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });

const expected: string[] = [];
for (const task of tasks) expected.push((await ask(client, model, task)).text);
const startBytes = await server.residentBytes();

console.log('\nclients  tokens/s  first token p50 / p99    between p50 / p99   answers  left  wrong  RSS');
for (const clients of values.clients.split(',').map(Number)) {
  const replies: Reply[] = [];
  let wrong = 0;
  const began = performance.now();
  const until = began + seconds * 1000;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < until) {
        const index = Math.floor(Math.random() * tasks.length);
        const task = tasks[index];
        if (task === undefined) continue;
        const leaves = Math.random() < aborts ? 1 + Math.floor(Math.random() * 20) : null;
        const reply = await ask(client, model, task, leaves);
        replies.push(reply);
        const text = expected[index] ?? '';
        if (reply.aborted ? !text.startsWith(reply.text) : reply.text !== text) wrong += 1;
      }
    }),
  );
  const elapsed = (performance.now() - began) / 1000;
  const total = replies.reduce((sum, { tokens }) => sum + tokens, 0);
  const first = replies.map(({ firstToken }) => firstToken);
  const gaps = replies.flatMap((reply) => reply.gaps);
  const cells = [
    String(clients).padStart(7),
    (total / elapsed).toFixed(1).padStart(9),
    `${milliseconds(first, 0.5)} / ${milliseconds(first, 0.99)}`.padStart(23),
    `${milliseconds(gaps, 0.5)} / ${milliseconds(gaps, 0.99)}`.padStart(20),
    String(replies.length).padStart(8),
    String(replies.filter(({ aborted }) => aborted).length).padStart(5),
    String(wrong).padStart(6),
    ` ${formatBytes(await server.residentBytes())}`,
  ];
  console.log(cells.join(' '));
  if (wrong > 0) process.exitCode = 1;
}
console.log(
  `\nmemory: ${formatBytes(startBytes)} at the start, ${formatBytes(await server.residentBytes())} at the end`,
);
const left = await server.metric('moeq_requests_running');
console.log(`requests still running: ${left}; preemptions: ${await server.metric('moeq_preemptions_total')}`);

function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function milliseconds(numbers: readonly number[], share: number): string {
  return `${(quantile(numbers, share) * 1000).toFixed(0)} ms`;
}
