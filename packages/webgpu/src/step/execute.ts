// Runs programs: takes pooled buffers for results, sends uniforms and tables in one write each, encodes all dispatches into
// one pass of one command buffer, and copies what is read into one mapped buffer.

import type { Health } from '../device/health.js';
import type { Memory } from '../device/memory.js';
import { usage } from '../device/memory.js';
import type { CompiledShader, Pipelines } from '../device/pipelines.js';
import { WebGpuError } from '../errors.js';
import { findLastUses } from './merge-dispatches.js';
import type { Operand, Program } from './program.js';
import { Transient } from './program.js';

/** What one read wants: a buffer from its beginning on. */
export interface ReadRange {
  readonly source: Transient | GPUBuffer;
  readonly bytes: number;
}

export interface ExecutionCounts {
  dispatches: number;
  submits: number;
  bytesRead: number;
  bytesWritten: number;
}

/** Value of GPUMapMode.READ, which is a global in browsers only. */
const mapModeRead = 1;

/** Bytes of the buffers for uniforms and tables to begin with. */
const leastTransfer = 16384;

/** Bind groups that are worth keeping; a token of a large model needs some hundreds. */
const mostBindGroups = 8192;

export class Executor {
  readonly counts: ExecutionCounts = { dispatches: 0, submits: 0, bytesRead: 0, bytesWritten: 0 };
  readonly #memory: Memory;
  readonly #pipelines: Pipelines;
  readonly #health: Health;
  readonly #groups = new Map<string, GPUBindGroup>();
  readonly #ids = new WeakMap<GPUBuffer, number>();
  readonly #alignment: number;
  #nextId = 0;
  #uniforms: GPUBuffer;
  #tables: GPUBuffer;
  #staging: GPUBuffer | null = null;

  constructor(memory: Memory, pipelines: Pipelines, health: Health) {
    this.#health = health;
    this.#memory = memory;
    this.#pipelines = pipelines;
    this.#alignment = memory.device.limits.minUniformBufferOffsetAlignment;
    this.#uniforms = memory.create('uniforms', leastTransfer, usage.uniform | usage.copyTarget);
    this.#tables = memory.create('tables', leastTransfer, usage.storage | usage.copyTarget);
  }

  /** Forgets bind groups, which may name buffers that were destroyed. */
  forget(): void {
    this.#groups.clear();
  }

  /**
   * Compiles what is missing, then runs everything and reads.
   * @returns one copy for each range, in order
   */
  async run(program: Program, reads: readonly ReadRange[]): Promise<ArrayBuffer[]> {
    await this.#pipelines.compile(program.commands.map(({ kernel }) => kernel.shader));
    const encoder = this.#memory.device.createCommandEncoder();
    this.#encode(program, encoder);
    const staging = this.#copyReads(reads, encoder);
    this.#memory.device.queue.submit([encoder.finish()]);
    this.counts.submits++;
    return staging === null ? [] : this.#map(staging, reads);
  }

  #encode({ commands, inputs, tables }: Program, encoder: GPUCommandEncoder): void {
    const { queue } = this.#memory.device;
    for (const { result, values } of inputs) {
      result.buffer ??= this.#memory.take(result.label, result.bytes);
      queue.writeBuffer(result.buffer, 0, values as Float32Array<ArrayBuffer>);
      this.counts.bytesWritten += values.byteLength;
    }
    if (commands.length === 0) return;
    findLastUses(commands);
    this.#tables = this.#grow(this.#tables, tables.words.byteLength);
    queue.writeBuffer(this.#tables, 0, tables.words as Uint32Array<ArrayBuffer>);
    this.counts.bytesWritten += tables.words.byteLength;
    const offsets = this.#writeUniforms(commands.map(({ uniforms }) => uniforms));

    const pass = encoder.beginComputePass();
    commands.forEach(({ kernel, uniforms, operands, grid }, index) => {
      const compiled = this.#pipelines.get(kernel.shader) as CompiledShader;
      const buffers = operands.map((operand) => this.#place(operand));
      pass.setPipeline(compiled.pipeline);
      pass.setBindGroup(0, this.#bindGroup(compiled, offsets[index] as number, uniforms.byteLength, buffers));
      pass.dispatchWorkgroups(...grid);
      for (const operand of operands) if (operand instanceof Transient) this.#release(operand, index);
    });
    pass.end();
    this.counts.dispatches += commands.length;
  }

  #writeUniforms(blocks: readonly Uint32Array[]): number[] {
    let bytes = 0;
    const offsets = blocks.map((block) => {
      const at = bytes;
      bytes += Math.ceil(block.byteLength / this.#alignment) * this.#alignment;
      return at;
    });
    const words = new Uint32Array(bytes / 4);
    blocks.forEach((block, index) => {
      words.set(block, (offsets[index] as number) / 4);
    });
    this.#uniforms = this.#grow(this.#uniforms, bytes);
    this.#memory.device.queue.writeBuffer(this.#uniforms, 0, words);
    this.counts.bytesWritten += bytes;
    return offsets;
  }

  /** A buffer of at least `bytes` for the same use. */
  #grow(buffer: GPUBuffer, bytes: number): GPUBuffer {
    if (buffer.size >= bytes) return buffer;
    const grown = this.#memory.create(buffer.label, 2 ** Math.ceil(Math.log2(bytes)), buffer.usage);
    this.#memory.destroy(buffer);
    this.forget();
    return grown;
  }

  #place(operand: Operand): GPUBuffer {
    if (operand === 'tables') return this.#tables;
    if (!(operand instanceof Transient)) return operand;
    operand.buffer ??= this.#memory.take(operand.label, operand.bytes);
    return operand.buffer;
  }

  #release(result: Transient, index: number): void {
    if (result.lastUse !== index || result.held || result.buffer === null) return;
    this.#memory.give(result.buffer);
    result.buffer = null;
  }

  #bindGroup(
    { layout, id }: CompiledShader,
    offset: number,
    size: number,
    buffers: readonly GPUBuffer[],
  ): GPUBindGroup {
    const key = `${id} ${offset} ${buffers.map((buffer) => this.#idOf(buffer)).join()}`;
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    if (this.#groups.size >= mostBindGroups) this.#groups.clear();
    const group = this.#memory.device.createBindGroup({
      layout,
      entries: [
        { binding: 0, resource: { buffer: this.#uniforms, offset, size } },
        ...buffers.map((buffer, index) => ({ binding: index + 1, resource: { buffer } })),
      ],
    });
    this.#groups.set(key, group);
    return group;
  }

  #idOf(buffer: GPUBuffer): number {
    let id = this.#ids.get(buffer);
    if (id === undefined) {
      id = this.#nextId++;
      this.#ids.set(buffer, id);
    }
    return id;
  }

  #copyReads(reads: readonly ReadRange[], encoder: GPUCommandEncoder): GPUBuffer | null {
    const bytes = reads.reduce((sum, read) => sum + read.bytes, 0);
    if (bytes === 0) return null;
    if (this.#staging === null || this.#staging.size < bytes) {
      if (this.#staging !== null) this.#memory.destroy(this.#staging);
      const size = Math.min(this.#memory.largestBinding, 2 ** Math.ceil(Math.log2(Math.max(4096, bytes))));
      this.#staging = this.#memory.create(
        'read back',
        Math.max(size, bytes),
        usage.mapRead | usage.copyTarget,
      );
    }
    let at = 0;
    for (const { source, bytes: count } of reads) {
      const buffer = source instanceof Transient ? source.buffer : source;
      if (count === 0) continue;
      if (buffer === null) {
        throw new WebGpuError('validation', {
          operation: 'read',
          subject: 'result',
          expected: 'a buffer',
          found: 'none',
        });
      }
      encoder.copyBufferToBuffer(buffer, 0, this.#staging, at, count);
      at += count;
    }
    this.counts.bytesRead += bytes;
    return this.#staging;
  }

  async #map(staging: GPUBuffer, reads: readonly ReadRange[]): Promise<ArrayBuffer[]> {
    const total = reads.reduce((sum, { bytes }) => sum + bytes, 0);
    try {
      await staging.mapAsync(mapModeRead, 0, total);
    } catch (cause) {
      throw this.#health.lose(cause instanceof Error ? cause.message : String(cause));
    }
    const all = staging.getMappedRange(0, total);
    let at = 0;
    const copies = reads.map(({ bytes }) => {
      const copy = all.slice(at, at + bytes);
      at += bytes;
      return copy;
    });
    staging.unmap();
    return copies;
  }
}
