// Routings of consecutive tokens as one.
//
// Shapes: T tokens, A experts of a token.
import type { Routing } from './types.js';

/** @param parts of one layer, in the order of their tokens. @returns null where there is none */
export function joinRoutings(parts: readonly Routing[]): Routing | null {
  const [first] = parts;
  if (first === undefined || parts.length === 1) return first ?? null;
  const { expertsPerToken } = first;
  const tokens = parts.reduce((sum, part) => sum + part.tokens, 0);
  const expertIndices = new Int32Array(tokens * expertsPerToken); // [T, A]
  const expertWeights = new Float32Array(tokens * expertsPerToken); // [T, A]
  let offset = 0;
  for (const part of parts) {
    expertIndices.set(part.expertIndices, offset);
    expertWeights.set(part.expertWeights, offset);
    offset += part.expertIndices.length;
  }
  return { tokens, expertsPerToken, expertIndices, expertWeights };
}
