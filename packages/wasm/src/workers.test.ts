// Where the work is done: a worker of a file, none, and what is said when it does not start.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { testBackend } from '@moeq/kernels/conformance';
import { expect, test, vi } from 'vitest';
import { smallRun } from './testkit/small-run.js';
import { tolerance } from './testkit/tolerance.js';
import { wasmBackend } from './wasm-backend.js';

const dist = (name: string) => new URL(`../dist/${name}`, import.meta.url);

testBackend({ name: 'wasm on the calling thread', make: () => wasmBackend({ workers: false }), tolerance });

test.each([
  ['a URL', dist('worker.js')],
  ['its text', dist('worker.js').href],
])('the worker is the file at %s', async (_, workerUrl) => {
  const embedded = await smallRun({ threads: 2 });
  expect(await smallRun({ threads: 2, workerUrl })).toEqual(embedded);
  expect(embedded).toMatchObject({ threads: 2, notices: [] });
});

test('a worker that is not there is an error that names it', async () => {
  expect(await smallRun({ workerUrl: dist('missing.js') })).toMatch(
    /^file:.*missing\.js: cannot start a worker thread: expected a worker that runs, found that the engine refuses it \(.*Cannot find module/,
  );
});

test('an engine without workers computes on the calling thread, and says so once', async () => {
  vi.stubGlobal('process', {});
  try {
    expect(await smallRun({})).toMatchObject({
      threads: 1,
      notices: ['one thread only, the calling one, which every step blocks: there are no workers here'],
    });
  } finally {
    vi.unstubAllGlobals();
  }
});

test('in Deno, which has both kinds of workers, the embedded one is of the kind that lets the process end', async () => {
  class WebWorker {
    constructor() {
      throw new Error('a worker that holds the process');
    }
  }
  vi.stubGlobal('Worker', WebWorker);
  try {
    expect(await smallRun({ threads: 2 })).toMatch(/a worker that holds the process/);
    vi.stubGlobal('Deno', {});
    expect(await smallRun({ threads: 2 })).toMatchObject({ threads: 2, notices: [] });
  } finally {
    vi.unstubAllGlobals();
  }
});

test('a process ends by itself with a backend that is still there', () => {
  for (const options of ['{ threads: 2 }', '{ workers: false }']) {
    const code = `import { wasmBackend } from ${JSON.stringify(dist('index.js').href)};
      const backend = await wasmBackend(${options});
      console.log(await backend.step((step) => step.read(step.input(Float32Array.of(7), 1))));`;
    const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: fileURLToPath(dist('.')),
      encoding: 'utf8',
    });
    expect(printed).toContain('7');
  }
});
