// One thread's kernels and memory: takes a job, lays out its memory, calls the kernel, copies the results out.
import type { Codebook, CodeRule, SquaredNorms } from '@moeq/tensors';
import { HEAP_START, type QuantizeKernels } from './kernels.js';
import type { NestJob, NestResult, StripAnswer, StripJob } from './messages.js';

const dtypes = { F32: 0, F16: 1, BF16: 2 } as const;

/** Kernels read and write whole vectors past the ends of their arrays: assembly/quantize names how far. */
const SLACK_BYTES = 64;

/** Float32 [4] a block: assembly/quantize/record.ts. */
const RECORD_BYTES = 16;

/** The least scale that is a unit of sums, by rule: leastAbsmax, least and flushed of assembly/quantize. */
const floors = { codebook: Math.fround(1e-38), affine4: 2 ** -149, signed8: 2 ** -149, rows8: 2 ** -25 };

export class QuantizeEngine {
  readonly #memory = new WebAssembly.Memory({ initial: HEAP_START / 65536, maximum: 65536 });
  readonly #kernels: QuantizeKernels;
  #end = HEAP_START;
  /** The codebook whose tables are in place, for each of the places. */
  readonly #prepared = new Map<'prepareCodebook4' | 'prepareCodebook8' | 'prepareNested', Codebook>();

  constructor(module: WebAssembly.Module) {
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    this.#kernels = exports as unknown as QuantizeKernels;
  }

  strip({ rule, dtype, rows, columns, data, room, nested }: StripJob): StripAnswer {
    this.#end = HEAP_START;
    const count = rows * columns;
    const blocks = blocksOf(rule, rows, columns);
    const codeBytes = Math.ceil((count * bitsOf(rule)) / 8);
    const x = this.#place(data.byteLength);
    const codes = this.#place(codeBytes);
    const records = this.#place(blocks * RECORD_BYTES);
    const zeroPoints = this.#place(blocks);
    const scales = this.#place(blocks * 4);
    const scratch = this.#place(rule.kind === 'codebook' ? 0 : columns * 8 + count + 2 * SLACK_BYTES);
    this.#grow();
    if (rule.kind === 'codebook') this.#prepare(rule.codebook, false);
    new Uint8Array(this.#memory.buffer).set(data, x);
    const places = { x, codes, records, zeroPoints, scratch };
    if (!this.#encode(rule, dtypes[dtype], rows, columns, places)) {
      return { result: null, data: data.buffer, room };
    }
    if (!nested) this.#kernels.finish(records, blocks, floors[rule.kind], multiplierOf(rule), scales);
    const scalesAt = aligned(codeBytes);
    const zeroPointsAt = scalesAt + blocks * RECORD_BYTES;
    const result = {
      codes: this.#bytes(codes, new Uint8Array(room, 0, codeBytes)),
      scales: nested
        ? this.#floats(records, new Float32Array(room, scalesAt, 4 * blocks))
        : this.#floats(scales, new Float32Array(room, scalesAt, blocks)),
      zeroPoints:
        rule.kind === 'affine4' && !rule.symmetric
          ? this.#bytes(zeroPoints, new Uint8Array(room, zeroPointsAt, blocks))
          : null,
      norms: nested ? null : this.#norms(),
    };
    return { result, data: data.buffer, room };
  }

  nest({ rule, codebook, blockSize, records: values }: NestJob): NestResult {
    this.#end = HEAP_START;
    const blocks = values.length / 4;
    const groups = Math.ceil(blocks / blockSize);
    const records = this.#place(values.byteLength);
    const codes = this.#place(blocks);
    const nested = this.#place(groups * 4);
    this.#grow();
    this.#prepare(codebook, true);
    new Float32Array(this.#memory.buffer).set(values, records / 4);
    const offset = this.#kernels.nest(records, blocks, blockSize, floors[rule.kind], codes, nested);
    return {
      codes: this.#bytes(codes, new Uint8Array(blocks)),
      nested: this.#floats(nested, new Float32Array(groups)),
      offset,
      norms: this.#norms(),
    };
  }

  #encode(rule: CodeRule, dtype: number, rows: number, columns: number, at: Places): boolean {
    const kernels = this.#kernels;
    const { x, codes, records, zeroPoints, scratch } = at;
    const row = scratch;
    const afterRow = aligned(scratch + columns * 4 + SLACK_BYTES);
    switch (rule.kind) {
      case 'codebook': {
        const encode = rule.codebook.bitsPerCode === 4 ? kernels.encodeCodebook4 : kernels.encodeCodebook8;
        return encode(x, dtype, rows * columns, rule.blockSize, codes, records) !== 0;
      }
      case 'affine4': {
        const { symmetric, search } = rule;
        const size = rule.blockSize === 'row' ? columns : rule.blockSize;
        const out = [row, afterRow, codes, zeroPoints, records] as const;
        return kernels.encodeAffine4(x, dtype, rows, columns, size, symmetric, search, ...out) !== 0;
      }
      case 'signed8':
        return kernels.encodeSigned8(x, dtype, rows, columns, rule.blockSize, row, codes, records) !== 0;
      case 'rows8':
        return (
          kernels.encodeRows8(x, dtype, rows, columns, rule.multiplier, row, afterRow, codes, records) !== 0
        );
    }
  }

  /** Tables are made anew only for another codebook than before. */
  #prepare(codebook: Codebook, nested: boolean): void {
    const size = codebook.values.length;
    const place = nested ? 'prepareNested' : size === 16 ? 'prepareCodebook4' : 'prepareCodebook8';
    const before = this.#prepared.get(place);
    if (before !== undefined && sameCodebook(before, codebook)) return;
    this.#prepared.set(place, codebook);
    const from = HEAP_START;
    const { thresholds, values, codeOfRank } = codebook;
    const { buffer } = this.#memory;
    new Float32Array(buffer, from, size).set(thresholds);
    const byRank = Float32Array.from(codeOfRank, (code) => values[code] as number);
    new Float32Array(buffer, from + 4 * size, size).set(byRank);
    new Uint8Array(buffer, from + 8 * size, size).set(codeOfRank);
    this.#kernels[place](from);
  }

  /** The address of so many bytes, behind what was placed before. */
  #place(bytes: number): number {
    const address = this.#end;
    this.#end = aligned(address + bytes + SLACK_BYTES);
    return address;
  }

  #grow(): void {
    const pages = Math.ceil((this.#end + 65536 - this.#memory.buffer.byteLength) / 65536);
    if (pages > 0) this.#memory.grow(pages);
  }

  #bytes(address: number, out: Uint8Array): Uint8Array {
    out.set(new Uint8Array(this.#memory.buffer, address, out.length));
    return out;
  }

  #floats(address: number, out: Float32Array): Float32Array {
    out.set(new Float32Array(this.#memory.buffer, address, out.length));
    return out;
  }

  #norms(): SquaredNorms {
    return { weights: this.#kernels.weightNorm(), difference: this.#kernels.differenceNorm() };
  }
}

interface Places {
  readonly x: number;
  readonly codes: number;
  readonly records: number;
  readonly zeroPoints: number;
  readonly scratch: number;
}

const aligned = (address: number): number => Math.ceil(address / 16) * 16;

const multiplierOf = (rule: CodeRule): number => (rule.kind === 'rows8' ? Math.fround(rule.multiplier) : 1);

/** Bits of a code. */
export function bitsOf(rule: CodeRule): 4 | 8 {
  if (rule.kind === 'codebook') return rule.codebook.bitsPerCode;
  return rule.kind === 'affine4' ? 4 : 8;
}

/** Bytes that the results of a strip take: codes, scales or records, zero points. */
export function roomBytes(rule: CodeRule, rows: number, columns: number): number {
  const codeBytes = Math.ceil((rows * columns * bitsOf(rule)) / 8);
  return aligned(codeBytes) + blocksOf(rule, rows, columns) * (RECORD_BYTES + 1);
}

/** Blocks of a matrix, or of a strip of one. */
export function blocksOf(rule: CodeRule, rows: number, columns: number): number {
  if (rule.kind === 'codebook') return Math.ceil((rows * columns) / rule.blockSize);
  if (rule.kind === 'rows8' || rule.blockSize === 'row') return columns === 0 ? 0 : rows;
  return rows * Math.ceil(columns / rule.blockSize);
}

function sameCodebook(a: Codebook, b: Codebook): boolean {
  const same = (x: Float32Array | Uint8Array, y: Float32Array | Uint8Array) =>
    x.length === y.length && x.every((value, i) => Object.is(value, y[i]));
  return same(a.thresholds, b.thresholds) && same(a.values, b.values) && same(a.codeOfRank, b.codeOfRank);
}
