// The objects of WebGPU in the declarations of this package. Where the program declares them (the DOM library of TypeScript 7,
// or @webgpu/types) they are those; elsewhere, as in a project for Node alone, as much as is needed to distinguish them.

/** What the prototype of a global class is, or `Else` where no such class is declared. */
type Declared<Name extends string, Else> =
  typeof globalThis extends Readonly<Record<Name, { readonly prototype: infer Instance }>> ? Instance : Else;

/** `GPU` of WebGPU. */
export type Gpu = Declared<'GPU', { requestAdapter(options?: object): Promise<unknown> }>;

/** `GPUAdapter` of WebGPU. */
export type GpuAdapter = Declared<'GPUAdapter', { requestDevice(descriptor?: object): Promise<unknown> }>;

/** `GPUDevice` of WebGPU. */
export type GpuDevice = Declared<'GPUDevice', { readonly queue: object; destroy(): unknown }>;
