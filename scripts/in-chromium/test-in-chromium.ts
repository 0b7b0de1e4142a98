// A suite that runs in a page, reported here: a test for each of its tests, with the error that the page had.
import { afterAll, describe, expect, test } from 'vitest';
import { missing, startChromium } from './chromium.ts';
import { type OpenPage, openPage, type PageOptions } from './open-page.ts';
import type { suite } from './page-vitest.ts';

declare const moeqSuite: typeof suite;

export interface SuiteOptions extends PageOptions {
  /** What the page must have, e.g. an adapter: null, or what is missing. Runs in the page. */
  readonly lacks?: () => Promise<string | null> | string | null;
  /** Which tests, by name; all unless given. */
  readonly only?: RegExp;
  /** Why a test is not to be run; null for those that are. */
  readonly skip?: (name: string) => string | null;
  /** What is to be true when all have run, by name. */
  readonly after?: Readonly<Record<string, (opened: OpenPage<object>) => void>>;
}

/**
 * Declares the tests that the module `entry` declares, which run in Chromium.
 * @throws Error when the module does not load
 */
export async function testInChromium(name: string, options: SuiteOptions): Promise<void> {
  const browser = await startChromium();
  if ('reason' in browser) return skipAll(name, browser.reason);
  let opened: OpenPage<object>;
  let lacks: string | null;
  try {
    opened = await openPage(browser, options);
    lacks = (await opened.page.evaluate(options.lacks ?? (() => null))) ?? null;
  } catch (error) {
    await browser.close();
    throw error;
  }
  if (lacks !== null) {
    await browser.close();
    return skipAll(name, missing(lacks).reason);
  }
  const { page } = opened;
  const tests = await page.evaluate(() => moeqSuite.tests());

  describe(name, () => {
    afterAll(async () => {
      const failure = await page.evaluate(() => moeqSuite.end());
      await opened[Symbol.asyncDispose]();
      await browser.close();
      if (failure !== null) throw new Error(failure);
    });
    for (const [index, { name, skipped }] of tests.entries()) {
      if (options.only?.test(name) === false) continue;
      const reason = options.skip?.(name) ?? null;
      if (skipped || reason !== null) {
        test.skip(reason === null ? name : `${name} (${reason})`);
        continue;
      }
      test(name, async () => {
        const failure = await page.evaluate((index) => moeqSuite.run(index), index);
        if (failure !== null) throw new Error(failure);
        expect(failure).toBe(null);
      });
    }
    for (const [name, check] of Object.entries(options.after ?? {})) test(name, () => check(opened));
  });
}

function skipAll(name: string, reason: string): void {
  describe(name, () => {
    test.skip(reason);
  });
}
