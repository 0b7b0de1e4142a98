// 1024 numbers that references are known for: multiples of 2^-27 from a linear congruential generator, exact in float32.

export function lcg1024(): Float32Array {
  let state = 1;
  return Float32Array.from({ length: 1024 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 8) - 8388608) / 8388608 / 16;
  });
}
