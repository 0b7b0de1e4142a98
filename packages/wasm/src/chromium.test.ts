// The conformance suite in Chromium: with memory that threads share, and without. What differs in the layout of weights alone
// runs in wasm-backend.test.ts, in the same engine of JavaScript: without shared memory one case in eight of these is enough,
// all of them where MOEQ_THOROUGH=1 says that there is time.
import { fileURLToPath } from 'node:url';
import { testInChromium } from '../../../scripts/in-chromium/test-in-chromium.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

await testInChromium('wasm in Chromium, cross-origin isolated', {
  entry: here('testkit/isolated-page.ts'),
  isolated: true,
  lacks: () => (globalThis.crossOriginIsolated ? null : 'the page is not isolated'),
});

const { MOEQ_THOROUGH } = process.env;
let layouts = 0;
const isOneOfEight = (name: string) =>
  !/: (odd sizes, )?(codebook|affine|scale|flat|row|a row)/.test(name) || layouts++ % 8 === 0;

await testInChromium('wasm in Chromium, not isolated', {
  entry: here('testkit/plain-page.ts'),
  lacks: () => (globalThis.crossOriginIsolated ? 'the page is isolated' : null),
  skip: (name) =>
    MOEQ_THOROUGH === '1' || isOneOfEight(name)
      ? null
      : 'runs under Node in wasm-backend.test.ts; here with MOEQ_THOROUGH=1',
});
