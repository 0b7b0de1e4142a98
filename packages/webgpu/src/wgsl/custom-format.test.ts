// A format that no layout describes, run by a snippet of WGSL.
import { describe, expect, test } from 'vitest';
import { webgpuBackend } from '../backend.js';
import { failure } from '../testkit/devices.js';
import { testGpu } from '../testkit/gpu.js';
import { expectClose, random } from '../testkit/small-model.js';

const { gpu, reason } = await testGpu();

describe.skipIf(gpu === null)(`a format of its own${reason && ` (${reason})`}`, () => {
  /** sign(code) * 2^-|code|, times a bfloat16 scale a row. */
  const formats = {
    powers: {
      planes: ['codes', 'rowScales'],
      wgsl: `fn element(at: Planes, row: u32, column: u32, columns: u32) -> f32 {
  let code = i32(byteAt(at.codes + row * columns + column)) - 8;
  return f32(sign(code)) * exp2(-f32(abs(code))) * bfloat16At(at.rowScales + 2u * row);
}`,
    },
  };
  const [rows, columns] = [7, 33];
  const codes = Uint8Array.from({ length: rows * columns }, () => random.integer(16));
  const scales = Uint16Array.from({ length: rows }, () => 0x3f80 + random.integer(128)); // 1 to 2
  const tensor = {
    format: 'powers',
    shape: [rows, columns],
    dtype: 'F32' as const,
    layout: null,
    planes: {
      codes: { dtype: 'U8' as const, data: codes },
      rowScales: { dtype: 'BF16' as const, data: new Uint8Array(scales.buffer) },
    },
  };
  const values = Float32Array.from(codes, (code, i) => {
    const scale = new Float32Array(
      Uint32Array.of((scales[Math.floor(i / columns)] as number) << 16).buffer,
    )[0] as number;
    return Math.sign(code - 8) * 2 ** -Math.abs(code - 8) * scale;
  });

  test.each([1, 3, 20])('runs by its snippet: %d tokens', async (tokens) => {
    const backend = await webgpuBackend({ gpu: gpu as GPU, formats });
    const weight = await backend.loadWeight([tensor]);
    const x = random.normals(tokens * columns);
    const y = await backend.step(async (step) => step.read(step.linear(step.input(x, tokens), weight)));
    const expected = Float32Array.from({ length: tokens * rows }, (_, i) => {
      const [t, n] = [Math.floor(i / rows), i % rows];
      let sum = 0;
      for (let k = 0; k < columns; k++)
        sum += (x[t * columns + k] as number) * (values[n * columns + k] as number);
      return sum;
    });
    expectClose(y, expected);
    await backend.destroy();
  });

  test('is refused without a snippet, with a missing plane, or with a snippet that is none', async () => {
    const backend = await webgpuBackend({ gpu: gpu as GPU, formats });
    const refuse = async (work: () => unknown, message: RegExp) =>
      expect(((await failure(work)) as Error).message).toMatch(message);
    await refuse(
      () => backend.loadWeight([{ ...tensor, format: 'primes' }]),
      /WGSL snippet.*found neither in format "primes"/,
    );
    const { codes: only } = tensor.planes;
    await refuse(
      () => backend.loadWeight([{ ...tensor, planes: { codes: only } }]),
      /expected plane rowScales, found codes/,
    );
    await backend.destroy();
    const wrong = { powers: { planes: ['codes'], wgsl: 'fn other() {}' } };
    await refuse(() => webgpuBackend({ gpu: gpu as GPU, formats: wrong }), /a WGSL function `element`/);
  });
});
