// Where the input, the results and the scratch of a job lie in its workspace, counted from the beginning of the workspace.
import { byteLength, type CodeRule } from '@moeq/tensors';
import type { Job, NestJob, StripJob } from './messages.js';

/** Kernels read and write whole vectors past the ends of their arrays: assembly/quantize names how far. */
const slackBytes = 64;

/** Float32 [4] a block: assembly/quantize/record.ts. */
export const recordBytes = 16;

/** The input lies at 0, what the host reads from `codes` to `resultsEnd`. */
interface Common {
  readonly inputBytes: number;
  /** Uint8, 4 or 8 bits an element, or Uint8 [blocks] of nested scales. */
  readonly codes: number;
  readonly codeBytes: number;
  readonly resultsEnd: number;
  /** Bytes of the workspace. */
  readonly end: number;
}

export interface StripLayout extends Common {
  readonly blocks: number;
  /** Uint8 [blocks] */
  readonly zeroPoints: number;
  /** Float32 [blocks, 4] of a strip to be nested, among the results; else scratch. */
  readonly records: number;
  /** Float32 [blocks], unless the strip is to be nested. */
  readonly scales: number;
  readonly scratch: number;
  /** Float32 of a row, for rules that work by rows, twice in scratch; then unpacked codes. */
  readonly rowBytes: number;
}

export interface NestLayout extends Common {
  /** Float32 [groups] */
  readonly nested: number;
  readonly groups: number;
}

export function stripLayout({ rule, dtype, rows, columns, nested }: Omit<StripJob, 'kind'>): StripLayout {
  const place = placer();
  const blocks = blocksOf(rule, rows, columns);
  const inputBytes = byteLength(dtype, [rows, columns]);
  const codeBytes = Math.ceil((rows * columns * bitsOf(rule)) / 8);
  const byRows = rule.kind !== 'codebook';
  place(inputBytes);
  const codes = place(codeBytes);
  const zeroPoints = place(rule.kind === 'affine4' ? blocks : 0);
  const scales = place(nested ? 0 : 4 * blocks);
  let resultsEnd = place(0);
  const records = place(recordBytes * blocks);
  if (nested) resultsEnd = place(0);
  const rowBytes = aligned(4 * columns + slackBytes);
  const scratch = place(byRows ? 2 * rowBytes + rows * columns : 0);
  const end = place(0);
  return {
    inputBytes,
    codes,
    codeBytes,
    blocks,
    zeroPoints,
    scales,
    records,
    resultsEnd,
    scratch,
    rowBytes,
    end,
  };
}

export function nestLayout({ blocks, blockSize }: Pick<NestJob, 'blocks' | 'blockSize'>): NestLayout {
  const place = placer();
  const groups = Math.ceil(blocks / blockSize);
  place(recordBytes * blocks);
  const codes = place(blocks);
  const nested = place(4 * groups);
  const end = place(0);
  return {
    inputBytes: recordBytes * blocks,
    codes,
    codeBytes: blocks,
    nested,
    groups,
    resultsEnd: end,
    end,
  };
}

export function layoutOf(job: Job): StripLayout | NestLayout {
  return job.kind === 'strip' ? stripLayout(job) : nestLayout(job);
}

/** Gives one offset after the other. */
function placer(): (bytes: number) => number {
  let end = 0;
  return (bytes) => {
    const offset = end;
    if (bytes > 0) end = aligned(end + bytes + slackBytes);
    return offset;
  };
}

const aligned = (offset: number): number => Math.ceil(offset / 16) * 16;

/** Bits of a code. */
export function bitsOf(rule: CodeRule): 4 | 8 {
  if (rule.kind === 'codebook') return rule.codebook.bitsPerCode;
  return rule.kind === 'affine4' ? 4 : 8;
}

/** Blocks of a matrix, or of a strip of one. */
export function blocksOf(rule: CodeRule, rows: number, columns: number): number {
  if (rule.kind === 'codebook') return Math.ceil((rows * columns) / rule.blockSize);
  if (rule.kind === 'rows8' || rule.blockSize === 'row') return columns === 0 ? 0 : rows;
  return rows * Math.ceil(columns / rule.blockSize);
}
