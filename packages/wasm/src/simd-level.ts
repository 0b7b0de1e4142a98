// Apart from the kernels, whose types need those of WebAssembly: declarations of the entry point do without the DOM's.

export type SimdLevel = 'relaxed' | 'plain';
