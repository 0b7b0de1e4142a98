// Every kind of shader that the backend assembles becomes a pipeline: Tint, the compiler of Chromium and of Dawn, takes it
// without a warning, its bindings are those that the host binds, and it stays within the limits that every WebGPU device has.
// Dawn's null backend computes nothing but checks everything and has every feature, so this needs no GPU.
import { describe, expect, test } from 'vitest';
import { keepAlive } from '../device/adapter.js';
import { Pipelines } from '../device/pipelines.js';
import { dawn } from '../node.js';
import { assembledShaders, bfloat16 } from '../testkit/assembled-shaders.js';
import type { Shader } from './shader.js';
import { vectorKernel } from './vector.js';

const gpu = await dawn(['backend=null']);
const adapter = await gpu.requestAdapter();
const opened = await adapter?.requestDevice({ requiredFeatures: ['subgroups'] });
if (opened === undefined) throw new Error('Dawn has no null backend');
/** With the limits that every device has. */
const device = keepAlive(opened, gpu);

/** Messages of the compiler. */
async function complaints({ label, code }: Shader): Promise<string[]> {
  const module = device.createShaderModule({ label, code });
  const { messages } = await module.getCompilationInfo();
  return messages.map(({ message, lineNum }) => `${label}:${lineNum} ${message}`);
}

describe('pipelines of', () => {
  test.each(assembledShaders())('%s', async (purpose, shaders) => {
    // two multiplies share a dispatch only on devices with room for the buffers of both
    const fit = shaders.filter(
      ({ bindings }) => bindings.length <= device.limits.maxStorageBuffersPerShaderStage,
    );
    if (purpose !== 'merged multiplies') expect(fit).toEqual(shaders);
    const pipelines = new Pipelines(device);
    await pipelines.compile(fit);
    expect(pipelines.count).toBe(new Set(fit.map(({ code }) => code)).size);
    for (const shader of shaders) {
      expect(await complaints(shader)).toEqual([]);
      const declared = [...shader.code.matchAll(/@binding\((\d+)\) var<storage, (read|read_write)>/g)];
      expect(
        declared.map(([, number, mode]) => [Number(number), mode === 'read' ? 'read' : 'write']),
      ).toEqual(shader.bindings.map((access, index) => [index + 1, access]));
    }
  });
});

describe('refused is', () => {
  const { shader } = vectorKernel({
    kind: bfloat16,
    use: 'dense',
    activation: null,
    normed: true,
    tokens: 1,
    subgroups: true,
  });
  const change = (from: RegExp, to: string) => ({ ...shader, code: shader.code.replace(from, to) });
  test.each<[string, Shader, RegExp]>([
    [
      'a name that is not declared',
      change(/fn main/, 'fn other() -> u32 { return missing; }\nfn main'),
      /missing/,
    ],
    ['a buffer that the host does not bind', { ...shader, bindings: shader.bindings.slice(1) }, /binding/],
    [
      'a buffer that the host binds for reading only',
      { ...shader, bindings: shader.bindings.map(() => 'read' as const) },
      /binding|read/i,
    ],
    [
      'a workgroup larger than every device has',
      change(/@workgroup_size\(\d+\)/, '@workgroup_size(512)'),
      /512/,
    ],
  ])('%s', async (_, wrong, found) => {
    await expect(new Pipelines(device).compile([wrong])).rejects.toMatchObject({
      code: 'validation',
      message: expect.stringMatching(found),
    });
  });
});
