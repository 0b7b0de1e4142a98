// What the suite of all backends cannot know: buffers counted on the device, reads that share a submission, results that are
// asked for late, warm-up, and weights divided over small bindings.
import { describe, expect, test } from 'vitest';
import { webgpuBackend } from './backend.js';
import { newDevice, watched } from './testkit/devices.js';
import { testGpu } from './testkit/gpu.js';
import { expectClose, expectedLayer, loadSmallModel } from './testkit/small-model.js';

const { gpu, reason } = await testGpu();

describe.skipIf(gpu === null)(`WebGPU backend${reason && ` (${reason})`}`, () => {
  test('every buffer is destroyed, whether the device is ours or not', async () => {
    const { device, live } = watched(await newDevice(gpu));
    const backend = await webgpuBackend({ device });
    const idle = live.size;
    const { layer, release } = await loadSmallModel(backend);
    await backend.step(async (step) => step.read(layer(step, 3)));
    const { created } = backend.stats().buffers;
    for (let i = 0; i < 3; i++) await backend.step(async (step) => step.read(layer(step, 3)));
    expect(backend.stats().buffers.created).toBe(created);
    expect(backend.stats().buffers.live).toBe(live.size);
    const before = live.size;
    release();
    expect(live.size).toBeLessThan(before);
    expect(live.size).toBeGreaterThanOrEqual(idle);
    await backend.destroy();
    expect(live.size).toBe(0);
    device.destroy();
  });

  test('reads of one turn share a submission; late and repeated ones are right', async () => {
    const backend = await webgpuBackend({ gpu: gpu as GPU });
    const { table, square } = await loadSmallModel(backend);
    await backend.step(async (step) => {
      const x = step.embed(table, Int32Array.of(3, 4));
      const y = step.linear(x, square);
      const z = step.linear(y, square);
      const before = backend.stats().submits;
      const [ofZ, alsoZ] = await Promise.all([step.read(z), step.read(z)]);
      expect(backend.stats().submits).toBe(before + 1);
      expect(alsoZ).toEqual(ofZ);
      // y was joined to the past: it is computed again
      const ofY = await step.read(y);
      expect(await step.read(step.linear(y, square))).toEqual(ofZ);
      expect(await step.read(step.linear(step.input(ofY, 2), square))).toEqual(ofZ);
    });
    await backend.destroy();
  });

  test('what has no reader is not computed', async () => {
    const backend = await webgpuBackend({ gpu: gpu as GPU });
    const { layer } = await loadSmallModel(backend);
    await backend.step(async (step) => {
      layer(step, 1);
    });
    // the router has to say whether its logits are finite; the experts after it have no reader
    expect(backend.stats().dispatches).toBe(3);
    await backend.destroy();
  });

  test('after warming up, a step compiles nothing', async () => {
    const backend = await webgpuBackend({ gpu: gpu as GPU });
    const { layer } = await loadSmallModel(backend);
    const progress: string[] = [];
    const started = performance.now();
    await backend.warmUp(
      (step) => layer(step, 1),
      (ready, total) => progress.push(`${ready}/${total}`),
    );
    const { pipelines, dispatches, compileSeconds } = backend.stats();
    expect(dispatches).toBe(0);
    expect(compileSeconds).toBeGreaterThan(0);
    expect(compileSeconds).toBeLessThanOrEqual((performance.now() - started) / 1000);
    expect(progress.at(-1)).toBe(`${pipelines}/${pipelines}`);
    await backend.step(async (step) => step.read(layer(step, 1)));
    expect(backend.stats().pipelines).toBe(pipelines);
    await backend.destroy();
  });

  test.each([
    [1, 16],
    [4, 24],
    [20, 48],
  ])('%d tokens with weights divided over bindings of %d KiB', async (tokens, kibibytes) => {
    const whole = await newDevice(gpu);
    const backend = await webgpuBackend({ device: watched(whole, 1024 * kibibytes).device });
    const { layer } = await loadSmallModel(backend);
    expectClose(
      await backend.step(async (step) => step.read(layer(step, tokens))),
      await expectedLayer(tokens),
    );
    await backend.destroy();
    whole.destroy();
  });
});
