// A worker as the host has it: messages both ways, and its end.
import type { MoeqError } from '@moeq/tensors';

export interface WorkerLink<ToWorker, FromWorker> {
  post(message: ToWorker, transfer?: readonly ArrayBuffer[]): void;
  onMessage(listener: (message: FromWorker) => void): void;
  onError(listener: (error: MoeqError) => void): void;
  /** Whether the process stays alive for the worker; of no effect in browsers. */
  keepAlive(alive: boolean): void;
  terminate(): Promise<void>;
}
