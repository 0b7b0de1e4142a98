// `moeq serve` under requests that each bring a schema of their own: the worst answer of /health while they are compiled
// and answered, the peak of resident memory, and what is left of it afterwards.
//
//   node schema-load/main.ts [--requests 200] [--properties 400] [--length 200] [--required 1] [--seconds 150]
//     [--model tiny-moe] [--threads 2] [--bin ../apps/cli/dist/bin.js]
//
// Each schema has `properties` strings, bounded by a length that differs between requests. Memory is read from /proc and
// is 0 where there is none. After --seconds the requests that are still open are counted and given up.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '200' },
    properties: { type: 'string', default: '400' },
    length: { type: 'string', default: '200' },
    required: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '150' },
    model: { type: 'string', default: 'tiny-moe' },
    threads: { type: 'string', default: '2' },
    bin: { type: 'string', default: new URL('../../apps/cli/dist/bin.js', import.meta.url).pathname },
  },
});
const [requests, count, length, required, seconds] = [
  values.requests,
  values.properties,
  values.length,
  values.required,
  values.seconds,
].map(Number) as [number, number, number, number, number];

const server = spawn(
  process.execPath,
  [values.bin, 'serve', values.model, '--port', '0', '--threads', values.threads],
  { stdio: ['ignore', 'pipe', 'pipe'] },
);
const url = await new Promise<string>((resolve, reject) => {
  let said = '';
  const read = (chunk: Buffer) => {
    said += chunk.toString();
    const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said);
    if (found !== null) resolve(found[0]);
  };
  server.stdout.on('data', read);
  server.stderr.on('data', read);
  server.on('exit', (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
});
let ended = false;
server.on('exit', () => {
  ended = true;
});
while ((await ask('/ready').catch(() => ({ status: 0 }))).status !== 200) await wait(200);

const before = resident();
let [peak, worst, silent] = [before, 0, 0];
let open = requests;
const statuses = new Map<string, number>();
const agent = new Agent({ maxSockets: requests });
const began = performance.now();
for (let index = 0; index < requests; index += 1) {
  void ask('/v1/chat/completions', bodyOf(index), agent)
    .then(({ status }) => String(status))
    .catch((error: NodeJS.ErrnoException) => error.code ?? error.message)
    .then((status) => {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      open -= 1;
    });
}
while (open > 0 && !ended && performance.now() - began < seconds * 1000) {
  await wait(50);
  const asked = performance.now();
  const answered = await ask('/health').then(
    () => true,
    () => false,
  );
  const took = performance.now() - asked;
  worst = Math.max(worst, took);
  if (!answered) silent += 1;
  peak = Math.max(peak, resident());
}
const elapsed = (performance.now() - began) / 1000;
agent.destroy();
await wait(2000);
const left = resident();
server.kill();
console.log(
  JSON.stringify({
    requests,
    seconds: Number(elapsed.toFixed(1)),
    statuses: Object.fromEntries(statuses),
    open,
    serverEnded: ended,
    worstHealthMilliseconds: Math.round(worst),
    healthFailures: silent,
    residentMegabytes: { before: mb(before), peak: mb(peak), left: mb(left - before) },
  }),
);
process.exit(0);

function bodyOf(index: number): string {
  const properties = Object.fromEntries(
    Array.from({ length: count }, (_, each) => [
      `p${each}`,
      { type: 'string', maxLength: length + (index % 40) },
    ]),
  );
  const names = Object.keys(properties);
  const schema = {
    type: 'object',
    title: `schema ${index}`,
    properties,
    required: Array.from({ length: required }, (_, each) => names[(index + each) % count]),
    additionalProperties: false,
  };
  return JSON.stringify({
    model: values.model,
    messages: [{ role: 'user', content: 'hi' }],
    max_tokens: 60,
    seed: index,
    response_format: { type: 'json_schema', json_schema: { name: 's', schema } },
  });
}

function ask(path: string, body?: string, via?: Agent): Promise<{ status: number }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      `${url}${path}`,
      {
        method: body === undefined ? 'GET' : 'POST',
        headers: { 'content-type': 'application/json' },
        ...(via !== undefined && { agent: via }),
      },
      (answer) => {
        answer.resume();
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0 }));
        answer.on('error', reject);
      },
    );
    asked.on('error', reject);
    asked.setTimeout(seconds * 1000, () => asked.destroy(new Error('no answer')));
    asked.end(body);
  });
}

/** Bytes; 0 once the server has ended. */
function resident(): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function mb(bytes: number): number {
  return Math.round(bytes / 1e6);
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
