// Shaders to pipelines: compiled once, asynchronously, all that are missing at the same time. Layouts are explicit, so
// kernels with the same bindings share bind groups.
import { WebGpuError } from '../errors.js';
import type { Shader } from '../wgsl/shader.js';

export interface CompiledShader {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** Short and unique, for keys. */
  readonly id: number;
}

/** Value of GPUShaderStage.COMPUTE, which is a global in browsers only. */
const computeStage = 4;

export class Pipelines {
  readonly #device: GPUDevice;
  readonly #compiled = new Map<string, CompiledShader>();
  readonly #pending = new Map<string, Promise<void>>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  #milliseconds = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  get count(): number {
    return this.#compiled.size;
  }

  /** Time during which at least one pipeline was being compiled. */
  get compileSeconds(): number {
    return this.#milliseconds / 1000;
  }

  get(shader: Shader): CompiledShader | undefined {
    return this.#compiled.get(shader.code);
  }

  /**
   * Compiles those that are not compiled yet, in parallel.
   * @param onProgress after each: pipelines ready, and how many there will be
   * @throws WebGpuError `validation` with the compiler's message
   */
  async compile(
    shaders: Iterable<Shader>,
    onProgress?: (ready: number, total: number) => void,
  ): Promise<void> {
    const missing = new Map<string, Shader>();
    for (const shader of shaders) if (!this.#compiled.has(shader.code)) missing.set(shader.code, shader);
    if (missing.size === 0) return;
    const start = performance.now();
    let ready = 0;
    await Promise.all(
      Array.from(missing.values(), async (shader) => {
        await this.#compileOne(shader);
        onProgress?.(++ready, missing.size);
      }),
    );
    this.#milliseconds += performance.now() - start;
  }

  async #compileOne(shader: Shader): Promise<void> {
    const pending = this.#pending.get(shader.code);
    if (pending !== undefined) return pending;
    const work = this.#create(shader);
    this.#pending.set(shader.code, work);
    try {
      await work;
    } finally {
      this.#pending.delete(shader.code);
    }
  }

  async #create(shader: Shader): Promise<void> {
    const layout = this.#layout(shader);
    this.#device.pushErrorScope('validation');
    const module = this.#device.createShaderModule({ label: shader.label, code: shader.code });
    const refused = await this.#device.popErrorScope();
    if (refused !== null) throw compileError(shader, refused.message, refused);
    try {
      const pipeline = await this.#device.createComputePipelineAsync({
        label: shader.label,
        layout: this.#device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: 'main' },
      });
      this.#compiled.set(shader.code, { pipeline, layout, id: this.#compiled.size });
    } catch (cause) {
      throw compileError(shader, cause instanceof Error ? cause.message : String(cause), cause);
    }
  }

  #layout({ bindings }: Shader): GPUBindGroupLayout {
    const key = bindings.join();
    const known = this.#layouts.get(key);
    if (known !== undefined) return known;
    const layout = this.#device.createBindGroupLayout({
      entries: [
        { binding: 0, visibility: computeStage, buffer: { type: 'uniform' } },
        ...bindings.map(
          (access, index): GPUBindGroupLayoutEntry => ({
            binding: index + 1,
            visibility: computeStage,
            buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
          }),
        ),
      ],
    });
    this.#layouts.set(key, layout);
    return layout;
  }
}

function compileError({ label }: Shader, found: string, cause: unknown): WebGpuError {
  const expected = 'a shader that the device takes';
  return new WebGpuError('validation', {
    operation: 'compile',
    subject: `shader ${label}`,
    expected,
    found,
    cause,
  });
}
