// A page in Chromium that has loaded one module; what the module exports can be called from here.
import type { Browser, JSHandle, Page } from 'playwright-core';
import { bundle, type PackagesFrom, pageVitest } from './bundle.ts';
import { importMap, packagesFolder } from './import-map.ts';
import { type Files, type Site, serve } from './serve.ts';

export interface PageOptions {
  /** Path of the module. */
  readonly entry: string;
  readonly packages?: PackagesFrom;
  readonly isolated?: boolean;
  /** The page's Content-Security-Policy, from the URL of the packages. The nonce of the import map is `moeq`. */
  readonly policy?: (cdn: string) => string;
  /** What the page may fetch beside the module. */
  readonly files?: Files;
}

export interface OpenPage<Exports> extends AsyncDisposable {
  readonly page: Page;
  /** The module's exports: `module.evaluate((exports) => exports.something())`. */
  readonly module: JSHandle<Exports>;
  readonly site: Site;
  /** Where packages lie that are not in the bundle. */
  readonly cdn: Site;
  /** What the page has written to its console. */
  readonly messages: readonly string[];
}

/** @throws Error when the module does not bundle, or fails while it loads */
export async function openPage<Exports>(browser: Browser, options: PageOptions): Promise<OpenPage<Exports>> {
  const { entry, packages = 'sources', isolated = false, policy, files = {} } = options;
  await using opened = new AsyncDisposableStack();
  const cdn = opened.use(
    await serve({ files: { '/packages/': packagesFolder, '/vitest.js': await bundle(pageVitest) } }),
  );
  const imports = { ...importMap(`${cdn.url}packages/`), vitest: `${cdn.url}vitest.js` };
  const html = `<!doctype html><link rel="icon" href="data:,">
<script type="importmap" nonce="moeq">${JSON.stringify({ imports })}</script>`;
  const script = await bundle(entry, packages);
  const headers = policy === undefined ? {} : { 'content-security-policy': policy(cdn.url) };
  const served = { ...files, '/': html, '/entry.js': script };
  const site = opened.use(await serve({ files: served, isolated, headers }));
  const page = await browser.newPage();
  opened.defer(() => page.close());
  const messages: string[] = [];
  page.on('console', (message) => messages.push(message.text()));
  await page.goto(site.url);
  // a text, because test runners rewrite the imports of functions
  const module = (await page.evaluateHandle('import("/entry.js")')) as JSHandle<Exports>;
  const all = opened.move();
  return { page, module, site, cdn, messages, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
