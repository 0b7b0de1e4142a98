// Every package packed and installed with npm in an empty folder outside the workspace; there the examples are type-checked
// and run, and so is the command.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundlers, html } from './bundlers/bundlers.ts';
import type { write } from './bundlers/page.ts';
import { checkConsumers } from './consumers.ts';
import { startChromium } from './in-chromium/chromium.ts';
import { serve } from './in-chromium/serve.ts';
import { install, type Packed, packAll, publishable, root, run } from './pack.ts';

const folder = await mkdtemp(join(tmpdir(), 'moeq-packed-'));
const project = join(folder, 'project');
const examples = ['custom-quantizer', 'one-package-only'];
afterAll(() => rm(folder, { recursive: true, force: true }));

declare const moeqWrite: typeof write;

let packed: readonly Packed[] = [];
beforeAll(async () => {
  packed = await packAll(folder);
});

describe('tarballs', () => {
  test.each(publishable())('%s', async (each) => {
    const { files, tarball } = packed.find((one) => one.folder === each) ?? { files: [], tarball: '' };
    expect(files).toContain('package.json');
    expect(files).toContain('README.md');
    expect(files.some((file) => /^LICENSE(\.md)?$/.test(file))).toBe(true);
    const built = files.filter((file) => file.startsWith('dist/'));
    expect(built.some((file) => file.endsWith('.js'))).toBe(true);
    // nothing but what is run, its types, and the model
    const others = files.filter(
      (file) => !/^(dist|model)\//.test(file) && !/^[^/]+\.(md|json)$|^LICENSE$/.test(file),
    );
    expect(others).toEqual([]);
    expect(built.filter((file) => !/\.(js|d\.ts|wasm|html|css)$/.test(file))).toEqual([]);
    expect(files.filter((file) => /\.test\.|testkit/.test(file))).toEqual([]);

    const manifest = JSON.parse(await run(folder, 'tar', '-xzOf', tarball, 'package/package.json'));
    expect(JSON.stringify(manifest)).not.toMatch(/workspace:|catalog:/);
    const exported = JSON.stringify([manifest.exports ?? {}, manifest.bin ?? {}]).matchAll(
      /"\.\/(dist\/[^"*]+)"/g,
    );
    for (const [, path] of exported) expect(files).toContain(path);
    for (const file of built.filter((path) => path.endsWith('.js'))) {
      const code = await readFile(join(root, each, file), 'utf8');
      expect(code, file).not.toMatch(/^\/\/# sourceMappingURL=/m);
    }
  });
});

const browser = await startChromium();
afterAll(async () => {
  if ('close' in browser) await browser.close();
});

/** What tiny-moe in nf4 writes on in Node. */
const written = ' of the night, the day is come, the day of';
const plainNotice = expect.stringMatching(/^one thread only: this page is not cross-origin isolated/);

describe('in an empty folder', () => {
  beforeAll(async () => {
    await install(project, packed);
    for (const name of examples) {
      const from = join(root, 'examples', name);
      await cp(from, join(project, name), {
        recursive: true,
        filter: (path) => !/node_modules|package\.json/.test(path),
      });
    }
    const { compilerOptions } = JSON.parse(await readFile(join(root, 'tsconfig.base.json'), 'utf8'));
    const options = {
      ...compilerOptions,
      skipLibCheck: false,
      noEmit: true,
      allowImportingTsExtensions: true,
    };
    const config = { compilerOptions: options, include: ['*/*.ts'] };
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify(config));
  });

  test('the packages are the tarballs', async () => {
    const lock = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8'));
    const own = Object.entries<{ resolved: string }>(lock.packages).filter(([path]) =>
      /node_modules\/(@moeq\/|moeq$)/.test(path),
    );
    expect(own).toHaveLength(packed.length);
    for (const [path, { resolved }] of own) expect(resolved, path).toMatch(/^file:.*\.tgz$/);
  });

  test('the examples type-check', async () => {
    expect(await run(project, 'tsc', '--noEmit')).toBe('');
  });

  test('consumers with and without DOM type-check with TypeScript 5.9', async () => {
    expect(await checkConsumers(project, packed)).toBe('');
  });

  test('custom-quantizer runs, and passes the published suite', async () => {
    const printed = await run(join(project, 'custom-quantizer'), 'node', 'main.ts');
    expect(printed).toMatch(/nf4 +4\.50 +9\.\d\d %\nfitted +4\.25 +[89]\.\d\d %/);
    expect(printed).toMatch(/In the beginning \w+/);
    expect(await run(project, 'vitest', 'run', '--reporter=dot')).toMatch(/Tests .*passed/);
  });

  test('one-package-only runs', async () => {
    expect(await run(join(project, 'one-package-only'), 'node', 'main.ts')).toMatch(
      /nf4-dq +1048576 -> 135236 bytes/,
    );
  });

  test('the command quantizes with the plugin, and generates', async () => {
    const moeq = (...args: string[]) => run(project, join(project, 'node_modules/.bin/moeq'), ...args);
    expect(await moeq('--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
    const plugin = join(project, 'custom-quantizer/plugin.ts');
    const made = JSON.parse(
      await moeq('quantize', '--out', 'out', '--plugin', plugin, '--recipe', 'fitted', '--json'),
    );
    expect(made.coverage.fraction).toBe(1);
    expect(made.errors.byRole.expert).toBeLessThan(0.092);
    const { text, tokenIds } = JSON.parse(await moeq('generate', 'out', '--greedy', '-n', '8', '--json'));
    expect(tokenIds).toHaveLength(8);
    expect(text.length).toBeGreaterThan(8);
  });

  test('the page of the bundlers, in Node', async () => {
    const options = ['--recipe', 'nf4', '--greedy', '-n', '12', '--json'];
    const { text } = JSON.parse(
      await run(project, join(project, 'node_modules/.bin/moeq'), 'generate', ...options),
    );
    expect(text).toBe(written);
  });

  describe.skipIf('reason' in browser)('a bundle in Chromium', () => {
    beforeAll(async () => {
      const page = await readFile(join(root, 'scripts/bundlers/page.ts'), 'utf8');
      await writeFile(join(project, 'main.js'), (await transform(page, { loader: 'ts' })).code);
      await writeFile(join(project, 'index.html'), html);
    });

    test.each(bundlers)('of $bundler: two threads, and one where memory is not shared', async (each) => {
      if ('reason' in browser) throw new Error(browser.reason);
      const out = join(folder, each.bundler);
      await each.build(project, out);
      const write = async (isolated: boolean, options: object) => {
        const model = pathToFileURL(`${project}/node_modules/@moeq/tiny-moe/model/`);
        const files = { '/page/': pathToFileURL(`${out}/`), '/model/': model };
        await using site = await serve({ files, isolated });
        const page = await browser.newPage();
        await page.goto(`${site.url}page/index.html`);
        const found = await page.evaluate((given) => moeqWrite(given), options);
        await page.close();
        return found;
      };
      expect(await write(true, { threads: 2 })).toEqual({ text: written, threads: 2, notices: [] });
      expect(await write(false, {})).toEqual({ text: written, threads: 1, notices: [plainNotice] });
    });
  });

  test('without the package webgpu the CPU computes, and asking for the GPU says what to install', async () => {
    const moeq = (...args: string[]) =>
      run(project, join(project, 'node_modules/.bin/moeq'), 'generate', ...args);
    expect(JSON.parse(await moeq('-n', '1', '--json')).backend).toBe('wasm');
    const missing =
      /expected the package webgpu, found that it is not installed; npm install webgpu adds it, /;
    await expect(moeq('-n', '1', '--backend', 'webgpu')).rejects.toThrow(missing);
  });
});
