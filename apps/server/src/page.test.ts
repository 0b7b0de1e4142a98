import type { Model } from '@moeq/runtime';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../../scripts/browser.ts';
import { type Served, serve, tinyMoe } from './testkit/served.js';

let model: Model;
let server: Served;
let browser: Browser;
beforeAll(async () => {
  model = await tinyMoe();
  server = await serve(model);
  browser = await launchChromium();
});
afterAll(async () => {
  await browser.close();
  await server.close();
  await model.backend.destroy();
});

/** A page of its own; anything that it reports as an error fails the test. */
async function open(
  options: { width?: number; height?: number } = {},
  url = server.url,
): Promise<{ page: Page; errors: string[] }> {
  const { width = 1200, height = 800 } = options;
  const page = await browser.newPage({ viewport: { width, height } });
  const errors: string[] = [];
  page.on('pageerror', ({ message }) => errors.push(message));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('request', (request) => !request.url().startsWith(url) && errors.push(`foreign ${request.url()}`));
  await page.goto(url);
  await page.getByText('tiny-moe ·').waitFor();
  return { page, errors };
}

const answers = (page: Page) => page.locator('.message.assistant:not(.writing)');

/** Messages of each request from now on. */
function requestsOf(page: Page): { role: string; content: string }[][] {
  const asked: { role: string; content: string }[][] = [];
  page.on('request', (request) => {
    if (request.method() !== 'POST') return;
    asked.push((request.postDataJSON() as { messages: { role: string; content: string }[] }).messages);
  });
  return asked;
}

/** An answer of the server's made up: chunks of a stream. */
async function answerWith(page: Page, ...texts: string[]): Promise<void> {
  const chunks = texts.map((content) => ({
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
  }));
  const body = [...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]']
    .map((data) => `data: ${data}\n\n`)
    .join('');
  await page.route('**/v1/chat/completions', (route) =>
    route.fulfill({ contentType: 'text/event-stream', body }),
  );
}

describe('the page', () => {
  test('a question by keyboard, its answer, and another one', async () => {
    const { page, errors } = await open();
    await page.keyboard.type('In the beginning');
    await page.getByLabel('Most tokens').fill('40');
    await page.getByLabel('Seed').fill('3');
    await page.getByLabel('Message', { exact: true }).press('Enter');
    await answers(page).waitFor();
    await expect.poll(() => page.locator('.message.user').textContent()).toBe('In the beginning');
    const expected = await server.client.chat.completions.create({
      model: 'tiny-moe',
      messages: [{ role: 'user', content: 'In the beginning' }],
      max_tokens: 40,
      seed: 3,
    });
    const words = (text: string) => text.replace(/[\W_]+/g, '');
    const content = expected.choices[0]?.message.content ?? '';
    expect(words(((await answers(page).textContent()) ?? '').replace(/Regenerate\s*Copy$/, ''))).toBe(
      words(content),
    );
    const rate = (await page.locator('#rate').textContent()) ?? '';
    expect(rate).toMatch(/^\d+ tokens · [\d.]+ tokens\/s · first after \d+ ms$/);
    expect(Number.parseInt(rate, 10)).toBe(expected.usage?.completion_tokens);

    await page.getByLabel('Seed').fill('4');
    const first = await answers(page).textContent();
    await page.getByRole('button', { name: 'Regenerate' }).click();
    await expect
      .poll(async () => (await answers(page).count()) === 1 && (await answers(page).textContent()))
      .not.toBe(first);
    await page.getByRole('button', { name: 'New' }).click();
    expect(await page.locator('.message').count()).toBe(0);
    expect(errors).toEqual([]);
    await page.close();
  });

  test('Escape stops an answer, and what was written stays', async () => {
    const { page, errors } = await open();
    await page.getByLabel('Message', { exact: true }).fill('In the beginning');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('.writing').textContent()).toMatch(/\w/);
    await page.keyboard.press('Escape');
    await answers(page).waitFor();
    await expect.poll(async () => (await fetch(`${server.url}/status`)).json()).toMatchObject({ running: 0 });
    expect(await page.getByRole('button', { name: 'Send' }).count()).toBe(1);
    expect(errors).toEqual([]);
    await page.close();
  });

  test('markdown becomes structure, and nothing in it runs or loads', async () => {
    const { page, errors } = await open();
    await answerWith(
      page,
      '# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```js\nlet x = "<b>";\n```\n',
      '<script>window.hacked = 1</script><img src="https://evil.example.org/x.png" onerror="window.hacked = 1">',
      '<a href="javascript:window.hacked=1">click</a> <style>body{display:none}</style>',
      '<iframe src="https://evil.example.org"></iframe><form action="https://evil.example.org"><input></form>',
      '\n\n[link](https://example.org) ![picture](https://evil.example.org/y.png?secret)',
    );
    await page.getByLabel('Message', { exact: true }).fill('Go');
    await page.keyboard.press('Enter');
    const item = answers(page);
    await item.waitFor();
    expect(await item.locator('h1').textContent()).toBe('Title');
    expect(await item.locator('td').allTextContents()).toEqual(['1', '2']);
    expect(await item.locator('pre code').textContent()).toBe('let x = "<b>";\n');
    expect(await item.locator('script, img, style, iframe, form, input').count()).toBe(0);
    expect(
      await item.locator('a').evaluateAll((links) => links.map((link) => link.getAttribute('href'))),
    ).toEqual([null, 'https://example.org']);
    expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
    expect(errors).toEqual([]);
    await page.close();
  });

  test('memory by role, and the heat map after tokens', async () => {
    const { page, errors } = await open();
    await page.getByLabel('Message', { exact: true }).fill('The king');
    await page.keyboard.press('Enter');
    await answers(page).waitFor({ timeout: 30_000 });
    await expect
      .poll(() => page.locator('#experts-note').textContent(), { timeout: 10_000 })
      .toMatch(/^6 layers down, 8 experts across\. Busiest: expert \d of layer \d, [1-9]\d* %/);
    const colours = await page.locator('#experts').evaluate((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const pixels =
        (canvas as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height).data ?? [];
      return {
        width,
        height,
        colours: new Set(
          Array.from({ length: width * height }, (_, i) => pixels.slice(4 * i, 4 * i + 3).join()),
        ).size,
      };
    });
    expect([colours.width, colours.height]).toEqual([8, 6]);
    expect(colours.colours).toBeGreaterThan(6);
    expect(await page.locator('#memory').textContent()).toMatch(/KV cache/);
    expect(errors).toEqual([]);
    await page.close();
  });

  test('on a phone nothing is wider than the screen, and the panel covers the talk', async () => {
    const { page } = await open({ width: 360, height: 640 });
    const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
    await answerWith(page, `\`\`\`\n${'x'.repeat(300)}\n\`\`\`\n${'y'.repeat(300)}`);
    await page.getByLabel('Message', { exact: true }).fill('z'.repeat(200));
    await page.keyboard.press('Enter');
    await answers(page).waitFor();
    expect(await fits()).toBe(true);
    expect(await page.getByLabel('Temperature').isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Panel' }).click();
    expect([await page.getByLabel('Temperature').isVisible(), await fits()]).toEqual([true, true]);
    await page.close();
  });

  test('settings stay in the browser, a key is asked for where one is needed', async () => {
    await using other = await serve(model, { apiKeys: ['secret'] });
    const page = await browser.newPage();
    await page.goto(other.url);
    await page.getByLabel('API key').fill('secret');
    await page.getByText('tiny-moe ·').waitFor({ timeout: 10_000 });
    await page.getByLabel('Top p').fill('0.5');
    await page.reload();
    expect(await page.getByLabel('Top p').inputValue()).toBe('0.5');
    await page.getByText('tiny-moe ·').waitFor();
    await page.getByLabel('Most tokens').fill('3');
    await page.getByLabel('Message', { exact: true }).fill('Hi');
    await page.keyboard.press('Enter');
    await answers(page).waitFor();
    await page.close();
  });

  test('a question that failed goes back to where it was typed, and leaves no turn behind', async () => {
    const { page } = await open();
    const box = page.getByLabel('Message', { exact: true });
    const asked = requestsOf(page);
    await page.getByLabel('Most tokens').fill('3');
    await box.fill('word '.repeat(400));
    await page.keyboard.press('Enter');
    await page.getByText('by the context length').waitFor();
    await expect.poll(() => box.inputValue()).toBe('word '.repeat(400).trim());
    expect(await page.locator('.message.user').count()).toBe(0);
    // Nothing could be forgotten to make room.
    expect(await page.getByRole('button', { name: 'Forget the oldest turns' }).count()).toBe(0);
    await box.fill('In the beginning');
    await page.keyboard.press('Enter');
    await answers(page).waitFor();
    expect(asked.at(-1)?.map(({ role }) => role)).toEqual(['user']);
    expect(await page.locator('.message.failed').count()).toBe(0);
    await page.close();
  });

  test('an answer that is stopped before its first word takes its question back; one with words stays', async () => {
    const { page } = await open();
    const box = page.getByLabel('Message', { exact: true });
    const asked = requestsOf(page);
    // An answer that never begins.
    await page.route('**/v1/chat/completions', () => undefined, { times: 1 });
    await box.fill('Hello');
    await page.keyboard.press('Enter');
    await page.locator('.writing').waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => box.inputValue()).toBe('Hello');
    expect(await page.locator('.message').count()).toBe(0);
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('.writing').textContent()).toMatch(/\w/);
    await page.keyboard.press('Escape');
    await answers(page).waitFor();
    await page.getByLabel('Most tokens').fill('3');
    await box.fill('Go on');
    await page.keyboard.press('Enter');
    await expect.poll(() => answers(page).count()).toBe(2);
    expect(asked.at(-1)?.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    await page.close();
  });

  test('a full context goes on without the oldest turns, or anew', async () => {
    const { page, errors } = await open();
    const box = page.getByLabel('Message', { exact: true });
    const asked = requestsOf(page);
    await page.getByLabel('Most tokens').fill('3');
    // Some 103 tokens each: two fit into the context of 256, three do not.
    const questions = ['One', 'Two', 'Three'].map((first) => `${first} ${'word '.repeat(100)}`.trim());
    for (const [index, question] of questions.slice(0, 2).entries()) {
      await box.fill(question);
      await page.keyboard.press('Enter');
      await expect.poll(() => answers(page).count()).toBe(index + 1);
    }
    await box.fill(questions[2] ?? '');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Forget the oldest turns' }).click();
    await expect.poll(() => answers(page).count()).toBe(2);
    expect(
      asked
        .at(-1)
        ?.filter(({ role }) => role === 'user')
        .map(({ content }) => content),
    ).toEqual(questions.slice(1));
    await box.fill(questions[0] ?? '');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Start anew' }).click();
    await expect.poll(() => asked.at(-1)?.length).toBe(1);
    await answers(page).waitFor();
    expect(await page.locator('.message.user').allTextContents()).toEqual(questions.slice(0, 1));
    // The browser itself reports the answers that were refused.
    expect(errors.filter((text) => !text.includes('status of 400'))).toEqual([]);
    await page.close();
  });

  test.each(['{', '[]', 'null', '7', '{"temperature":{"a":1},"seed":null,"system":[],"top_p":"x"}'])(
    'damaged settings do not stop the page: %s',
    async (kept) => {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.addInitScript((value) => localStorage.setItem('moeq-settings', value), kept);
      await page.goto(server.url);
      await page.getByText('tiny-moe ·').waitFor();
      expect(await page.getByLabel('Temperature').inputValue()).toBe('0.8');
      await page.getByLabel('Most tokens').fill('3');
      await page.getByLabel('Message', { exact: true }).fill('Hi');
      await page.keyboard.press('Enter');
      await answers(page).waitFor();
      await context.close();
    },
  );

  test('sampling is the model’s own until it is set, and again when it is asked for', async () => {
    const { page } = await open();
    const bodies: Record<string, unknown>[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST') bodies.push(request.postDataJSON() as Record<string, unknown>);
    });
    const box = page.getByLabel('Message', { exact: true });
    const ask = async () => {
      const before = await answers(page).count();
      await box.fill('Hi');
      await box.press('Enter');
      await expect.poll(() => answers(page).count()).toBe(before + 1);
    };
    // tiny-moe's generation_config.json
    expect(await page.getByLabel('Temperature').inputValue()).toBe('0.8');
    expect(await page.getByLabel('Top p').inputValue()).toBe('0.95');
    await page.getByLabel('Most tokens').fill('2');
    await ask();
    expect(bodies.at(-1)).toMatchObject({ max_tokens: 2 });
    expect(bodies.at(-1)).not.toHaveProperty('temperature');
    await page.getByLabel('Temperature').fill('0.3');
    await ask();
    expect(bodies.at(-1)).toMatchObject({ temperature: 0.3 });
    await page.getByRole('button', { name: /own sampling/ }).click();
    expect(await page.getByLabel('Temperature').inputValue()).toBe('0.8');
    await page.getByLabel('Most tokens').fill('2');
    await ask();
    expect(bodies.at(-1)).not.toHaveProperty('temperature');
    await page.close();
  });
});

test('the page may load and be framed by itself alone', async () => {
  const { headers } = await fetch(server.url);
  const policy = headers.get('content-security-policy') ?? '';
  for (const rule of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"])
    expect(policy).toContain(rule);
  expect(headers.get('x-content-type-options')).toBe('nosniff');
});
