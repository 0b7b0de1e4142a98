// What this backend has beyond the contract of all backends.
import type { Backend } from '@moeq/kernels';
import type { AdapterInfo } from './device/adapter-info.js';

/** What the backend has done since it was made. */
export interface WebGpuStats {
  readonly dispatches: number;
  readonly submits: number;
  /** Bytes that came back from the device. */
  readonly bytesRead: number;
  /** Bytes that went to the device during steps: ids, positions, uniforms. */
  readonly bytesWritten: number;
  readonly pipelines: number;
  /** Time during which pipelines were being compiled. */
  readonly compileSeconds: number;
  readonly buffers: {
    readonly created: number;
    readonly live: number;
    readonly bytes: number;
    readonly peakBytes: number;
  };
}

export interface WebGpuBackend extends Backend {
  readonly adapterInfo: AdapterInfo;
  /** Of its device: a restart begins at zero. */
  stats(): WebGpuStats;
  memoryFor: NonNullable<Backend['memoryFor']>;
  warmUp: NonNullable<Backend['warmUp']>;
  readonly losses: number;
  /** @throws WebGpuError `deviceLost` where the device or adapter was given, `noAdapter` where there is none any more */
  restart: NonNullable<Backend['restart']>;
}
