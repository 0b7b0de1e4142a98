import { expect, test } from 'vitest';
import { moeq } from '../testkit/capture.js';

/** The oracle of all backends, in whose arithmetic nothing depends on the machine. */
const reference = ['--backend', 'reference'];

const greedy = ['generate', 'tiny-moe', ...reference, '--greedy', '-n', '12', '-p', 'In the beginning'];

test('the text alone is on stdout; the same seed and greedy repeat themselves', async () => {
  const [first, second] = [await moeq(greedy), await moeq(greedy)];
  expect(first.status).toBe(0);
  expect(first.stdout).toMatch(/^ \w.*\n$/s);
  expect(second.stdout).toBe(first.stdout);
  expect(first.stderr).toMatch(/^12 tokens, cut · .* tokens\/s · .* · greedy\n$/);
  const drawn = (seed: string) =>
    moeq(['generate', ...reference, '-n', '12', '--temperature', '1.5', '--seed', seed]);
  const texts = await Promise.all(['1', '1', '2'].map(async (seed) => (await drawn(seed)).stdout));
  expect(texts[1]).toBe(texts[0]);
  expect(texts[2]).not.toBe(texts[0]);
});

test('the document', async () => {
  const { status, stdout, stderr } = await moeq([...greedy, '--json']);
  expect([status, stderr]).toEqual([0, '']);
  const document = JSON.parse(stdout);
  const number = expect.any(Number);
  expect(document).toEqual({
    model: 'tiny-moe',
    backend: 'reference',
    threads: 1,
    text: expect.any(String),
    tokenIds: expect.any(Array),
    promptTokenIds: expect.any(Array),
    finishReason: 'length',
    timings: { loadSeconds: number, prefillTokensPerSecond: number, decodeTokensPerSecond: number },
    memory: { weightBytes: number, kvCacheBytes: number, peakRssBytes: number },
  });
  expect(document.tokenIds).toHaveLength(12);
  expect(document.promptTokenIds[0]).toBe(1);
  expect(document.text).toBe((await moeq(greedy)).stdout.slice(0, -1));
  expect(document.memory.weightBytes).toBeGreaterThan(25e6);
  expect(document.memory.peakRssBytes).toBeGreaterThan(document.memory.weightBytes);
});

test('a stop text ends the text before it, and the prompt can come from stdin', async () => {
  const { stdout } = await moeq(greedy);
  const words = stdout.trim().split(' ');
  const stop = words[2] ?? '';
  const stopped = await moeq([...greedy, '--stop', stop]);
  expect(stopped.stdout).toBe(`${stdout.slice(0, stdout.indexOf(stop))}\n`);
  expect(stopped.stderr).toContain('stopped');
  const piped = await moeq(['generate', ...reference, '--greedy', '-n', '12', '-p', '-'], {
    stdin: 'In the beginning',
  });
  expect(piped.stdout).toBe(stdout);
});

test('a recipe quantizes while loading', async () => {
  const weights = async (...options: string[]) =>
    JSON.parse((await moeq([...greedy, '--json', ...options])).stdout).memory.weightBytes;
  const [plain, quantized] = [await weights(), await weights('--recipe', 'nf4')];
  // 18.9 MB of experts become 4.87 MB
  expect(plain - quantized).toBeGreaterThan(13.9e6);
  expect(plain - quantized).toBeLessThan(14.1e6);
});

test('a prompt that does not fit is one sentence', async () => {
  const { status, stderr } = await moeq(['generate', '-p', 'word '.repeat(400)]);
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /^moeq: tiny-moe: cannot read the prompt: expected at most 255 tokens, by the context length, found \d+\n$/,
  );
});
