// Block-wise quantization to any codebook: code[i] = nearest(x[i] / absmax[block]), where the last block may be short.
// A value that lies exactly between two neighbours takes the lower one.
//
// The arithmetic is that of bitsandbytes' default path (backends/default/ops.py, quantize_4bit and quantize_blockwise),
// bit for bit: full blocks are multiplied by the float32 reciprocal, a short last block is divided; an absmax under 1e-38,
// whose reciprocal could overflow, counts as 1e-38, and only a short block stores it so.
//
// Everything specific to a format is in the encoder, as data, so that another implementation can take this one's place.
import { type Codebook, packCodes } from '@moeq/tensors';

/** How values become codes of one codebook. The infinite threshold stops every search. */
export interface CodebookEncoder extends Codebook {
  /** Uint8 [cells + 1]: thresholds that lie wholly below a cell of [-1, 1], where the search of its values may start. */
  readonly firstRank: Uint8Array;
}

/** Codes as they are stored, and the scale of each block. */
export interface QuantizedBlocks {
  /** Uint8 [n] for 8 bits; [ceil(n / 2)] for 4, even elements in the high nibble, an odd end filled with the code of 0. */
  readonly codes: Uint8Array;
  /** Float32 [ceil(n / blockSize)] */
  readonly absmax: Float32Array;
}

/** Cells to each side of zero. 512 leave a threshold of a 4-bit codebook in one cell of seventy. */
const cells = 512;

/** Below it a reciprocal is no longer a float32; the bound that bitsandbytes uses. */
const leastAbsmax = Math.fround(1e-38);

/** Elements between two packings: a multiple of every block size, small enough for the first-level cache. */
const tile = 4096;

/** @param values Float32 [16] or [256], in [-1, 1], in the order of the codes; equal values keep their order */
export function codebookEncoder(values: Float32Array): CodebookEncoder {
  const value = (code: number) => values[code] as number;
  const codeOfRank = Uint8Array.from(values.keys()).sort((a, b) => value(a) - value(b) || a - b);
  const thresholds = new Float32Array(values.length).fill(Infinity);
  for (let rank = 0; rank + 1 < values.length; rank++) {
    thresholds[rank] =
      Math.fround(value(codeOfRank[rank] as number) + value(codeOfRank[rank + 1] as number)) / 2;
  }
  const firstRank = new Uint8Array(2 * cells + 1);
  for (let cell = 0, rank = 0; cell < firstRank.length; cell++) {
    while (cellOf(thresholds[rank] as number) < cell) rank++;
    firstRank[cell] = rank;
  }
  return { bitsPerCode: values.length === 16 ? 4 : 8, values, thresholds, codeOfRank, firstRank };
}

/** Rises with x, so a threshold in an earlier cell than x is below x. */
function cellOf(x: number): number {
  return Math.floor(x * cells + cells);
}

/**
 * @param values Float32 [n], finite
 * @param blockSize elements that share a scale, a power of two from 2 to 4096
 */
export function quantizeCodebook(
  values: Float32Array,
  blockSize: number,
  encoder: CodebookEncoder,
): QuantizedBlocks {
  const count = values.length;
  const absmax = new Float32Array(Math.ceil(count / blockSize));
  const unpacked = new Uint8Array(encoder.bitsPerCode === 8 ? count : Math.min(tile, count + (count % 2)));
  if (encoder.bitsPerCode === 8) {
    encodeBlocks(values, 0, count, blockSize, encoder, unpacked, absmax);
    return { codes: unpacked, absmax };
  }
  const codes = new Uint8Array(Math.ceil(count / 2));
  for (let start = 0; start < count; start += tile) {
    const end = Math.min(start + tile, count);
    encodeBlocks(values, start, end, blockSize, encoder, unpacked, absmax);
    if ((end - start) % 2 === 1) unpacked[end - start] = codeOf(0, encoder);
    packCodes(
      unpacked.subarray(0, end - start + ((end - start) % 2)),
      4,
      'highFirst',
      codes.subarray(start / 2),
    );
  }
  return { codes, absmax };
}

function codeOf(x: number, { thresholds, codeOfRank }: CodebookEncoder): number {
  let rank = 0;
  while (x > (thresholds[rank] as number)) rank++;
  return codeOfRank[rank] as number;
}

/** Encodes elements start to end, a multiple of blockSize apart unless the end is the last; codes go to the front. */
function encodeBlocks(
  values: Float32Array,
  start: number,
  end: number,
  blockSize: number,
  { thresholds, codeOfRank, firstRank }: CodebookEncoder,
  codes: Uint8Array,
  absmax: Float32Array,
): void {
  for (let first = start; first < end; first += blockSize) {
    const last = Math.min(first + blockSize, end);
    let largest = 0;
    for (let i = first; i < last; i++) {
      const magnitude = Math.abs(values[i] as number);
      if (magnitude > largest) largest = magnitude;
    }
    const short = last - first < blockSize;
    const divisor = Math.max(largest, leastAbsmax);
    const reciprocal = Math.fround(1 / divisor);
    absmax[first / blockSize] = short ? divisor : largest;
    for (let i = first; i < last; i++) {
      const value = values[i] as number;
      const x = short ? Math.fround(value / divisor) : Math.fround(value * reciprocal);
      let rank = firstRank[(x * cells + cells) | 0] as number;
      while (x > (thresholds[rank] as number)) rank++;
      codes[i - start] = codeOfRank[rank] as number;
    }
  }
}
