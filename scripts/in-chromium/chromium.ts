// Chromium for the tests of a file. Where it does not start, tests are skipped with the reason, unless MOEQ_REQUIRE_WEBGPU=1,
// which stands for a machine that has all that the tests need.
import type { Browser } from 'playwright-core';
import { launchChromium } from '../browser.ts';

const { MOEQ_REQUIRE_WEBGPU } = process.env;

/** As @moeq/webgpu has it in Node: clearing workgroup memory is most of the time that SwiftShader compiles. */
const quick = ['--enable-dawn-features=disable_workgroup_init'];

/** Says what is missing, or throws where nothing may be. */
export function missing(reason: string): { readonly reason: string } {
  if (MOEQ_REQUIRE_WEBGPU === '1') throw new Error(`MOEQ_REQUIRE_WEBGPU=1, and ${reason}`);
  return { reason };
}

/** @throws Error where a browser is required and there is none */
export async function startChromium(): Promise<Browser | { readonly reason: string }> {
  try {
    return await launchChromium({ args: quick });
  } catch (error) {
    return missing(`Chromium does not start: ${error instanceof Error ? error.message : String(error)}`);
  }
}
