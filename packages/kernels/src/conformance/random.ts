// Random numbers that a seed repeats: sfc32 (Chris Doty-Humphrey, PractRand), seeded from the FNV-1a hash of a text.

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform in [from, to). */
  between(from: number, to: number): number;
  /** A whole number from 0 to below - 1. */
  integer(below: number): number;
  /** Normal, mean 0, deviation 1. */
  normal(): number;
  /** Float32 [count], normal times `scale`. */
  normals(count: number, scale?: number): Float32Array;
  /** 0 to count - 1 in random order. */
  permutation(count: number): Int32Array;
}

/** The same seed gives the same numbers everywhere. */
export function seededRandom(seed: string | number): Random {
  let a = hash(`${seed}`);
  let b = 0x9e3779b9;
  let c = 0x243f6a88;
  let counter = 1;
  const bits = (): number => {
    const sum = (a + b + counter++) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = (((c << 21) | (c >>> 11)) + sum) >>> 0;
    return sum;
  };
  for (let i = 0; i < 12; i++) bits(); // as many as the generator needs to forget its start

  const next = (): number => bits() / 2 ** 32;
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const integer = (below: number): number => Math.floor(next() * below);
  return {
    next,
    between: (from, to) => from + next() * (to - from),
    integer,
    normal,
    normals: (count, scale = 1) => Float32Array.from({ length: count }, () => normal() * scale),
    permutation(count) {
      const order = Int32Array.from({ length: count }, (_, i) => i);
      for (let i = count - 1; i > 0; i--) {
        const j = integer(i + 1);
        [order[i], order[j]] = [order[j] as number, order[i] as number];
      }
      return order;
    },
  };
}

function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return state >>> 0;
}
