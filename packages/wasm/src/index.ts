export type { WasmOptions } from './options.js';
export { wasmEncoder } from './quantize/wasm-encoder.js';
export { wasmBackend } from './wasm-backend.js';
