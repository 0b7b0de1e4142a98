// 1024 weights that anyone can make again, each exact in float32: s = 1; s = s * 1664525 + 1013904223 mod 2^32;
// x = ((s >>> 8) - 2^23) / 2^27. The SHA-256 of their bytes is 5ba45cfe2cd5f795cd721012d382feeca9ba966a8fed8883596ea4a9657228bf.
export function lcg1024(): Float32Array {
  let state = 1;
  return Float32Array.from({ length: 1024 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 8) - 2 ** 23) / 2 ** 27;
  });
}
