// Memory for jobs: shared with the workers where that is allowed, else given away and taken back.

/** @param shared whether memory may be shared with workers */
export function newMemory(bytes: number, shared: boolean): ArrayBufferLike {
  return shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
}

/** The memory that goes along with a message, rather than being shared. */
export function owned(...buffers: readonly ArrayBufferLike[]): ArrayBuffer[] {
  return buffers.filter((buffer) => buffer instanceof ArrayBuffer);
}
