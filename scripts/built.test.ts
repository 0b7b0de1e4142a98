// What was built of @moeq/wasm, as pages get it: from a bundler, and as modules of another origin, as from a CDN. Kernels and
// workers are in the modules: no other file is asked for.
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { testInChromium } from './in-chromium/test-in-chromium.ts';

const page = (name: string) =>
  fileURLToPath(new URL(`../packages/wasm/src/testkit/${name}-page.ts`, import.meta.url));

/** The whole suite runs on the sources; these cases reach every kind of kernel, and errors and notices of workers. */
const only = /^(model|step|errors)|notice/;

for (const [name, isolated] of [
  ['isolated', true],
  ['plain', false],
] as const) {
  await testInChromium(`@moeq/wasm from a bundler, ${name}`, {
    entry: page(name),
    packages: 'built',
    isolated,
    only,
    after: {
      'asks for no other file': ({ site, cdn }) => {
        expect(site.requests).toEqual(['/', '/entry.js']);
        expect(cdn.requests).toEqual([]);
      },
    },
  });

  await testInChromium(`@moeq/wasm from a CDN, ${name}`, {
    entry: page(name),
    packages: 'imported',
    isolated,
    only,
    after: {
      'asks for modules of packages only': ({ site, cdn }) => {
        expect(site.requests).toEqual(['/', '/entry.js']);
        const packages = cdn.requests.filter((path) => path !== '/vitest.js');
        expect(packages).toContain('/packages/wasm/dist/index.js');
        for (const path of packages)
          expect(path).toMatch(/^\/packages\/(wasm|kernels|router|tensors)\/dist\/[\w-]+\.js$/);
      },
    },
  });
}
