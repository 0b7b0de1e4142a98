export type { WasmOptions } from './options.js';
export { wasmBackend } from './wasm-backend.js';
