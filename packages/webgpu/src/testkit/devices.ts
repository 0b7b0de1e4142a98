// Devices for tests: of their own, watched, and what they throw.
import { expect } from 'vitest';
import { requestDevice } from '../device/adapter.js';
import type { WebGpuErrorCode } from '../errors.js';
import { WebGpuError } from '../errors.js';

/** A device whose buffers are counted, and that claims to bind no more than `largest` bytes. */
export function watched(device: GPUDevice, largest = device.limits.maxStorageBufferBindingSize) {
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

/** A device of its own, as the backend asks for it. */
export async function newDevice(gpu: GPU | null): Promise<GPUDevice> {
  const adapter = await (gpu as GPU).requestAdapter();
  return requestDevice(adapter as GPUAdapter, ['subgroups']);
}

/** What `work` throws; null: nothing. */
export async function failure(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  return null;
}

export function expectCode(error: unknown, code: WebGpuErrorCode): void {
  expect(error).toBeInstanceOf(WebGpuError);
  expect((error as WebGpuError).code).toBe(code);
}

/** A GPU whose devices can be lost in the middle of a step. */
export function lossy(gpu: GPU): {
  readonly gpu: GPU;
  /** How many devices it gave. */
  readonly given: () => number;
  /** The device is lost while it computes the next submission. */
  readonly loseInNextStep: () => void;
} {
  let given = 0;
  let losing = false;
  const deviceOf = (device: GPUDevice): GPUDevice =>
    new Proxy(device, {
      get(target, key) {
        if (key === 'createCommandEncoder' && losing) {
          losing = false;
          target.destroy();
        }
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  const own = {
    async requestAdapter(options?: GPURequestAdapterOptions) {
      const adapter = await gpu.requestAdapter(options);
      if (adapter === null) return null;
      const { info, limits, features } = adapter;
      const requestDevice = async (descriptor?: GPUDeviceDescriptor) => {
        given += 1;
        return deviceOf(await adapter.requestDevice(descriptor));
      };
      return { info, limits, features, requestDevice };
    },
  };
  return {
    gpu: own as unknown as GPU,
    given: () => given,
    loseInNextStep: () => {
      losing = true;
    },
  };
}
