// What was built of @moeq/wasm under a strict Content-Security-Policy, from a bundler and as modules, and in a service worker,
// which has no workers.
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import type * as PolicyPage from '../packages/wasm/src/testkit/policy-page.ts';
import { bundle } from './in-chromium/bundle.ts';
import { startChromium } from './in-chromium/chromium.ts';
import { openPage } from './in-chromium/open-page.ts';

const testkit = (name: string) =>
  fileURLToPath(new URL(`../packages/wasm/src/testkit/${name}.ts`, import.meta.url));

const browser = await startChromium();
afterAll(async () => {
  if ('close' in browser) await browser.close();
});

/** The policy of a careful site, without what the words name. */
const policy =
  ({ worker = "'self'", wasm = "'wasm-unsafe-eval'" }) =>
  (cdn: string) =>
    `default-src 'none'; script-src 'self' 'nonce-moeq' ${cdn} ${wasm}; worker-src ${worker}`;

const files = {
  '/worker.js': new URL('../packages/wasm/dist/worker.js', import.meta.url),
  '/service-worker.js': await bundle(testkit('service-worker'), 'built'),
};

/** The signed 8-bit codes of -8 to 7 in one block. */
const codes = Array.from(
  { length: 16 },
  (_, i) => Math.sign(i - 8) * Math.round((Math.abs(i - 8) * 127) / 8),
);

const right = (threads: number, notices: unknown[] = []) => ({
  threads,
  notices,
  difference: expect.closeTo(0, 5),
  codes,
});

describe.skipIf('reason' in browser)('a Content-Security-Policy', () => {
  async function open(packages: 'built' | 'imported', given: Parameters<typeof policy>[0], isolated = true) {
    if ('reason' in browser) throw new Error(browser.reason);
    const entry = testkit('policy-page');
    return openPage<typeof PolicyPage>(browser, {
      entry,
      packages,
      isolated,
      policy: policy(given),
      files,
    });
  }

  for (const packages of ['built', 'imported'] as const) {
    test(`${packages}: workers by URL`, async () => {
      await using opened = await open(packages, {});
      const run = (options: object) =>
        opened.module.evaluate((exports, given) => exports.smallRun(given), options);
      expect(await run({ workerUrl: '/worker.js', threads: 2 })).toEqual(right(2));
      expect(await run({ threads: 2 })).toMatch(
        /^the embedded worker: cannot start .*worker-src blob:.*workerUrl/,
      );
      expect(await run({ workerUrl: '/missing.js' })).toMatch(/^\/missing\.js: cannot start .*worker-src/);
      expect(await run({ workers: false })).toEqual(right(1));
    });
  }

  test('a page that is not isolated: one worker by URL', async () => {
    await using opened = await open('built', {}, false);
    const run = () => opened.module.evaluate((exports) => exports.smallRun({ workerUrl: '/worker.js' }));
    expect(await run()).toEqual(right(1, [expect.stringContaining('not cross-origin isolated')]));
  });

  test('without wasm-unsafe-eval the error says that it is missing', async () => {
    await using opened = await open('built', { wasm: '' });
    const message = await opened.module.evaluate((exports) => exports.smallRun({ workerUrl: '/worker.js' }));
    expect(message).toMatch(/^WebAssembly: cannot compile the kernels: .*script-src 'wasm-unsafe-eval'/);
  });

  test('no workers at all: the page computes by itself', async () => {
    await using opened = await open('built', { worker: "'none'" });
    expect(await opened.module.evaluate((exports) => exports.smallRun({ workers: false }))).toEqual(right(1));
  });

  test('a service worker computes by itself, and says so once', async () => {
    await using opened = await open('built', {});
    const run = (options: object) =>
      opened.module.evaluate(
        (exports, given) => exports.runInServiceWorker('/service-worker.js', given),
        options,
      );
    expect(await run({})).toEqual(right(1, [expect.stringMatching(/^one thread only.*no workers here/)]));
    expect(await run({ workers: false })).toEqual(right(1));
  });
});
