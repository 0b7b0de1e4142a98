// One thread's kernels and memory: runs the jobs that are laid out in it.
import type { Codebook, CodeRule, SquaredNorms } from '@moeq/tensors';
import { dtypes } from '../abi/enumerations.js';
import { flushed, least, leastAbsmax } from '../abi/quantize.js';
import { heapStart, type QuantizeKernels, tablesStart } from './kernels.js';
import { layoutOf, nestLayout, type StripLayout, stripLayout } from './layout.js';
import type { Job, NestJob, StripJob, Summary } from './messages.js';

/** The least scale that is a unit of sums, by rule. */
const floors = { codebook: leastAbsmax, affine4: least, signed8: least, rows8: flushed };

export class QuantizeEngine {
  readonly #memory: WebAssembly.Memory;
  readonly #kernels: QuantizeKernels;
  /** The codebook whose tables are in place, for each of the places. */
  readonly #prepared = new Map<'prepareCodebook4' | 'prepareCodebook8' | 'prepareNested', Codebook>();

  /** @param memory that the caller lays out and makes large enough; null: one of its own */
  constructor(module: WebAssembly.Module, memory: WebAssembly.Memory | null) {
    this.#memory = memory ?? new WebAssembly.Memory({ initial: heapStart / 65536, maximum: 65536 });
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    this.#kernels = exports as unknown as QuantizeKernels;
  }

  /** Puts the input of a job into its workspace, in a memory of its own. */
  fill(job: Job, workspace: number, input: Uint8Array): void {
    const missing = workspace + layoutOf(job).end + 65536 - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / 65536));
    new Uint8Array(this.#memory.buffer).set(input, workspace);
  }

  /** A copy of the results of a job. */
  results(job: Job, workspace: number): Uint8Array<ArrayBuffer> {
    const { codes, resultsEnd } = layoutOf(job);
    const results = new Uint8Array(resultsEnd - codes);
    results.set(new Uint8Array(this.#memory.buffer, workspace + codes, results.length));
    return results;
  }

  run(job: Job, workspace: number): Summary {
    return job.kind === 'strip' ? this.#strip(job, workspace) : this.#nest(job, workspace);
  }

  #strip(job: StripJob, workspace: number): Summary {
    const { rule, nested } = job;
    const layout = stripLayout(job);
    if (rule.kind === 'codebook') this.#prepare(rule.codebook, false);
    if (!this.#encode(job, workspace, layout)) return { norms: null, offset: 0 };
    if (nested) return { norms: { weights: 0, difference: 0 }, offset: 0 };
    const { blocks, records, scales } = layout;
    this.#kernels.finish(
      workspace + records,
      blocks,
      floors[rule.kind],
      multiplierOf(rule),
      workspace + scales,
    );
    return { norms: this.#norms(), offset: 0 };
  }

  #nest(job: NestJob, workspace: number): Summary {
    const { rule, codebook, blocks, blockSize } = job;
    const { codes, nested } = nestLayout(job);
    this.#prepare(codebook, true);
    const offset = this.#kernels.nest(
      workspace,
      blocks,
      blockSize,
      floors[rule.kind],
      workspace + codes,
      workspace + nested,
    );
    return { norms: this.#norms(), offset };
  }

  #encode({ rule, dtype, rows, columns }: StripJob, workspace: number, layout: StripLayout): boolean {
    const kernels = this.#kernels;
    const type = dtypes[dtype];
    const row = workspace + layout.scratch;
    const secondRow = row + layout.rowBytes;
    const codes = workspace + layout.codes;
    const records = workspace + layout.records;
    switch (rule.kind) {
      case 'codebook': {
        const encode = rule.codebook.bitsPerCode === 4 ? kernels.encodeCodebook4 : kernels.encodeCodebook8;
        return encode(workspace, type, rows * columns, rule.blockSize, codes, records) !== 0;
      }
      case 'affine4': {
        const { symmetric, search } = rule;
        const size = rule.blockSize === 'row' ? columns : rule.blockSize;
        const out = [row, secondRow, codes, workspace + layout.zeroPoints, records] as const;
        return kernels.encodeAffine4(workspace, type, rows, columns, size, symmetric, search, ...out) !== 0;
      }
      case 'signed8':
        return (
          kernels.encodeSigned8(workspace, type, rows, columns, rule.blockSize, row, codes, records) !== 0
        );
      case 'rows8': {
        const out = [row, secondRow, codes, records] as const;
        return kernels.encodeRows8(workspace, type, rows, columns, rule.multiplier, ...out) !== 0;
      }
    }
  }

  /** Tables are made again only for another codebook than before. */
  #prepare(codebook: Codebook, nested: boolean): void {
    const size = codebook.values.length;
    const place = nested ? 'prepareNested' : size === 16 ? 'prepareCodebook4' : 'prepareCodebook8';
    const before = this.#prepared.get(place);
    if (before !== undefined && sameCodebook(before, codebook)) return;
    this.#prepared.set(place, codebook);
    const from = tablesStart;
    const { thresholds, values, codeOfRank } = codebook;
    const { buffer } = this.#memory;
    new Float32Array(buffer, from, size).set(thresholds);
    const byRank = Float32Array.from(codeOfRank, (code) => values[code] as number);
    new Float32Array(buffer, from + 4 * size, size).set(byRank);
    new Uint8Array(buffer, from + 8 * size, size).set(codeOfRank);
    this.#kernels[place](from);
  }

  #norms(): SquaredNorms {
    return { weights: this.#kernels.weightNorm(), difference: this.#kernels.differenceNorm() };
  }
}

const multiplierOf = (rule: CodeRule): number => (rule.kind === 'rows8' ? Math.fround(rule.multiplier) : 1);

function sameCodebook(a: Codebook, b: Codebook): boolean {
  const same = (x: Float32Array | Uint8Array, y: Float32Array | Uint8Array) =>
    x.length === y.length && x.every((value, i) => Object.is(value, y[i]));
  return same(a.thresholds, b.thresholds) && same(a.values, b.values) && same(a.codeOfRank, b.codeOfRank);
}
