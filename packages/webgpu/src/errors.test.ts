// What goes wrong on a device, before there is one, and in the options: typed errors that say what to do.
import { describe, expect, test } from 'vitest';
import { webgpuBackend } from './backend.js';
import { expectCode, failure, lossy, newDevice } from './testkit/devices.js';
import { testGpu } from './testkit/gpu.js';
import { expectClose, expectedLayer, loadSmallModel } from './testkit/small-model.js';

const { gpu, reason } = await testGpu();
const adapter = await gpu?.requestAdapter();
const onSwiftshader = /swiftshader/i.test(adapter?.info.architecture ?? '');

describe.skipIf(gpu === null)(`errors of WebGPU${reason && ` (${reason})`}`, { timeout: 300_000 }, () => {
  test('a device lost in the middle of a step is an error that says so; restarted, the backend works', async () => {
    const { gpu: own, given, loseInNextStep } = lossy(gpu as GPU);
    const backend = await webgpuBackend({ gpu: own });
    const { layer } = await loadSmallModel(backend);
    await backend.restart();
    expect([backend.losses, given()]).toEqual([0, 1]);
    const error = await failure(() =>
      backend.step(async (step) => {
        await step.read(layer(step, 1));
        loseInNextStep();
        return step.read(layer(step, 2));
      }),
    );
    expectCode(error, 'deviceLost');
    expect((error as Error).message).toContain('load again');
    expect(backend.losses).toBe(1);
    expectCode(await failure(() => backend.step(async (step) => step.read(layer(step, 1)))), 'deviceLost');
    expectCode(await failure(() => backend.loadVector(new Float32Array(1))), 'deviceLost');

    await Promise.all([backend.restart(), backend.restart()]);
    expect([backend.losses, given()]).toEqual([1, 2]);
    const dead = await failure(() => backend.step(async (step) => step.read(layer(step, 1))));
    expect((dead as Error).message).toMatch(/weight/);
    const again = await loadSmallModel(backend);
    expectClose(await backend.step(async (step) => step.read(again.layer(step, 1))), await expectedLayer(1));
    await backend.destroy();
  });

  test('a device that was given to the backend is lost for good', async () => {
    const device = await newDevice(gpu);
    const backend = await webgpuBackend({ device });
    device.destroy();
    await device.lost;
    expectCode(await failure(() => backend.restart()), 'deviceLost');
    await backend.destroy();
  });

  test('what is larger than a binding is refused', async () => {
    const backend = await webgpuBackend({ gpu: gpu as GPU });
    const spec = { layers: 2, kvHeads: 64, headDim: 128, pageSize: 16, pages: 2 ** 20 };
    const error = await failure(() => backend.createKvCache(spec));
    expectCode(error, 'limit');
    expect((error as Error).message).toBe(
      'KV cache keys: cannot allocate: expected at most the 1.07 GB that the device binds at once, found 550 GB',
    );
    await backend.destroy();
  });

  test.skipIf(!onSwiftshader)('a software adapter is refused where none is wanted', async () => {
    const error = await failure(() => webgpuBackend({ gpu: gpu as GPU, software: false }));
    expectCode(error, 'noAdapter');
    expect((error as Error).message).toMatch(/swiftshader/i);
  });
});

test('no adapter is an error that says so', async () => {
  const none = { requestAdapter: async () => null } as unknown as GPU;
  expectCode(await failure(() => webgpuBackend({ gpu: none })), 'noAdapter');
});

test.each([
  [{ powerpreference: 'low-power' }, 'powerpreference'],
  [{ features: { f16: true } }, 'f16'],
  [{ kvCache: 'f8' }, 'f8'],
])('unknown options are refused: %o', async (options, named) => {
  const error = await failure(() => webgpuBackend(options as never));
  expect((error as Error).message).toContain(named);
});
