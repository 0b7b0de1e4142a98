// What a device's memory gives: copying a buffer, and reading one in a kernel that does nothing but add. Medians of five.
import { median } from '../median.ts';

/** A size that no cache holds on a GPU; SwiftShader gets less, for its time. */
const wantedBytes = { gpu: 512 << 20, software: 64 << 20 } as const;

/** Workgroups that fill any device; each adds up its share. */
const workgroups = 4096;
const workgroupSize = 256;

const readShader = `
@group(0) @binding(0) var<storage, read> source: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> sums: array<u32>;
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  var sum = vec4<u32>();
  for (var i = id.x; i < arrayLength(&source); i += ${workgroups * workgroupSize}u) { sum += source[i]; }
  let all = sum.x + sum.y + sum.z + sum.w;
  if (all != 0u) { sums[id.x % ${workgroupSize}u] = all; }
}`;

// Values of GPUBufferUsage, which Node has no global of.
const [copySource, copyTarget, storage] = [0x4, 0x8, 0x80];

export interface Bandwidth {
  /** Bytes read and written a second, in GB/s. */
  readonly copy: number;
  readonly read: number;
}

export async function measureBandwidth(adapter: GPUAdapter, software: boolean): Promise<Bandwidth> {
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter.requestDevice({
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
  });
  const size = Math.min(wantedBytes[software ? 'software' : 'gpu'], maxStorageBufferBindingSize);
  const usage = copySource | copyTarget | storage;
  const [from, to] = [0, 1].map(() => device.createBuffer({ size, usage })) as [GPUBuffer, GPUBuffer];
  const sums = device.createBuffer({ size: 4 * workgroupSize, usage });
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code: readShader }), entryPoint: 'main' },
  });
  const entries = [from, sums].map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });

  const repetitions = software ? 2 : 20;
  const time = async (encode: (encoder: GPUCommandEncoder) => void): Promise<number> => {
    const seconds: number[] = [];
    for (let run = 0; run <= 5; run++) {
      const encoder = device.createCommandEncoder();
      for (let i = 0; i < repetitions; i++) encode(encoder);
      const began = performance.now();
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
      // the first run touches the memory for the first time
      if (run > 0) seconds.push((performance.now() - began) / 1000 / repetitions);
    }
    return median(seconds);
  };
  const copy = await time((encoder) => encoder.copyBufferToBuffer(from, 0, to, 0, size));
  const read = await time((encoder) => {
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(workgroups);
    pass.end();
  });
  device.destroy();
  return { copy: (2 * size) / copy / 1e9, read: size / read / 1e9 };
}
