// Random numbers that a seed repeats on every machine: xoshiro128** 1.1 (Blackman and Vigna, "Scrambled linear
// pseudorandom number generators", 2021), its state filled by splitmix32. Each request owns one; `stream` gives a request
// independent ones for several answers to one prompt.

/** Uniform in [0, 1), with 53 random bits. */
export type Random = () => number;

/**
 * The generator itself: 32 random bits a call.
 * @param state four words, not all zero; copied
 */
export function xoshiro128(state: readonly [number, number, number, number]): () => number {
  let [a, b, c, d] = state;
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result >>> 0;
  };
}

/**
 * @param seed integer from 0 to 2^53 - 1
 * @param stream integer from 0 to 2^32 - 1
 */
export function seededRandom(seed: number, stream = 0): Random {
  // splitmix32 is a bijection of a counter: of four outputs in a row at most one is zero, as xoshiro needs.
  let counter = 0;
  for (const word of [seed % 2 ** 32, Math.floor(seed / 2 ** 32), stream])
    counter = mix(counter ^ word) + goldenGamma;
  const word = (index: number) => mix(counter + index * goldenGamma);
  const bits = xoshiro128([word(1), word(2), word(3), word(4)]);
  return () => ((bits() >>> 5) * 2 ** 26 + (bits() >>> 6)) / 2 ** 53;
}

/** A random seed. */
export function freshSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}

/** 2^32 over the golden ratio, odd: the step of splitmix. */
const goldenGamma = 0x9e3779b9;

/** The finaliser of splitmix32, with the constants of Ettinger's hash prospector. */
function mix(counter: number): number {
  let z = counter | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
