// Buffers of one device, counted from creation to destruction. Activations come from a pool of rounded sizes, so that the
// buffers of one token serve the next; what is larger than the device binds is refused by name.
import { formatBytes } from '@moeq/tensors';
import { WebGpuError } from '../errors.js';

/** Values of GPUBufferUsage, which is a global in browsers only. */
export const usage = {
  mapRead: 0x1,
  copySource: 0x4,
  copyTarget: 0x8,
  uniform: 0x40,
  storage: 0x80,
} as const;

/** The least size worth a buffer of its own. */
const leastPooled = 256;

export class Memory {
  readonly device: GPUDevice;
  /** Largest buffer that a kernel can see whole. */
  readonly largestBinding: number;
  readonly #live = new Set<GPUBuffer>();
  readonly #free = new Map<number, GPUBuffer[]>();
  #created = 0;
  #bytes = 0;
  #peakBytes = 0;

  constructor(device: GPUDevice) {
    this.device = device;
    this.largestBinding = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
  }

  get counts(): { created: number; live: number; bytes: number; peakBytes: number } {
    return { created: this.#created, live: this.#live.size, bytes: this.#bytes, peakBytes: this.#peakBytes };
  }

  /**
   * A buffer of its own, zero.
   * @param size bytes; rounded up to 16
   * @throws WebGpuError when one binding cannot hold it
   */
  create(what: string, size: number, flags: number): GPUBuffer {
    const bytes = Math.max(16, Math.ceil(size / 16) * 16);
    const largest = (flags & usage.storage) === 0 ? this.device.limits.maxBufferSize : this.largestBinding;
    if (bytes > largest) {
      throw new WebGpuError('limit', {
        operation: 'allocate',
        subject: what,
        expected: `at most the ${formatBytes(largest)} that the device binds at once`,
        found: formatBytes(bytes),
      });
    }
    const buffer = this.device.createBuffer({ label: what, size: bytes, usage: flags });
    this.#live.add(buffer);
    this.#created++;
    this.#bytes += bytes;
    this.#peakBytes = Math.max(this.#peakBytes, this.#bytes);
    return buffer;
  }

  /**
   * Runs `allocate` and waits until the device has said whether there was room.
   * @throws WebGpuError `outOfMemory` with what was needed and what there is
   */
  async guarded<Result>(what: string, needed: number, allocate: () => Result): Promise<Result> {
    const before = this.#bytes;
    this.device.pushErrorScope('out-of-memory');
    let result: Result;
    let scope: Promise<GPUError | null>;
    try {
      result = allocate();
    } finally {
      scope = this.device.popErrorScope();
    }
    if ((await scope) !== null) {
      throw new WebGpuError('outOfMemory', {
        operation: 'allocate',
        subject: what,
        expected: `room for ${formatBytes(needed)} beside the ${formatBytes(before)} in use`,
        found: 'a device without it',
      });
    }
    return result;
  }

  destroy(buffer: GPUBuffer): void {
    if (!this.#live.delete(buffer)) return;
    this.#bytes -= buffer.size;
    buffer.destroy();
  }

  /** A pooled buffer of at least `size` bytes with whatever it held before; `give` brings it back. */
  take(what: string, size: number): GPUBuffer {
    const bytes = this.#pooledSize(size);
    const free = this.#free.get(bytes)?.pop();
    return free ?? this.create(what, bytes, usage.storage | usage.copySource | usage.copyTarget);
  }

  give(buffer: GPUBuffer): void {
    const list = this.#free.get(buffer.size);
    if (list === undefined) this.#free.set(buffer.size, [buffer]);
    else list.push(buffer);
  }

  /** Powers of two, so that few sizes occur; exact where that would not bind any more. */
  #pooledSize(size: number): number {
    const rounded = Math.max(leastPooled, 2 ** Math.ceil(Math.log2(Math.max(1, size))));
    return rounded <= this.largestBinding ? rounded : Math.ceil(size / 16) * 16;
  }

  destroyAll(): void {
    this.#free.clear();
    for (const buffer of [...this.#live]) this.destroy(buffer);
  }
}
