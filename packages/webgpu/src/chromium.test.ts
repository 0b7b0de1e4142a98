// The browser of the tests has WebGPU: what examples and pages are tested with.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { launchChromium } from '../../../scripts/browser.js';
import { isSoftwareAdapter } from './device/adapter.js';

test('Chromium offers an adapter that is known to be a software one', async () => {
  // navigator.gpu is there in secure contexts only, of which localhost is one
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>gpu</title>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const info = await page.evaluate(async () => {
      const adapter = await navigator.gpu.requestAdapter();
      if (adapter === null) return null;
      const { vendor, architecture, device, description } = adapter.info;
      return { vendor, architecture, device, description };
    });
    expect(info).not.toBeNull();
    expect(info !== null && isSoftwareAdapter(info)).toBe(true);
  } finally {
    await browser.close();
    server.close();
  }
});
