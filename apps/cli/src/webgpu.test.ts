// --backend webgpu in every command that has it, on SwiftShader, which computes on the CPU; on this machine's GPU with
// MOEQ_WEBGPU=native.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openSafetensorsFile } from '@moeq/tensors/node';
import { dawn } from '@moeq/webgpu/node';
import { afterAll, describe, expect, test } from 'vitest';
import { swiftshader } from '../../../scripts/browser.js';
import { moeq } from './testkit/capture.js';

const { MOEQ_WEBGPU, MOEQ_REQUIRE_WEBGPU } = process.env;

async function adapterInfo(): Promise<GPUAdapterInfo | null> {
  const gpu = await dawn().catch(() => null);
  const adapter = await gpu?.requestAdapter();
  return adapter?.info ?? null;
}

/** Before SwiftShader is loaded, for good. */
const without =
  process.platform !== 'linux' || MOEQ_WEBGPU === 'native' || (await adapterInfo()) !== null
    ? null
    : {
        automatic: await moeq(['generate', '-n', '1', '--json']),
        asked: await moeq(['generate', '-n', '1', '--backend', 'webgpu']),
      };
if (MOEQ_WEBGPU !== 'native' && process.platform === 'linux') swiftshader();
const info = await adapterInfo();
if (info === null && MOEQ_REQUIRE_WEBGPU === '1') {
  throw new Error('MOEQ_REQUIRE_WEBGPU=1, and there is no WebGPU adapter');
}
const folder = await mkdtemp(join(tmpdir(), 'moeq-webgpu-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

test.skipIf(without === null)('without an adapter, auto is the CPU, and webgpu says what is missing', () => {
  const { automatic, asked } = without ?? {};
  expect(JSON.parse(automatic?.stdout ?? '').backend).toBe('wasm');
  expect(automatic?.stderr).toBe('');
  expect([asked?.status, asked?.stdout]).toEqual([1, '']);
  expect(asked?.stderr).toBe(
    'moeq: WebGPU: cannot start: expected a driver for Vulkan, found no libvulkan.so.1\n',
  );
});

describe.skipIf(info === null)('with an adapter', { timeout: 240_000 }, () => {
  const software = MOEQ_WEBGPU !== 'native';
  const webgpu = ['--backend', 'webgpu'];
  const note = software
    ? /^note: .*SwiftShader.* is no GPU but a program that computes on the CPU; --backend cpu is faster\n/
    : /^/;

  test('generate writes what the reference backend writes', async () => {
    const args = ['generate', '--greedy', '-n', '6', '--recipe', 'nf4', '--json'];
    const [gpu, reference] = [
      await moeq([...args, ...webgpu]),
      await moeq([...args, '--backend', 'reference']),
    ];
    expect(gpu.status).toBe(0);
    expect(gpu.stderr).toMatch(note);
    const document = JSON.parse(gpu.stdout);
    expect(document.backend).toBe('webgpu');
    expect(document.tokenIds).toEqual(JSON.parse(reference.stdout).tokenIds);
  });

  test('auto takes no software adapter, and no adapter at all for who asks for threads', async () => {
    const of = async (...args: string[]) => {
      const { stdout, stderr } = await moeq(['generate', '-n', '1', '--json', ...args]);
      return [JSON.parse(stdout).backend, stderr];
    };
    expect(await of()).toEqual([software ? 'wasm' : 'webgpu', '']);
    expect(await of('--threads', '1')).toEqual(['wasm', '']);
  });

  test('bench names the adapter, and what compiling took', async () => {
    const started = performance.now();
    const args = ['bench', '--prompt-tokens', '2', '--decode-tokens', '2', '--repetitions', '1', ...webgpu];
    const { status, stdout } = await moeq([...args, '--json']);
    expect(status).toBe(0);
    const { backend, adapter, compileSeconds, decodeTokensPerSecond } = JSON.parse(stdout);
    expect([backend, adapter]).toEqual(['webgpu', expect.stringMatching(software ? /swiftshader/i : /./)]);
    // all of it took place while the command ran: two tokens were computed, and compiling was a part
    const seconds = (performance.now() - started) / 1000;
    expect(compileSeconds).toBeLessThan(seconds);
    expect(decodeTokensPerSecond).toBeGreaterThan(2 / seconds);
  });

  test('a format of a plugin runs by its WGSL, and is decoded for backends without', async () => {
    const plugin = fileURLToPath(
      new URL('../../../examples/custom-quantizer/dual-plugin.ts', import.meta.url),
    );
    const args = ['generate', '--greedy', '-n', '4', '--plugin', plugin, '--recipe', 'dual', '--json'];
    const [gpu, reference] = [
      await moeq([...args, ...webgpu]),
      await moeq([...args, '--backend', 'reference']),
    ];
    expect(JSON.parse(gpu.stdout).tokenIds).toEqual(JSON.parse(reference.stdout).tokenIds);
    expect(gpu.stderr).not.toContain('dual');
    expect(reference.stderr).toBe(
      'note: no layout describes dual to the kernels, so its tensors are decoded to float32\n',
    );
    const weights = (document: string) => JSON.parse(document).memory.weightBytes;
    expect(weights(gpu.stdout)).toBeLessThan(weights(reference.stdout) / 2);
  });

  test('logits have their shape', async () => {
    const [ids, out] = [join(folder, 'ids.json'), join(folder, 'out.safetensors')];
    await writeFile(ids, '[[1, 2, 3]]');
    const logits = await moeq(['logits', '--token-ids', ids, '--out', out, ...webgpu]);
    expect(logits.status).toBe(0);
    const file = await openSafetensorsFile(out);
    expect(file.tensors.get('logits')?.shape).toEqual([1, 3, 4096]);
    await file.close();
  });
});
