// The conformance suite in Chromium: with memory that threads share, and without.
import { fileURLToPath } from 'node:url';
import { testInChromium } from '../../../scripts/in-chromium/test-in-chromium.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

await testInChromium('wasm in Chromium, cross-origin isolated', {
  entry: here('testkit/isolated-page.ts'),
  isolated: true,
  lacks: () => (globalThis.crossOriginIsolated ? null : 'the page is not isolated'),
});

await testInChromium('wasm in Chromium, not isolated', {
  entry: here('testkit/plain-page.ts'),
  lacks: () => (globalThis.crossOriginIsolated ? 'the page is isolated' : null),
});
