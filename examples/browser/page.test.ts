// The built page in Chromium: on WebGPU (SwiftShader) and on WebAssembly, isolated and not, with and without ranges.
import { openModel } from '@moeq/loader/node';
import { createModel } from '@moeq/runtime';
import { wasmBackend } from '@moeq/wasm';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/browser.ts';
import { type Host, servePage } from './testkit/serve-page.ts';

const prompt = 'In the beginning';

let browser: Browser;
beforeAll(async () => {
  // clearing of workgroup memory takes most of the time that SwiftShader compiles
  browser = await launchChromium({ args: ['--enable-dawn-features=disable_workgroup_init'] });
});
afterAll(() => browser.close());

/** What Node writes on: the same text, greedily. */
async function textInNode(tokens: number, recipe?: string): Promise<string> {
  const source = await openModel('tiny-moe', recipe === undefined ? {} : { recipe });
  const backend = await wasmBackend({ threads: 1 });
  const model = await createModel(source, { backend });
  await source.close();
  const { text } = await model.complete(prompt, { temperature: 0, maxNewTokens: tokens });
  await backend.destroy();
  return prompt + text;
}

interface Opened extends AsyncDisposable {
  readonly page: Page;
  /** Uncaught errors of the page. */
  readonly errors: string[];
}

async function open(host: Host, query = '', prepare?: (page: Page) => Promise<void>): Promise<Opened> {
  const served = await servePage(host);
  const context = await browser.newContext({ viewport: { width: 1200, height: 820 } });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', ({ message }) => errors.push(message));
  await prepare?.(page);
  await page.goto(served.url + query);
  return {
    page,
    errors,
    async [Symbol.asyncDispose]() {
      await context.close();
      await served[Symbol.asyncDispose]();
    },
  };
}

const load = async (page: Page) => {
  await page.getByRole('button', { name: /^Load/ }).press('Enter');
  await page.getByText(/^tiny-moe in /).waitFor();
};
/** Waits for a text that may pass between two looks from outside: every change of the element is looked at. */
const seen = (page: Page, selector: string, text: RegExp) =>
  page.evaluate(
    ([at, source]) =>
      new Promise<void>((resolve) => {
        const element = document.querySelector(at) as Element;
        const look = () => new RegExp(source).test(element.textContent ?? '') && resolve();
        new MutationObserver(look).observe(element, { childList: true, subtree: true });
      }),
    [selector, text.source] as const,
  );
const write = async (page: Page, tokens: number) => {
  if (await page.getByLabel('Temperature').isHidden()) await page.getByText('Sampling').click();
  await page.getByLabel('Temperature').fill('0');
  await page.getByLabel('Tokens').fill(String(tokens));
  await page.getByLabel('Beginning of the text').press('Enter');
  await page.getByText('cut at the length asked for').waitFor();
  return page.getByRole('region', { name: 'Text' }).textContent();
};
const machine = (page: Page) => page.locator('#machine').textContent();
const notices = (page: Page) => page.locator('#notices').textContent();

/** Colours of the cells' centres. */
function colours(page: Page): Promise<string[]> {
  return page.locator('#experts').evaluate((canvas) => {
    const { width, height } = canvas as HTMLCanvasElement;
    const context = (canvas as HTMLCanvasElement).getContext('2d');
    return Array.from({ length: 48 }, (_, cell) => {
      const [x, y] = [((cell % 8) + 0.5) / 8, (Math.floor(cell / 8) + 0.5) / 6];
      return String(context?.getImageData(x * width, y * height, 1, 1).data.slice(0, 3));
    });
  });
}

test('WebAssembly where there is no GPU: progress, threads, the text of Node, experts, memory, stop', async () => {
  await using opened = await open({ rate: 25e6 }, '?recipe=nf4');
  const { page, errors } = opened;
  expect(await notices(page)).toBe('');
  await page.getByRole('button', { name: 'Load' }).click();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Load' }).waitFor();
  expect(await page.locator('#load-error').textContent()).toBe('');
  const loaded = load(page);
  await page.getByText(/^[\d.]+ MB of 25\.\d MB · [\d.]+ MB\/s$/).waitFor();
  await loaded;
  expect(await page.locator('#loaded').textContent()).toMatch(
    /: 25\.1 MB of weights, 11\.\d MB in memory\.$/,
  );
  expect(await notices(page)).toMatch(
    /^WebGPU finds no GPU \(.*swiftshader.*\), so WebAssembly computes\.$/i,
  );
  const threads = await page.evaluate(() => navigator.hardwareConcurrency);
  if (threads > 1) expect(await machine(page)).toMatch(/WebAssembly.*SIMD, [2-9]\d* threads/);
  expect(new Set(await colours(page)).size).toBe(1);

  expect(await write(page, 24)).toBe(await textInNode(24, 'nf4'));
  expect(await page.locator('#rate').textContent()).toMatch(/^24 tokens · [\d.]+ tokens\/s · first after \d/);
  expect(new Set(await colours(page)).size).toBeGreaterThan(6);
  const map = page.getByRole('img', {
    name: /^6 layers down, 8 experts across\. Busiest: layer \d, expert \d: [1-9]\d* %/,
  });
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowRight'])
    await map.or(page.locator('#experts')).press(key);
  expect(await page.locator('#experts-note').textContent()).toMatch(/^Layer 1, expert 1: \d+ % of/);
  expect(await page.locator('#memory').textContent()).toMatch(
    /^expert[\d.]+ MB.*router[\d.]+ kB.*KV cache[\d.]+ MBtogether/,
  );

  await page.getByLabel('Tokens').fill('200');
  const early = seen(page, '#rate', /^[2-9] tokens/);
  await page.getByLabel('Beginning of the text').press('Enter');
  await early;
  await page.keyboard.press('Escape');
  await page.getByText(/^\d+ tokens .* stopped$/).waitFor();
  expect(await page.getByRole('button', { name: 'Write on' }).isEnabled()).toBe(true);
  expect(errors).toEqual([]);
});

test('not isolated, from a server without ranges: one thread, said in a line, and the same text', async () => {
  await using opened = await open({ isolated: false, ranges: false }, '?backend=wasm');
  const { page, errors } = opened;
  expect(await notices(page)).toMatch(/^Threads are off: this page is not cross-origin isolated \(/);
  await load(page);
  expect(await machine(page)).toMatch(/SIMD, 1 threadIsolatedno/);
  expect(await write(page, 24)).toBe(await textInNode(24));
  expect(errors).toEqual([]);
});

test('WebGPU: the adapter, the same text, experts', async () => {
  await using opened = await open({}, '?backend=webgpu');
  const { page, errors } = opened;
  await load(page);
  expect(await machine(page)).toMatch(/^ComputesWebGPUAdapter.*swiftshader/i);
  expect(await write(page, 8)).toBe(await textInNode(8));
  expect(new Set(await colours(page)).size).toBeGreaterThan(6);
  expect(errors).toEqual([]);
}, 120_000);

test('on a phone without WebGPU: said at once, errors are sentences, nothing is wider than the screen', async () => {
  const withoutWebGpu = async (page: Page) => {
    await page.setViewportSize({ width: 360, height: 640 });
    await page.addInitScript(() => Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined }));
  };
  await using opened = await open({}, '?backend=webgpu&model=nowhere', withoutWebGpu);
  const { page, errors } = opened;
  const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
  expect(await notices(page)).toBe('This browser has no WebGPU, so WebAssembly computes.');
  await page.getByRole('button', { name: 'Load' }).click();
  await page.getByText(/^WebGPU: cannot start: expected navigator\.gpu, found none;/).waitFor();
  await page.getByLabel('automatic').check({ force: true });
  await page.getByRole('button', { name: 'Load' }).click();
  await page.getByText(/\/nowhere: cannot open the model: expected a config\.json, found none$/).waitFor();
  expect(await fits()).toBe(true);
  await page.getByLabel('From').fill('');
  await load(page);
  await write(page, 4);
  await page.getByLabel('Beginning of the text').fill('word '.repeat(400));
  await page.getByRole('button', { name: 'Write on' }).click();
  await page.getByText(/by the context length/).waitFor();
  expect([await fits(), errors]).toEqual([true, []]);
});
