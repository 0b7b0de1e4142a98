// The pictures of the README, of the built page in Chromium: `node examples/browser/screenshots.ts`.
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../../scripts/browser.ts';
import { type Host, servePage } from './testkit/serve-page.ts';

const docs = fileURLToPath(new URL('../../docs/', import.meta.url));

interface Scene {
  readonly name: string;
  readonly host?: Host;
  readonly query: string;
  readonly colorScheme: 'light' | 'dark';
  readonly viewport: { readonly width: number; readonly height: number };
  /** Until the moment that is taken. */
  act(page: Page): Promise<void>;
}

const desk = { width: 1080, height: 840 };

const load = (page: Page) => page.getByRole('button', { name: 'Load' }).click();
const write = async (page: Page) => {
  await load(page);
  await page.getByText(/^tiny-moe in /).waitFor({ timeout: 120_000 });
  await page.getByRole('button', { name: 'Write on' }).click();
};

const scenes: readonly Scene[] = [
  {
    name: 'browser-loading',
    host: { rate: 6e6 },
    query: '?recipe=nf4',
    colorScheme: 'light',
    viewport: desk,
    async act(page) {
      await load(page);
      await page.getByText(/^1[3-9]\.\d MB of/).waitFor();
    },
  },
  {
    name: 'browser-generating',
    query: '?recipe=nf4&backend=webgpu',
    colorScheme: 'dark',
    viewport: desk,
    async act(page) {
      await write(page);
      await page.getByText(/^[6-9]\d tokens/).waitFor({ timeout: 120_000 });
    },
  },
  {
    name: 'browser-webassembly',
    host: { isolated: false },
    query: '?recipe=int8',
    colorScheme: 'light',
    viewport: { width: 420, height: 1620 },
    async act(page) {
      await write(page);
      await page.getByText('cut at the length asked for').waitFor();
    },
  },
];

async function take(
  browser: Browser,
  { name, host, query, colorScheme, viewport, act }: Scene,
): Promise<void> {
  await using served = await servePage(host);
  const page = await browser.newPage({ colorScheme, viewport });
  await page.addInitScript(() => localStorage.setItem('moeq-sampling', '{"seed":"7"}'));
  await page.goto(served.url + query);
  await act(page);
  await page.screenshot({ path: `${docs}${name}.png` });
  await page.close();
}

const browser = await launchChromium({ args: ['--enable-dawn-features=disable_workgroup_init'] });
try {
  for (const scene of scenes) await take(browser, scene);
} finally {
  await browser.close();
}
