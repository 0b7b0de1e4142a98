// What the suite of all backends cannot know: buffers counted on the device, reads that share a submission, results that are
// asked for late, warm-up, weights divided over small bindings, and what goes wrong on a device.
import type { Activations, Backend, Step } from '@moeq/kernels';
import { referenceBackend } from '@moeq/kernels';
import { randomMatrix, seededRandom } from '@moeq/kernels/conformance';
import type { Layout } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import { webgpuBackend } from './backend.js';
import { requestDevice } from './device/adapter.js';
import type { WebGpuErrorCode } from './errors.js';
import { WebGpuError } from './errors.js';
import { testGpu } from './testkit/gpu.js';

const { gpu, reason } = await testGpu();

const random = seededRandom(Math.random());
const codebook = random.normals(16);

/** nf4's layout with a codebook of its own. */
const nf4: Layout = {
  bitsPerCode: 4,
  order: 'highFirst',
  blockSize: 64,
  blocks: 'flat',
  decode: { kind: 'codebook', values: codebook },
  scale: { kind: 'plain', dtype: 'F32', multiplier: 1 },
};
const int8: Layout = {
  bitsPerCode: 8,
  order: 'lowFirst',
  blockSize: 32,
  blocks: 'row',
  decode: { kind: 'affine', zero: { kind: 'signed' } },
  scale: { kind: 'plain', dtype: 'F16', multiplier: 1 },
};

const [vocabulary, hidden, intermediate, experts] = [100, 128, 96, 6];
const route = { experts, expertsPerToken: 2, score: 'softmax', normalizeTopK: true } as const;
const matrices = {
  table: randomMatrix('BF16', [vocabulary, hidden], random).data,
  square: randomMatrix(nf4, [hidden, hidden], random).data,
  router: randomMatrix('F32', [experts, hidden], random).data,
  experts: Array.from({ length: experts }, (_, e) => {
    const layout = e % 3 === 1 ? int8 : nf4;
    return {
      gateUp: [
        randomMatrix(layout, [intermediate, hidden], random).data,
        randomMatrix(e === 2 ? int8 : layout, [intermediate, hidden], random).data,
      ],
      down: randomMatrix(layout, [hidden, intermediate], random).data,
    };
  }),
};
const normWeights = random.normals(hidden);

/** A small model's worth of operations. */
async function load(backend: Backend) {
  const table = await backend.loadWeight([matrices.table]);
  const square = await backend.loadWeight([matrices.square]);
  const router = await backend.loadWeight([matrices.router]);
  const weight = await backend.loadVector(normWeights);
  const all = await backend.loadExperts(
    experts,
    async (e) => matrices.experts[e] as (typeof matrices.experts)[0],
  );
  const layer = (step: Step, tokens: number): Activations => {
    const x = step.embed(
      table,
      Int32Array.from({ length: tokens }, (_, t) => (37 * t) % vocabulary),
    );
    const mixed = step.add(x, step.linear(step.rmsNorm(x, { weight, epsilon: 1e-5 }), square), 0.5);
    const normed = step.rmsNorm(mixed, { weight, epsilon: 1e-5 });
    const routing = step.route(step.linear(normed, router), route);
    const sum = step.add(mixed, step.experts(normed, routing, all, 'silu'));
    return step.linear(sum, table);
  };
  const release = (): void => {
    for (const object of [table, square, router, weight, all]) backend.release(object);
  };
  return { layer, release, table, square };
}

async function expectedLayer(tokens: number): Promise<Float32Array> {
  const backend = referenceBackend();
  const { layer } = await load(backend);
  return backend.step(async (step) => step.read(layer(step, tokens)));
}

function expectClose(actual: Float32Array, expected: Float32Array): void {
  expect(actual.length).toBe(expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const error = actual.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (expected[i] as number))),
    0,
  );
  expect(error).toBeLessThan(1e-5 * largest);
}

/** A device whose buffers are counted, and that claims to bind no more than `largest` bytes. */
function watched(device: GPUDevice, largest = device.limits.maxStorageBufferBindingSize) {
  const live = new Set<GPUBuffer>();
  const limits = {
    ...Object.fromEntries(limitNames.map((name) => [name, device.limits[name]])),
    maxStorageBufferBindingSize: largest,
  };
  const proxy = new Proxy(device, {
    get(target, key) {
      if (key === 'limits') return limits;
      if (key === 'createBuffer') {
        return (descriptor: GPUBufferDescriptor) => {
          const buffer = target.createBuffer(descriptor);
          const destroy = buffer.destroy.bind(buffer);
          buffer.destroy = () => {
            live.delete(buffer);
            return destroy();
          };
          live.add(buffer);
          return buffer;
        };
      }
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { device: proxy, live };
}

const limitNames = [
  'maxBufferSize',
  'minUniformBufferOffsetAlignment',
  'maxComputeWorkgroupStorageSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupsPerDimension',
] as const;

async function newDevice(): Promise<GPUDevice> {
  const adapter = await (gpu as GPU).requestAdapter();
  return requestDevice(adapter as GPUAdapter, ['subgroups']);
}

async function failure(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  return null;
}

function expectCode(error: unknown, code: WebGpuErrorCode): void {
  expect(error).toBeInstanceOf(WebGpuError);
  expect((error as WebGpuError).code).toBe(code);
}

describe.skipIf(gpu === null)(`WebGPU backend${reason && ` (${reason})`}`, () => {
  test('every buffer is destroyed, whoever owns the device', async () => {
    const { device, live } = watched(await newDevice());
    const backend = await webgpuBackend({ device });
    const idle = live.size;
    const { layer, release } = await load(backend);
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
    const { table, square } = await load(backend);
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

  test('what nobody reads is not computed', async () => {
    const backend = await webgpuBackend({ gpu: gpu as GPU });
    const { layer } = await load(backend);
    await backend.step(async (step) => {
      layer(step, 1);
    });
    // the router has to say whether its logits are finite; the experts after it have nobody to tell
    expect(backend.stats().dispatches).toBe(3);
    await backend.destroy();
  });

  test('after warming up, a step compiles nothing', async () => {
    const backend = await webgpuBackend({ gpu: gpu as GPU });
    const { layer } = await load(backend);
    const progress: string[] = [];
    await backend.warmUp(
      (step) => layer(step, 1),
      (ready, total) => progress.push(`${ready}/${total}`),
    );
    const { pipelines, dispatches, compileSeconds } = backend.stats();
    expect(dispatches).toBe(0);
    expect(compileSeconds).toBeGreaterThan(0);
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
    const whole = await newDevice();
    const backend = await webgpuBackend({ device: watched(whole, 1024 * kibibytes).device });
    const { layer } = await load(backend);
    expectClose(
      await backend.step(async (step) => step.read(layer(step, tokens))),
      await expectedLayer(tokens),
    );
    await backend.destroy();
    whole.destroy();
  });

  test('a device lost in the middle of a step is an error that says so, and a new backend works', async () => {
    const device = await newDevice();
    const backend = await webgpuBackend({ device });
    const { layer } = await load(backend);
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
    const again = await load(fresh);
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

describe.skipIf(gpu === null)('a format of its own', () => {
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
