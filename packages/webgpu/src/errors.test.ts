// What goes wrong on a device, before there is one, and in the options: typed errors that say what to do.
import { describe, expect, test } from 'vitest';
import { webgpuBackend } from './backend.js';
import { expectCode, failure, newDevice } from './testkit/devices.js';
import { testGpu } from './testkit/gpu.js';
import { expectClose, expectedLayer, loadSmallModel } from './testkit/small-model.js';

const { gpu, reason } = await testGpu();

describe.skipIf(gpu === null)(`errors of WebGPU${reason && ` (${reason})`}`, () => {
  test('a device lost in the middle of a step is an error that says so, and a new backend works', async () => {
    const device = await newDevice(gpu);
    const backend = await webgpuBackend({ device });
    const { layer } = await loadSmallModel(backend);
    const error = await failure(() =>
      backend.step(async (step) => {
        await step.read(layer(step, 1));
        device.destroy();
        return step.read(layer(step, 2));
      }),
    );
    expectCode(error, 'deviceLost');
    expect((error as Error).message).toContain('load the model again');
    expectCode(await failure(() => backend.step(async (step) => step.read(layer(step, 1)))), 'deviceLost');
    await backend.destroy();

    const fresh = await webgpuBackend({ gpu: gpu as GPU });
    const again = await loadSmallModel(fresh);
    expectClose(await fresh.step(async (step) => step.read(again.layer(step, 1))), await expectedLayer(1));
    await fresh.destroy();
  });

  test('what is larger than a binding is refused with a plan', async () => {
    const backend = await webgpuBackend({ gpu: gpu as GPU });
    const spec = { layers: 2, kvHeads: 64, headDim: 128, pageSize: 16, pages: 2 ** 20 };
    const error = await failure(() => backend.createKvCache(spec));
    expectCode(error, 'limit');
    expect((error as Error).message).toMatch(
      /1\.1 GB that the device binds at once, found 549\.8 GB.*--backend cpu/,
    );
    await backend.destroy();
  });

  test('a software adapter is refused where none is wanted', async () => {
    const adapter = await (gpu as GPU).requestAdapter();
    if (!/swiftshader/i.test(adapter?.info.architecture ?? '')) return;
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
