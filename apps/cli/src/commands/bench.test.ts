import { expect, test } from 'vitest';
import { moeq } from '../testkit/capture.js';

const short = ['bench', '--prompt-tokens', '8', '--decode-tokens', '4', '--repetitions', '2'];
const number = expect.any(Number);

test('the document', async () => {
  const started = performance.now();
  const { status, stdout, stderr } = await moeq([...short, '--backend', 'reference', '--json']);
  const seconds = (performance.now() - started) / 1000;
  expect([status, stderr]).toEqual([0, '']);
  const document = JSON.parse(stdout);
  expect(document).toEqual({
    model: 'tiny-moe',
    backend: 'reference',
    threads: 1,
    prefillTokensPerSecond: number,
    decodeTokensPerSecond: number,
    // 2 of 8 experts, attention, routers, norms, head, and one row of the embedding, in bfloat16.
    weightBytesPerToken: 2 * (9_437_184 / 4 + 983_040 + 12_288 + 3_328 + 1_048_576 + 256),
    effectiveGigabytesPerSecond: number,
    peakRssBytes: number,
  });
  const { prefillTokensPerSecond, decodeTokensPerSecond, weightBytesPerToken, effectiveGigabytesPerSecond } =
    document;
  // the median of runs that all took place within the time of the command
  expect(prefillTokensPerSecond).toBeGreaterThan(8 / seconds);
  expect(decodeTokensPerSecond).toBeGreaterThan(4 / seconds);
  expect(effectiveGigabytesPerSecond).toBeCloseTo((decodeTokensPerSecond * weightBytesPerToken) / 1e9, 12);
  const quantized = await moeq([...short, '--backend', 'reference', '--recipe', 'nf4', '--json']);
  expect(JSON.parse(quantized.stdout).weightBytesPerToken).toBeLessThan(5.4e6);
});

test('the table', async () => {
  const { status, stdout, stderr } = await moeq([...short, '--backend', 'reference']);
  expect(status).toBe(0);
  expect(stdout).toMatch(/read 8 tokens +[\d.]+ tokens\/s/);
  expect(stdout).toMatch(/weights read per token +8\.81 MB/);
  expect(stderr).toBe('tiny-moe · plain TypeScript, float32 · median of 2 runs\n');
});

test('more tokens than the context has room for are one sentence', async () => {
  const { status, stderr } = await moeq(['bench', '--prompt-tokens', '250', '--decode-tokens', '7']);
  expect(status).toBe(1);
  expect(stderr).toMatch(/at most 256 tokens together, the context of the model, found 257\n$/);
});
