// A matrix cut into strips that are quantized apart: whole blocks, and for rules that work by rows whole rows, of which the
// codes fill whole bytes.
import { byteLength, type CodeRule, type MatrixInput } from '@moeq/tensors';
import { bitsOf, blocksOf } from './layout.js';

export interface Strip {
  readonly rows: number;
  readonly columns: number;
  /** In bytes of the matrix. */
  readonly offset: number;
  /** Where its codes begin, in bytes, and its blocks. */
  readonly codesAt: number;
  readonly blocksAt: number;
}

/** Elements of a strip: milliseconds of work, a multiple of every block size, few enough for several to be in flight. */
const stripElements = 2 ** 21;

export function stripsOf(rule: CodeRule, { shape, dtype }: Pick<MatrixInput, 'shape' | 'dtype'>): Strip[] {
  const [rows, columns] = shape;
  // flat blocks know no rows: the matrix is one row
  const [height, width] = rule.kind === 'codebook' ? [1, rows * columns] : [rows, columns];
  const cut = rule.kind === 'codebook' ? stripElements : width;
  // an even number of rows, so that 4-bit codes of odd rows fill bytes too
  const tall =
    rule.kind === 'codebook' ? 1 : 2 * Math.max(1, Math.floor(stripElements / 2 / Math.max(width, 1)));
  const strips: Strip[] = [];
  let blocksAt = 0;
  for (let row = 0; row < height; row += tall) {
    for (let column = 0; column < width; column += cut) {
      const part = { rows: Math.min(tall, height - row), columns: Math.min(cut, width - column) };
      const element = row * width + column;
      strips.push({
        ...part,
        offset: byteLength(dtype, [element]),
        codesAt: (element * bitsOf(rule)) / 8,
        blocksAt,
      });
      blocksAt += blocksOf(rule, part.rows, part.columns);
    }
  }
  return strips;
}
