export { wasmMemory } from './memory-need.js';
export type { WasmOptions } from './options.js';
export { wasmEncoder } from './quantize/wasm-encoder.js';
export { defaultThreads } from './threads.js';
export { wasmBackend } from './wasm-backend.js';
