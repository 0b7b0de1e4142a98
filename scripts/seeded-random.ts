// Random inputs that a run can repeat: in tests, Math.random and fast-check draw from MOEQ_SEED, a new one for every run
// unless it is set. The closing lines of a run name it. Every test starts from the seed and its own name, so that it draws
// the same numbers alone and among others; what a file draws while it loads starts from the name of the file.
import fc from 'fast-check';
import { beforeEach, expect } from 'vitest';

const { MOEQ_SEED: seed = '0' } = process.env;

/** FNV-1a of a text. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return state >>> 0;
}

/** splitmix32, by Sebastiano Vigna and Guy Steele: uniform in [0, 1), 32 bits. */
function uniform(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

const { testPath = '' } = expect.getState();
const file = testPath.slice(import.meta.dirname.length - 'scripts'.length);
Math.random = uniform(hash(`${seed} ${file}`));
fc.configureGlobal({ seed: hash(`${seed} ${file}`) | 0 });

beforeEach(({ task }) => {
  Math.random = uniform(hash(`${seed} ${file} ${task.fullName}`));
});
