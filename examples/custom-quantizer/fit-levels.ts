// Sixteen levels for a sample of weights: Lloyd's algorithm for quantizers (Least Squares Quantization in PCM, 1982), where
// every block of weights has a scale of its own that is fitted too.
//
//   minimise  sum (w - s_b · level[code])²   over levels, codes and scales, one after the other

/** How often levels, codes and scales take turns; the error changes by less than a thousandth from here on. */
const rounds = 40;

/** The code of zero. Without a level of zero, one outlier turns the small weights of its block into noise. */
const zero = 7;

/** Steps of an eighth from -7/8 to 1. */
const evenLevels = Float32Array.from({ length: 16 }, (_, code) => (code - zero) / 8);

/** The code of the level nearest to x; levels ascend. */
export function nearest(levels: Float32Array, x: number): number {
  let code = 0;
  while (code < 15 && 2 * x > (levels[code] as number) + (levels[code + 1] as number)) code++;
  return code;
}

/**
 * The scale of a block whose codes are nearest to its weights, by turns.
 * @param block Float32 [B]
 * @returns 0 for a block of zeros
 */
export function fitScale(levels: Float32Array, block: Float32Array): number {
  const [least = 0, most = 0] = [levels[0], levels[15]];
  let scale = 0;
  for (const weight of block) scale = Math.max(scale, weight > 0 ? weight / most : weight / least);
  for (let turn = 0; turn < 3 && scale > 0; turn++) {
    let [product, square] = [0, 0];
    for (const weight of block) {
      const level = levels[nearest(levels, weight / scale)] as number;
      product += weight * level;
      square += level * level;
    }
    if (product <= 0) break;
    scale = product / square;
  }
  return scale;
}

/**
 * Levels that suit a sample: ascending, one of them 0, the largest magnitude 1.
 * @param sample Float32 [n], weights as they lie in a matrix; 100,000 are plenty
 * @param blockSize weights that share a scale
 */
export function fitLevels(sample: Float32Array, blockSize: number): Float32Array {
  let levels = evenLevels;
  for (let round = 0; round < rounds; round++) {
    const products = new Float64Array(16);
    const squares = new Float64Array(16);
    for (let start = 0; start < sample.length; start += blockSize) {
      const block = sample.subarray(start, start + blockSize);
      const scale = fitScale(levels, block);
      if (scale === 0) continue;
      for (const weight of block) {
        const code = nearest(levels, weight / scale);
        products[code] = (products[code] as number) + weight * scale;
        squares[code] = (squares[code] as number) + scale * scale;
      }
    }
    const fitted = levels.map((level, code) => {
      const square = squares[code] as number;
      return code === zero || square === 0 ? level : (products[code] as number) / square;
    });
    const largest = Math.max(...fitted.map(Math.abs));
    levels = fitted.map((level) => level / largest).sort();
  }
  return levels;
}
