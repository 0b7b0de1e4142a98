// What goes wrong on a device outside of any call: its loss, which is final, and errors of commands, which go to
// the caller that waits next.
import { formatBytes } from '@moeq/tensors';
import { deviceLost, WebGpuError } from '../errors.js';

export class Health {
  readonly #device: GPUDevice;
  #lost: WebGpuError | null = null;
  #failure: WebGpuError | null = null;
  #allocations: Promise<WebGpuError | null> = Promise.resolve(null);
  #watching = true;
  readonly #onLoss: () => void;

  /** @param onLoss called once, when the device is lost */
  constructor(device: GPUDevice, onLoss: () => void) {
    this.#device = device;
    this.#onLoss = onLoss;
    device.addEventListener('uncapturederror', this.#onError);
    void this.#watchLoss();
  }

  readonly #onError = (event: Event): void => {
    this.#failure ??= typedError((event as GPUUncapturedErrorEvent).error);
  };

  async #watchLoss(): Promise<void> {
    const { message } = await this.#device.lost;
    if (this.#watching) this.lose(message);
  }

  /** The device is lost, or as good as that: it does not answer any more. */
  lose(reason: string): WebGpuError {
    if (this.#lost === null) {
      this.#lost = deviceLost('compute', reason);
      this.#onLoss();
    }
    return this.#lost;
  }

  /** The device is about to be destroyed on purpose. */
  stop(): void {
    this.#watching = false;
    this.#device.removeEventListener('uncapturederror', this.#onError);
  }

  /** @throws WebGpuError `deviceLost` */
  checkLoss(): void {
    if (this.#lost !== null) throw this.#lost;
  }

  /** @throws WebGpuError for the loss, or once for the first error since the last check */
  check(): void {
    this.checkLoss();
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure;
  }

  /** Runs `allocate`, which cannot wait; `settle` says whether there was room. */
  allocate<Result>(what: string, bytes: (result: Result) => number, allocate: () => Result): Result {
    this.#device.pushErrorScope('out-of-memory');
    try {
      const result = allocate();
      const scope = this.#device.popErrorScope();
      const before = this.#allocations;
      this.#allocations = (async () => {
        const earlier = await before;
        return earlier ?? ((await scope) === null ? null : noRoom(what, bytes(result)));
      })();
      return result;
    } catch (error) {
      void this.#device.popErrorScope();
      throw error;
    }
  }

  /** @throws WebGpuError `outOfMemory`, once, when an allocation since the last call found no room */
  async settle(): Promise<void> {
    const allocations = this.#allocations;
    this.#allocations = Promise.resolve(null);
    const failure = await allocations;
    if (failure !== null) throw failure;
  }
}

function noRoom(subject: string, bytes: number | null): WebGpuError {
  return new WebGpuError('outOfMemory', {
    operation: 'allocate',
    subject,
    expected: bytes === null ? 'room for it' : `room for ${formatBytes(bytes)}`,
    found: 'a device without it',
  });
}

/** What the device says it refused. Its class is recognised by name, because Node has no global GPUOutOfMemoryError. */
function typedError(error: GPUError): WebGpuError {
  if (error.constructor.name === 'GPUOutOfMemoryError') return noRoom('a buffer', null);
  return new WebGpuError('validation', {
    operation: 'run',
    subject: 'a command',
    expected: 'one that the device accepts',
    found: error.message,
  });
}
