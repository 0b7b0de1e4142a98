// A model on a device that is lost.
import { fileURLToPath } from 'node:url';
import { openModel } from '@moeq/loader/node';
import { createModel } from '@moeq/runtime';
import { webgpuBackend } from '@moeq/webgpu';
import { describe, expect, test } from 'vitest';
import { expectCode, failure, lossy } from '../../../../packages/webgpu/src/testkit/devices.js';
import { testGpu } from '../../../../packages/webgpu/src/testkit/gpu.js';

const { gpu, reason } = await testGpu();

describe.skipIf(gpu === null)(`a lost device${reason && ` (${reason})`}`, () => {
  test('a model that is lost with its device ends its text, and is loaded again with the next call', async () => {
    const { gpu: own, given, loseInNextStep } = lossy(gpu as GPU);
    const backend = await webgpuBackend({ gpu: own });
    const folder = new URL('../../../../packages/loader/testdata/architectures/mixtral', import.meta.url);
    const source = await openModel(fileURLToPath(folder), { recipe: 'nf4' });
    const model = await createModel(source, { backend });
    const options = { temperature: 0, maxNewTokens: 8, stopTokenIds: [] };
    const expected = await model.complete([1, 2, 3], options);
    const tokens: number[] = [];
    const error = await failure(async () => {
      for await (const { tokenId } of model.generate([1, 2, 3], options)) {
        tokens.push(tokenId as number);
        if (tokens.length === 4) loseInNextStep();
      }
    });
    expectCode(error, 'deviceLost');
    expect(tokens).toEqual(expected.tokenIds.slice(0, 4));
    expect((await model.complete([1, 2, 3], options)).tokenIds).toEqual(expected.tokenIds);
    expect([backend.losses, given()]).toEqual([1, 2]);
    await model.close();
    await source.close();
    await backend.destroy();
  });
});
