// y = x Wᵀ for affine 4-bit codes and several tokens: eight rows are spread to bytes once for a chunk of tokens, and multiplied
// with two of them at a time. Sums run in the order of nibble-vector.ts, so that no token depends on the others.
//
// Shapes: T tokens, N rows, K columns, U units of a row.
import { Matrix, Scratch } from './matrix';
import { addBytes, addScaled, addWithOffsets, addUnit, chunk, spread, storeEight, interleavedRows, widen } from './nibbles';
import { bytesStride } from './quantize-activations';
import { prepareOffset, prepareRows, offsetsOf } from './row-scales';
import { dotBytes } from './simd';
import { tokenAt } from './unit-products';

// @ts-ignore: decorator
@inline
export function affineTile(matrix: Matrix, x: usize, list: usize, tokens: u32, from: u32, to: u32, out: usize, outStride: usize, unit: u32): void {
  const rowsBytes: usize = matrix.columns * (interleavedRows / 2);
  const xStride = bytesStride(matrix.columns, unit);
  const unitBytes: usize = unit * interleavedRows;
  const levelsEnd = Scratch.row + matrix.units * unitBytes;
  const offsets = offsetsOf(matrix);
  prepareOffset(matrix);
  const offset = Scratch.offset;

  for (let first: u32 = 0; first < tokens; first += chunk) {
    const end = min(tokens, first + chunk) - 1;
    let codes = matrix.codes + from * (matrix.columns / 2);
    let column = out;
    for (let row = from; row < to; row += interleavedRows, codes += rowsBytes, column += 4 * interleavedRows) {
      prepareRows(matrix, row, Scratch.rowScales);
      spread(codes, rowsBytes, i32x4.splat(0), false);
      for (let token = first; token <= end; token += 2) {
        // a last token that is alone is its own neighbour
        let x0 = x + tokenAt(list, token) * xStride;
        let x1 = x + tokenAt(list, min(token + 1, end)) * xStride;
        let total00 = f32x4.splat(0);
        let total01 = f32x4.splat(0);
        let total10 = f32x4.splat(0);
        let total11 = f32x4.splat(0);
        let scales = Scratch.rowScales;
        for (let w = Scratch.row; w != levelsEnd; scales += 32, x0 += 16, x1 += 16) {
          let part00 = f32x4.splat(0);
          let part01 = f32x4.splat(0);
          let part10 = f32x4.splat(0);
          let part11 = f32x4.splat(0);
          const unitEnd = w + unitBytes;
          do {
            let a = v128.load(x0);
            let b = v128.load(x1);
            let v = v128.load(w);
            let u = v128.load(w, 16);
            let sums00 = dotBytes(a, v);
            let sums10 = dotBytes(b, v);
            let sums01 = dotBytes(a, u);
            let sums11 = dotBytes(b, u);
            a = v128.load(x0, 16);
            b = v128.load(x1, 16);
            v = v128.load(w, 32);
            u = v128.load(w, 48);
            sums00 = addBytes(sums00, a, v);
            sums10 = addBytes(sums10, b, v);
            sums01 = addBytes(sums01, a, u);
            sums11 = addBytes(sums11, b, u);
            a = v128.load(x0, 32);
            b = v128.load(x1, 32);
            v = v128.load(w, 64);
            u = v128.load(w, 80);
            sums00 = addBytes(sums00, a, v);
            sums10 = addBytes(sums10, b, v);
            sums01 = addBytes(sums01, a, u);
            sums11 = addBytes(sums11, b, u);
            a = v128.load(x0, 48);
            b = v128.load(x1, 48);
            v = v128.load(w, 96);
            u = v128.load(w, 112);
            sums00 = addBytes(sums00, a, v);
            sums10 = addBytes(sums10, b, v);
            sums01 = addBytes(sums01, a, u);
            sums11 = addBytes(sums11, b, u);
            a = v128.load(x0, 64);
            b = v128.load(x1, 64);
            v = v128.load(w, 128);
            u = v128.load(w, 144);
            sums00 = addBytes(sums00, a, v);
            sums10 = addBytes(sums10, b, v);
            sums01 = addBytes(sums01, a, u);
            sums11 = addBytes(sums11, b, u);
            a = v128.load(x0, 80);
            b = v128.load(x1, 80);
            v = v128.load(w, 160);
            u = v128.load(w, 176);
            sums00 = addBytes(sums00, a, v);
            sums10 = addBytes(sums10, b, v);
            sums01 = addBytes(sums01, a, u);
            sums11 = addBytes(sums11, b, u);
            a = v128.load(x0, 96);
            b = v128.load(x1, 96);
            v = v128.load(w, 192);
            u = v128.load(w, 208);
            sums00 = addBytes(sums00, a, v);
            sums10 = addBytes(sums10, b, v);
            sums01 = addBytes(sums01, a, u);
            sums11 = addBytes(sums11, b, u);
            a = v128.load(x0, 112);
            b = v128.load(x1, 112);
            v = v128.load(w, 224);
            u = v128.load(w, 240);
            sums00 = addBytes(sums00, a, v);
            sums10 = addBytes(sums10, b, v);
            sums01 = addBytes(sums01, a, u);
            sums11 = addBytes(sums11, b, u);
            a = v128.load(x0, 128);
            b = v128.load(x1, 128);
            part00 = addScaled(part00, widen(sums00), a, unit);
            part01 = addScaled(part01, widen(sums01), a, unit);
            part10 = addScaled(part10, widen(sums10), b, unit);
            part11 = addScaled(part11, widen(sums11), b, unit);
            w += 256;
            x0 += 144;
            x1 += 144;
          } while (unit != 32 && w != unitEnd);
          const sum0 = v128.load(x0);
          const sum1 = v128.load(x1);
          if (offsets == 0) {
            const added0 = f32x4.mul(sum0, v128.load(offset));
            total00 = addUnit(total00, part00, added0, v128.load(scales));
            total01 = addUnit(total01, part01, added0, v128.load(scales, 16));
            const added1 = f32x4.mul(sum1, v128.load(offset));
            total10 = addUnit(total10, part10, added1, v128.load(scales));
            total11 = addUnit(total11, part11, added1, v128.load(scales, 16));
          } else {
            total00 = addWithOffsets(total00, part00, sum0, v128.load(scales), v128.load(scales + offsets));
            total01 = addWithOffsets(total01, part01, sum0, v128.load(scales, 16), v128.load(scales + offsets, 16));
            total10 = addWithOffsets(total10, part10, sum1, v128.load(scales), v128.load(scales + offsets));
            total11 = addWithOffsets(total11, part11, sum1, v128.load(scales, 16), v128.load(scales + offsets, 16));
          }
        }
        const y = column + <usize>token * outStride;
        storeEight(y, total00, total01, to - row);
        if (token < end) storeEight(y + outStride, total10, total11, to - row);
      }
    }
  }
}
