// What is on stderr on a machine with a Vulkan loader and no driver: Dawn writes lines of its own there, and the built command
// keeps them from its users.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { vulkanLoaderFolder } from '../../../scripts/browser.js';

const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
const here = process.platform === 'linux' && process.arch === 'x64';

function node(...args: string[]) {
  const none = '/nonexistent/driver.json';
  const env = {
    ...process.env,
    LD_LIBRARY_PATH: vulkanLoaderFolder(),
    VK_DRIVER_FILES: none,
    VK_ICD_FILENAMES: none,
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe.skipIf(!here)('Vulkan without a driver', () => {
  test('Dawn by itself writes to stderr', () => {
    const url = import.meta.resolve('webgpu');
    const code = `const gpu = (await import(${JSON.stringify(url)})).create([]); await gpu.requestAdapter(); process.exit()`;
    expect(node('--input-type=module', '--eval', code).stderr).toContain('Found no drivers');
  });

  test('the CPU computes, without a word', () => {
    const { status, stdout, stderr } = node(bin, 'generate', '-n', '1', '--json');
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout).backend).toBe('wasm');
  });

  test('the GPU asked for is one sentence, with what Dawn said', () => {
    const { status, stdout, stderr } = node(bin, 'generate', '-n', '1', '--backend', 'webgpu');
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /^moeq: WebGPU: cannot start: expected a driver for Vulkan, found none \(Dawn: .+\)\n$/,
    );
  });
});
